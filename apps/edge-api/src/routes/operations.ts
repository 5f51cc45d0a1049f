import { ApiError } from '../http/api-error.js'
import type { App, Kit } from '../http/context.js'
import { jsonResponses } from './docs-schemas.js'
import { addRoute } from './routing.js'

/** `/healthz` and `/readyz`: for machines that watch over this one, without a key. */
export function addHealth(app: App, { services, isDraining }: Kit): void {
  const alive = {
    summary: 'Whether the process lives',
    security: [],
    responses: jsonResponses(200, 'It does'),
  }
  addRoute(app, 'get', '/healthz', alive, (c) => c.json({ status: 'ok' }))
  const ready = {
    summary: 'Whether questions are taken',
    security: [],
    responses: jsonResponses(200, 'They are'),
  }
  addRoute(app, 'get', '/readyz', ready, async (c) => {
    if (isDraining()) throw notReady('The server is shutting down.')
    try {
      await services.engine.check()
    } catch (cause) {
      throw notReady('The engine is not ready.', cause)
    }
    const { queued, running } = await services.jobs.stats()
    return c.json({ status: 'ready', queued, running })
  })
}

/** `/metrics`, in the form that Prometheus reads. */
export function addMetrics(app: App, { services }: Kit): void {
  const responses = { 200: { description: 'Counters', content: { 'text/plain': {} } } }
  addRoute(app, 'get', '/metrics', { summary: 'Counters', responses }, async (c) => {
    const { contentType, text } = await services.metrics.render()
    return c.body(text, 200, { 'Content-Type': contentType })
  })
}

function notReady(message: string, cause?: unknown): ApiError {
  return new ApiError(503, 'not_ready', message, { headers: { 'Retry-After': '5' }, cause })
}
