import type { Services } from '../services.js'
import { ApiError, apiErrorOf } from './api-error.js'
import type { Request } from './context.js'
import type { Room } from './room.js'

/** A request id that a proxy gave is taken over only if it can do no harm in a log. */
const REQUEST_ID = /^[\w.:-]{8,128}$/

interface Observers extends Pick<Services, 'clock' | 'log'> {
  readonly metrics: Pick<Services['metrics'], 'request'>
}

/** Request id, log line and metrics of every request. */
export function observe({ clock, log, metrics }: Observers, bodies: Room) {
  return async (c: Request, next: () => Promise<void>): Promise<void> => {
    const startedAt = clock()
    const given = c.req.header('x-request-id')
    const requestId = given !== undefined && REQUEST_ID.test(given) ? given : crypto.randomUUID()
    c.set('requestId', requestId)
    await next()
    bodies.give(c.get('heldBytes') ?? 0)
    c.header('X-Request-Id', requestId)
    const { method } = c.req
    const { status } = c.res
    const route = c.get('route') ?? 'unknown'
    const milliseconds = clock() - startedAt
    metrics.request({ route, method, status }, milliseconds / 1000)
    const failure = c.get('failure')
    const fields = { requestId, method, route, status, milliseconds, caller: c.get('caller')?.name }
    if (status >= 500 && failure !== undefined) log.error({ ...fields, err: failure }, 'request failed')
    else log.info({ ...fields, code: failure instanceof ApiError ? failure.code : undefined }, 'request')
  }
}

/** What was thrown, as an answer. */
export function answerError(c: Request, thrown: unknown): Response {
  const error = apiErrorOf(thrown)
  c.set('failure', error.code === 'internal_error' ? thrown : error)
  const headers = { ...error.headers, 'Content-Type': 'application/json' }
  return new Response(JSON.stringify(error.body), { status: error.status, headers })
}
