import { join } from 'node:path'
import { type JobQueue, openQueue } from '@longtake/jobs'
import { openLink } from '@longtake/runtime/link'
import type { Client } from 'discord.js'
import { Attachments } from './answering/attachments.js'
import { Deliveries } from './answering/deliveries.js'
import type { DeliveryKit } from './answering/delivery.js'
import { Pace } from './answering/pace.js'
import type { AskJob, AskProgress, AskResult } from './answering/work.js'
import type { Config } from './config/config.js'
import { disconnect, makeClient } from './discord/client.js'
import { DiscordApi } from './discord/discord-api.js'
import type { Identity } from './discord/preflight.js'
import type { Engine } from './engine/engine.js'
import { openLocalEngine } from './engine/local.js'
import { openRemoteEngine } from './engine/remote.js'
import { type Metrics, openMetrics } from './http/metrics.js'
import type { IntakeKit } from './intake/intake-kit.js'
import type { Log } from './log.js'
import { Store } from './store/store.js'

/** A deploy starts the next process before this one has let go of the folder. */
const LOCK_WAIT_MS = 60_000
const SWEEP_MS = 10 * 60 * 1000
/** Ended jobs are of no use once the store has their answers. */
const KEEP_JOBS_MS = 60 * 60 * 1000
/** Starts of a question: a bot that is restarted again and again must not give up questions that it took on. */
const MOST_ATTEMPTS = 10

/** What a bot is made of, before it is connected. */
export interface Parts {
  readonly client: Client<true>
  readonly engine: Engine
  readonly store: Store
  readonly attachments: Attachments
  readonly jobs: JobQueue<AskJob, AskResult, AskProgress>
  readonly metrics: Metrics
  readonly kit: IntakeKit
  readonly state: { isClosing: boolean }
}

export interface PartsOptions {
  readonly config: Config
  readonly identity: Identity
  readonly log: Log
  /** Instead of the engine of the configuration. */
  readonly engine: Engine | undefined
  /** Milliseconds since 1970. */
  readonly clock: () => number
  /** What has to be closed, in the order in which it was opened. */
  readonly opened: (() => unknown)[]
}

/**
 * Opens everything that a bot needs beside its connection.
 *
 * @throws {LongtakeError} If the folder is another process's, or a model cannot be loaded.
 */
export async function openParts(options: PartsOptions): Promise<Parts> {
  const { config, log, opened } = options
  const { jobs, store } = await openState(options)
  const engine = options.engine ?? (await openEngine(config, log))
  opened.push(() => engine.close())
  const attachments = new Attachments(store.files, attachmentOpener(config), log)
  opened.push(() => attachments.close())
  const client = makeClient(config.discord) as Client<true>
  opened.push(() => disconnect(client))
  const metrics = openMetrics()
  metrics.gauge('jobs_queued', async () => (await jobs.stats()).queued)
  metrics.gauge('jobs_running', async () => (await jobs.stats()).running)
  metrics.gauge('questions_open', () => store.questions.countAllOpen())
  metrics.gauge('gateway_ready', () => (client.isReady() ? 1 : 0))
  const state = { isClosing: false }
  const deliveryKit = openDelivery(options, { jobs, store, metrics })
  const kit: IntakeKit = {
    ...deliveryKit,
    client,
    attachments,
    limits: config.limits,
    deliveries: new Deliveries(deliveryKit),
    models: engine.models,
    readsContent: config.discord.readsContent,
    isClosing: () => state.isClosing,
  }
  return { client, engine, store, attachments, jobs, metrics, kit, state }
}

async function openState({
  config,
  log,
  clock,
  opened,
}: PartsOptions): Promise<Pick<Parts, 'jobs' | 'store'>> {
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
  return { jobs, store }
}

function openDelivery(
  { config, identity, log, clock, opened }: PartsOptions,
  parts: Pick<Parts, 'jobs' | 'store' | 'metrics'>,
): DeliveryKit {
  const api = new DiscordApi(config.discord)
  opened.push(() => api.close())
  api.observe(
    () => parts.metrics.waited(),
    () => parts.metrics.rateLimited(),
  )
  const { deadlineMs } = config.limits
  return { ...parts, api, log, clock, deadlineMs, pace: new Pace(clock), ownId: identity.userId }
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
