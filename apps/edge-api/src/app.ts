import { OpenAPIHono } from '@hono/zod-openapi'
import type { Drained } from '@longtake/jobs'
import { secureHeaders } from 'hono/secure-headers'
import { Allowances } from './http/allowances.js'
import { ApiError } from './http/api-error.js'
import { requireCaller } from './http/callers.js'
import type { App, Env, Kit } from './http/context.js'
import { Entrance } from './http/entrance.js'
import { answerError, observe } from './http/observe.js'
import { allowOrigins } from './http/origins.js'
import { Room } from './http/room.js'
import { addPage } from './page/page.js'
import { addChat } from './routes/chat.js'
import { addDocs } from './routes/docs.js'
import { addModels } from './routes/models.js'
import { addHealth, addMetrics } from './routes/operations.js'
import { refuseOtherMethods } from './routes/routing.js'
import { addPlan, addVideos } from './routes/videos.js'
import type { Services } from './services.js'
import { Studio } from './videos/studio.js'

const SWEEP_MS = 30_000
/** Of the largest size; any number of small ones. */
const BODIES = 4
/** Plans that are made at once. */
const PLANS = 8

/** The API, ready to be served by any platform. */
export interface EdgeApi {
  /** Answers a request; `bindings` are the platform's own. */
  fetch(request: globalThis.Request, bindings?: object): Response | Promise<Response>
  /** Takes no more questions, lets running ones end within the time, hands back the rest, and closes all videos. */
  drain(timeoutMs: number): Promise<Drained>
}

/** Puts the API together. Everything of the platform comes in through `services`, which it does not close. */
export function createApp(services: Services): EdgeApi {
  const studio = new Studio(services)
  const allowances = new Allowances(services.limits, services.clock)
  let draining: Promise<Drained> | undefined
  const kit: Kit = {
    services,
    studio,
    allowances,
    bodies: new Room(
      BODIES * Math.max(services.limits.maxUploadBytes, services.limits.maxBodyBytes),
      'large requests',
    ),
    plans: new Room(PLANS, 'plans'),
    isDraining: () => draining !== undefined,
  }
  const { jobs, metrics, log } = services
  metrics.gauge('jobs_queued', async () => (await jobs.stats()).queued)
  metrics.gauge('jobs_running', async () => (await jobs.stats()).running)
  const app = buildApp(kit)
  const sweeping = setInterval(() => {
    studio.sweep().catch((error: unknown) => log.error({ err: error }, 'sweeping failed'))
  }, SWEEP_MS)
  if (typeof sweeping === 'object') sweeping.unref()
  const drain = async (timeoutMs: number): Promise<Drained> => {
    clearInterval(sweeping)
    const drained = await jobs.drain({ timeoutMs })
    await studio.close()
    return drained
  }
  const entrance = new Entrance()
  return {
    async fetch(request, bindings) {
      await entrance.enter()
      return app.fetch(request, bindings)
    },
    drain(timeoutMs) {
      draining ??= drain(timeoutMs)
      return draining
    },
  }
}

function buildApp(kit: Kit): App {
  const { services } = kit
  const app: App = new OpenAPIHono<Env>()
  app.onError((error, c) => answerError(c, error))
  app.notFound((c) => answerError(c, new ApiError(404, 'not_found', 'There is nothing at this address.')))
  app.use(observe(services, kit.bodies))
  addPage(app, kit)
  app.use(
    secureHeaders({
      contentSecurityPolicy: {
        defaultSrc: ["'none'"],
        styleSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
      },
      crossOriginResourcePolicy: 'cross-origin',
      referrerPolicy: 'no-referrer',
      xFrameOptions: 'DENY',
    }),
  )
  allowOrigins(app, services.corsOrigins ?? [])
  addHealth(app, kit)
  addDocs(app, kit)
  app.use('/v1/*', requireCaller(services.keys))
  app.use('/metrics', requireCaller(services.keys))
  app.use('/v1/*', (c, next) => {
    kit.allowances.request(c.get('caller'))
    return next()
  })
  addMetrics(app, kit)
  addModels(app, kit)
  addChat(app, kit)
  addVideos(app, kit)
  addPlan(app, kit)
  refuseOtherMethods(app)
  return app
}
