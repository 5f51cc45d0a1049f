import type { OpenAPIHono } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { Caller, Services } from '../services.js'
import type { Studio } from '../videos/studio.js'
import type { Allowances } from './allowances.js'

/** What middleware leaves for routes. */
export interface Env {
  Variables: {
    requestId: string
    caller: Caller
    /** Pattern of the route that answered; metrics and logs show it instead of the path. */
    route: string
    /** The error that was answered, for the log. */
    failure: unknown
  }
}

export type App = OpenAPIHono<Env>
export type Request = Context<Env>

/** What routes work with. */
export interface Kit {
  readonly services: Services
  readonly studio: Studio
  readonly allowances: Allowances
  /** Whether the server is about to end. */
  readonly isDraining: () => boolean
}
