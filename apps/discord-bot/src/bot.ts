import { join } from 'node:path'
import { EngineError } from '@longtake/core'
import { type JobQueue, openQueue } from '@longtake/jobs'
import { openLink } from '@longtake/runtime/link'
import { type Client, Events } from 'discord.js'
import { Attachments } from './answering/attachments.js'
import { Deliveries } from './answering/deliveries.js'
import type { DeliveryKit } from './answering/delivery.js'
import { Pace } from './answering/pace.js'
import { type AskJob, type AskProgress, type AskResult, retrying, work } from './answering/work.js'
import { inviteLinks } from './commands/invite.js'
import { registerCommands } from './commands/register.js'
import { type Config, type Environment, readConfig } from './config/config.js'
import { makeClient } from './discord/client.js'
import { DiscordApi } from './discord/discord-api.js'
import {
  closedFor,
  type Identity,
  makeRest,
  preflight,
  startFailure,
  stopTimers,
} from './discord/preflight.js'
import type { Engine } from './engine/engine.js'
import { openLocalEngine } from './engine/local.js'
import { openRemoteEngine } from './engine/remote.js'
import { serveHealth } from './http/health.js'
import { type Metrics, openMetrics } from './http/metrics.js'
import type { IntakeKit } from './intake/intake-kit.js'
import { missingPermissions } from './intake/permissions.js'
import { listen } from './listen.js'
import { type Log, openLog } from './log.js'
import { Store } from './store/store.js'

/** A deploy starts the next process before this one has let go of the folder. */
const LOCK_WAIT_MS = 60_000
const SWEEP_MS = 10 * 60 * 1000
/** For answers that are ready and on their way when all work has ended. */
const LAST_WRITES_MS = 10_000
/** Ended jobs are of no use once the store has their answers. */
const KEEP_JOBS_MS = 60 * 60 * 1000
/** Starts of a question: a bot that is restarted again and again must not give up questions that it took on. */
const MOST_ATTEMPTS = 10

/** A server that the bot is in, and the permissions that it lacks there. */
export interface BotGuild {
  readonly id: string
  readonly name: string
  readonly missing: readonly string[]
}

/** A bot that runs. */
export interface RunningBot {
  readonly name: string
  readonly guilds: readonly BotGuild[]
  readonly invite: { readonly server: string; readonly user: string }
  /** Where `/healthz`, `/readyz` and `/metrics` are. */
  readonly healthUrl: string
  /** Questions that an earlier process left, with which this one goes on. */
  readonly resumed: number
  /** Settles when Discord shuts the bot out for good, such as with a token that was reset, with why. */
  readonly failed: Promise<unknown>
  /** Takes nothing on any more, lets what runs end or leaves it to the next process; repeated calls wait for the same end. */
  close(): Promise<void>
}

export interface BotOptions {
  /** Answers instead of the engine that the environment names. */
  readonly engine?: Engine
  /** Milliseconds since 1970. */
  readonly clock?: () => number
}

/**
 * Starts the bot in this process, configured by environment variables: see the README.
 *
 * @throws {InvalidOptionError} Naming all mistakes of the configuration; for a token that Discord does not know, and for
 *   intents that are off.
 * @throws {LongtakeError} If Discord does not answer, a model cannot be loaded, or another process has the folder.
 */
export async function startBot(env: Environment, options: BotOptions = {}): Promise<RunningBot> {
  const config = readConfig(env)
  const log = openLog(config.logLevel)
  const opened: (() => unknown)[] = []
  try {
    return await start(config, options, log, opened)
  } catch (error) {
    for (const close of opened.reverse()) await close()
    throw error
  }
}

async function start(
  config: Config,
  options: BotOptions,
  log: Log,
  opened: (() => unknown)[],
): Promise<RunningBot> {
  const rest = makeRest(config.discord)
  opened.push(() => stopTimers(rest))
  const identity = await preflight(rest, config.discord)
  if (config.discord.registers) await registerCommands(rest, identity.applicationId)
  const parts = await openParts(config, options, identity, log, opened)
  const { client, kit, jobs, metrics, state } = parts
  const health = await serveHealth({ ...config.health, metrics, check: () => check(parts) })
  opened.push(() => health.close())
  await connect(client, config)
  opened.push(startWork(parts, config, log))
  const resumed = kit.deliveries.resume()
  const guilds = guildsOf(client, log)
  log.info({ name: identity.name, guilds: guilds.length, resumed }, 'ready')
  let closing: Promise<void> | undefined
  const close = async (): Promise<void> => {
    state.isClosing = true
    const drained = await jobs.drain({ timeoutMs: config.limits.drainMs })
    await kit.deliveries.close(LAST_WRITES_MS)
    for (const end of opened.reverse()) await end()
    log.info({ ...drained }, 'stopped')
  }
  return {
    name: identity.name,
    guilds,
    invite: inviteLinks(identity.applicationId),
    healthUrl: health.url,
    resumed,
    failed: new Promise((resolve) => {
      client.once(Events.ShardDisconnect, ({ code }) => resolve(closedFor(code, config.discord)))
    }),
    close() {
      closing ??= close()
      return closing
    },
  }
}

function startWork({ jobs, ...parts }: Parts, { limits }: Config, log: Log): () => Promise<void> {
  const { isRetryable, failed } = retrying()
  const worker = jobs.work(
    async (run) => {
      try {
        return await work(parts, run)
      } catch (error) {
        failed(error, run.attempt)
        throw error
      }
    },
    {
      concurrency: limits.concurrency,
      isRetryable,
      onUnexpected: (error, job) => log.error({ job, err: error }, 'a job failed unexpectedly'),
    },
  )
  return () => worker.close()
}

interface Parts {
  readonly client: Client<true>
  readonly engine: Engine
  readonly store: Store
  readonly attachments: Attachments
  readonly jobs: JobQueue<AskJob, AskResult, AskProgress>
  readonly metrics: Metrics
  readonly kit: IntakeKit
  readonly state: { isClosing: boolean }
}

async function openParts(
  config: Config,
  { engine: given, clock = Date.now }: BotOptions,
  identity: Identity,
  log: Log,
  opened: (() => unknown)[],
): Promise<Parts> {
  const { limits, stateFolder } = config
  // The queue's lock says that no other process uses the folder.
  const jobs = await openQueue<AskJob, AskResult, AskProgress>({
    folder: join(stateFolder, 'jobs'),
    lockWaitMs: LOCK_WAIT_MS,
    mostQueued: limits.mostQueued,
    keepMs: KEEP_JOBS_MS,
    mostAttempts: MOST_ATTEMPTS,
  })
  opened.push(() => jobs.close())
  const store = await Store.open(stateFolder, limits, clock)
  opened.push(() => store.close())
  opened.push(sweepOften(store, limits.keepMs, log))
  const engine = given ?? (await openEngine(config, log))
  opened.push(() => engine.close())
  const attachments = new Attachments(store.files, attachmentOpener(config), log)
  opened.push(() => attachments.close())
  const metrics = openMetrics()
  const client = makeClient(config.discord) as Client<true>
  opened.push(() => client.destroy())
  const api = new DiscordApi(config.discord)
  opened.push(() => api.close())
  api.observe(
    () => metrics.waited(),
    () => metrics.rateLimited(),
  )
  const state = { isClosing: false }
  const deliveryKit: DeliveryKit = {
    api,
    store,
    jobs,
    log,
    metrics,
    clock,
    pace: new Pace(clock),
    deadlineMs: limits.deadlineMs,
    ownId: identity.userId,
  }
  const kit: IntakeKit = {
    ...deliveryKit,
    client,
    attachments,
    limits,
    deliveries: new Deliveries(deliveryKit),
    models: engine.models,
    readsContent: config.discord.readsContent,
    isClosing: () => state.isClosing,
  }
  listen(client, kit)
  metrics.gauge('jobs_queued', async () => (await jobs.stats()).queued)
  metrics.gauge('jobs_running', async () => (await jobs.stats()).running)
  metrics.gauge('questions_open', () => store.questions.countAllOpen())
  metrics.gauge('gateway_ready', () => (client.isReady() ? 1 : 0))
  return { client, engine, store, attachments, jobs, metrics, kit, state }
}

/** Forgets what is too old, now and from time to time. */
function sweepOften(store: Store, keepMs: number, log: Log): () => void {
  const sweep = (): void => {
    store
      .sweep(keepMs)
      .catch((error: unknown) => log.error({ err: error }, 'what is too old could not be removed'))
  }
  sweep()
  const timer = setInterval(sweep, SWEEP_MS)
  return () => clearInterval(timer)
}

function openEngine({ engine, limits, links }: Config, log: Log): Promise<Engine> {
  if (engine.type === 'remote') return openRemoteEngine(engine, limits)
  return openLocalEngine({
    ...engine,
    limits,
    log,
    openLink: (url, signal) => openLink(url, { policy: links, signal }),
  })
}

/** Files that were posted in Discord may always be fetched, whichever hosts links may lead to; all else holds for them too. */
function attachmentOpener({ links: { allowHosts: _, ...policy }, limits }: Config) {
  const bounded = { ...policy, pages: false, limits: { maxFileBytes: limits.maxFileBytes } }
  return (url: string, signal: AbortSignal) => openLink(url, { policy: bounded, signal })
}

async function connect(client: Client, { discord }: Config): Promise<void> {
  const ready = new Promise<void>((resolve) => {
    client.once(Events.ClientReady, () => resolve())
  })
  try {
    await client.login(discord.token)
  } catch (error) {
    throw startFailure(error, discord)
  }
  await ready
}

async function check({ client, engine, state }: Parts): Promise<void> {
  if (state.isClosing || !client.isReady() || client.ws.status !== 0)
    throw new EngineError('ENGINE_UNAVAILABLE', 'The bot is not connected to Discord.')
  await engine.check()
}

/** What the bot lacks in whole servers; single channels may differ, and whoever asks there is told. */
function guildsOf(client: Client<true>, log: Log): readonly BotGuild[] {
  return client.guilds.cache.map(({ id, name, members }) => {
    const missing = members.me === null ? [] : missingPermissions(members.me.permissions, false)
    if (missing.length > 0) log.warn({ guild: id, name, missing }, 'permissions are missing')
    return { id, name, missing }
  })
}
