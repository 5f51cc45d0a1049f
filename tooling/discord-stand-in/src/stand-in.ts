import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Cdn } from './cdn.js'
import { StandInClock } from './clock.js'
import { CommandStore } from './commands/command-store.js'
import { Discord } from './driver/discord.js'
import { Faults } from './faults.js'
import { Gateway, type GatewayOptions } from './gateway/gateway.js'
import { InteractionStore } from './interactions/interaction-store.js'
import type { Platform } from './platform.js'
import { RestServer } from './rest/rest-server.js'
import type { Route } from './rest/route.js'
import { commandRoutes } from './routes/command-routes.js'
import { interactionRoutes } from './routes/interaction-routes.js'
import { messageRoutes } from './routes/message-routes.js'
import { resourceRoutes } from './routes/resource-routes.js'
import { threadRoutes } from './routes/thread-routes.js'
import { webhookRoutes } from './routes/webhook-routes.js'
import { Snowflakes } from './snowflake.js'
import { buildWorld, type WorldOptions } from './world/build-world.js'

export interface DiscordOptions extends WorldOptions {
  /** Default 41,250, as Discord's. */
  readonly heartbeatIntervalMs?: number
  /** Least time between identifies of a shard; default 5,000, as Discord's. */
  readonly identifyIntervalMs?: number
  /** How long a lost session can be resumed, on the stand-in's clock; default 5 minutes. */
  readonly sessionLifetimeMs?: number
  /** Fixes which requests meet faults of a chance below 1; default 1. */
  readonly seed?: number
  /** Port on this machine; default a free one. */
  readonly port?: number
}

/** Starts a Discord on this machine, for bots to connect to and tests to use. */
export async function startDiscord(options: DiscordOptions = {}): Promise<Discord> {
  const clock = new StandInClock()
  const ids = new Snowflakes(clock)
  const world = buildWorld(options, ids, clock)
  const server = createServer()
  const port = await listen(server, options.port ?? 0)
  const origin = `http://127.0.0.1:${port}`
  const cdn = new Cdn(clock, origin)
  const gateway = new Gateway(world, clock, gatewayOptions(options), `ws://127.0.0.1:${port}`)
  const platform: Platform = {
    clock,
    ids,
    world,
    cdn,
    commands: new CommandStore(),
    interactions: new InteractionStore(clock, ids),
    dispatch: (event) => gateway.dispatch(event),
  }
  const stopped = new AbortController()
  const faults = new Faults(options.seed ?? 1)
  const rest = new RestServer({
    routes: allRoutes(platform, gateway),
    faults,
    cdn,
    clock,
    token: world.application.token,
    signal: stopped.signal,
  })
  server.on('request', (request, response) => {
    rest.handle(request, response).catch((error: unknown) => response.destroy(asError(error)))
  })
  server.on('upgrade', (request, socket, head) => gateway.upgrade(request, socket, head))
  const close = async () => {
    stopped.abort()
    gateway.shutDown()
    server.closeAllConnections()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  }
  return new Discord({ platform, gateway, rest, faults, origin, close })
}

function allRoutes(platform: Platform, gateway: Gateway): Route[] {
  return [
    ...resourceRoutes(platform, gateway),
    ...commandRoutes(platform),
    ...interactionRoutes(platform),
    ...webhookRoutes(platform),
    ...messageRoutes(platform),
    ...threadRoutes(platform),
  ]
}

/** Listens on this machine alone and gives the port. */
async function listen(server: Server, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  return (server.address() as AddressInfo).port
}

function gatewayOptions(options: DiscordOptions): GatewayOptions {
  return {
    heartbeatIntervalMs: options.heartbeatIntervalMs ?? 41_250,
    identifyIntervalMs: options.identifyIntervalMs ?? 5000,
    sessionLifetimeMs: options.sessionLifetimeMs ?? 5 * 60 * 1000,
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
