import { cors } from 'hono/cors'
import type { App } from './context.js'

/** Lets pages of these origins call; `*` is all of them, none is none. */
export function allowOrigins(app: App, origins: readonly string[]): void {
  if (origins.length === 0) return
  app.use(
    cors({
      origin: origins.includes('*') ? '*' : [...origins],
      allowHeaders: ['Authorization', 'Content-Type', 'Idempotency-Key', 'X-Request-Id'],
      exposeHeaders: ['X-Request-Id', 'Retry-After', 'Location'],
      maxAge: 600,
    }),
  )
}
