import type { MiddlewareHandler } from 'hono'
import type { Caller, Keys } from '../services.js'
import { ApiError } from './api-error.js'
import type { Env } from './context.js'

/** Longer ones are no keys; hashing them would be work for a stranger. */
const MOST_KEY_CHARACTERS = 512
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])

/** In it a gateway says for whom it asks, and is told under which name. */
export const CALLER_HEADER = 'X-Longtake-Caller'
const CALLER_NAME = /^[\w.@-]{1,64}$/

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
    const named = caller.isGateway === true ? namedBy(caller, c.req.header(CALLER_HEADER)) : undefined
    c.set('caller', named ?? caller)
    await next()
    // A gateway that is not known as one would mix up its callers, so it waits for this.
    if (named !== undefined) c.header(CALLER_HEADER, named.name)
    return
  }
}

/** A caller of a gateway: somebody else than a caller of that name who has a key here. */
function namedBy(gateway: Caller, name: string | undefined): Caller | undefined {
  if (name === undefined) return undefined
  if (!CALLER_NAME.test(name)) {
    throw new ApiError(400, 'invalid_value', `${CALLER_HEADER}: expected a name of a key.`)
  }
  return { ...gateway, isGateway: false, name: `${gateway.name}/${name}` }
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
