import { OpenAPIHono } from '@hono/zod-openapi'
import { Allowances } from '../http/allowances.js'
import { ApiError } from '../http/api-error.js'
import { requireCaller } from '../http/callers.js'
import type { App, BodyKit, Env } from '../http/context.js'
import { answerError, observe } from '../http/observe.js'
import { allowOrigins } from '../http/origins.js'
import { Room } from '../http/room.js'
import { refuseOtherMethods } from '../routes/routing.js'
import type { Log } from '../services.js'
import type { GatewayConfig } from './config.js'
import { webKeys } from './keys.js'
import { UpstreamModels } from './models.js'
import { addGatewayRoutes } from './routes.js'
import { Upstream } from './upstream.js'

/** Of the largest JSON. */
const BODIES = 2
/** Headers of answers that an engine has not set itself. */
const SAFE_HEADERS = {
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Referrer-Policy': 'no-referrer',
  'Strict-Transport-Security': 'max-age=15552000; includeSubDomains',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
}

/** What the routes of a gateway work with. */
export interface GatewayKit extends BodyKit {
  readonly services: { readonly limits: GatewayConfig['limits'] }
  readonly allowances: Allowances
  readonly upstream: Upstream
  readonly models: UpstreamModels
}

export interface Gateway {
  fetch(request: globalThis.Request): Response | Promise<Response>
}

/** The API without an engine: checks and plans here, and asks the server of an engine for the rest. */
export function createGateway(config: GatewayConfig, log: Log): Gateway {
  const { limits, upstream: url, upstreamKey: key } = config
  const clock = Date.now
  const upstream = new Upstream({ url, key, deadlineSeconds: limits.deadlineSeconds })
  const kit: GatewayKit = {
    services: { limits },
    bodies: new Room(BODIES * limits.maxBodyBytes, 'large requests'),
    allowances: new Allowances(limits, clock),
    upstream,
    models: new UpstreamModels(upstream, clock),
  }
  const app: App = new OpenAPIHono<Env>()
  app.onError((error, c) => answerError(c, error))
  app.notFound((c) => answerError(c, new ApiError(404, 'not_found', 'There is nothing at this address.')))
  app.use(observe({ clock, log, metrics: { request: () => {} } }, kit.bodies))
  app.use(async (c, next) => {
    await next()
    for (const [name, value] of Object.entries(SAFE_HEADERS)) {
      if (!c.res.headers.has(name)) c.header(name, value)
    }
  })
  allowOrigins(app, config.corsOrigins)
  app.use('/v1/*', requireCaller(webKeys(config.keys)))
  app.use('/v1/*', (c, next) => {
    kit.allowances.request(c.get('caller'))
    return next()
  })
  addGatewayRoutes(app, kit)
  refuseOtherMethods(app)
  return { fetch: (request) => app.fetch(request) }
}
