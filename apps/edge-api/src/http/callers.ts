import type { MiddlewareHandler } from 'hono'
import type { Keys } from '../services.js'
import { ApiError } from './api-error.js'
import type { Env } from './context.js'

/** Longer ones are no keys; hashing them would be work for a stranger. */
const MOST_KEY_CHARACTERS = 512
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])

/** Finds out who calls; without a known key nothing goes on. */
export function requireCaller(keys: Keys): MiddlewareHandler<Env> {
  return async (c, next) => {
    const open = keys.open
    if (open !== undefined) {
      requireOwnMachine(c.req.url, c.req.header('host'), c.req.header('origin'))
      c.set('caller', open)
      return next()
    }
    const secret = /^Bearer +(\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1]
    const caller =
      secret === undefined || secret.length > MOST_KEY_CHARACTERS ? undefined : await keys.find(secret)
    if (caller === undefined) {
      const message =
        secret === undefined ? 'Send your key as "Authorization: Bearer KEY".' : 'This key is not known.'
      throw new ApiError(401, 'invalid_api_key', message, { headers: { 'WWW-Authenticate': 'Bearer' } })
    }
    c.set('caller', caller)
    return next()
  }
}

/**
 * Without keys the server is for its own machine. A page in a browser of that machine may still send requests to it,
 * under a name of its own that leads to loopback: such requests name another host, or another origin.
 */
function requireOwnMachine(url: string, host: string | undefined, origin: string | undefined): void {
  const asked = hostOf(`http://${host ?? new URL(url).host}`)
  const isOwn = asked !== undefined && LOOPBACK.has(asked)
  const isOwnPage = origin === undefined || LOOPBACK.has(hostOf(origin) ?? '')
  if (isOwn && isOwnPage) return
  throw new ApiError(
    403,
    'loopback_only',
    'This server has no keys, and answers its own machine only (localhost).',
  )
}

function hostOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).hostname : undefined
}
