import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { InvalidOptionError } from '@longtake/core'
import { openQueue } from '@longtake/jobs'
import { pino } from 'pino'
import { createApp, type EdgeApi } from '../app.js'
import type { Services } from '../services.js'
import type { JobProgress, VideoJob, VideoResult } from '../videos/job.js'
import { type Config, readConfig } from './config.js'
import { openEngine } from './engine.js'
import { openIsolatedEngine } from './isolated-engine.js'
import { openKeys } from './keys.js'
import { openLinks } from './links.js'
import type { Listen } from './listening.js'
import { openMetrics } from './metrics.js'
import { openUploads } from './uploads.js'
import { openVideoStore } from './video-store.js'

const LOOPBACK = '127.0.0.1'
const EVERYWHERE = '0.0.0.0'
/** A deploy starts the next process before this one has let go of the folder. */
const LOCK_WAIT_MS = 60_000

/** A server that runs. */
export interface RunningServer {
  /** Where it can be reached, such as `http://127.0.0.1:8080`. */
  readonly url: string
  /** Whether everybody on this machine may ask, because there are no keys. */
  readonly isOpen: boolean
  /** Takes no more work, lets what runs end or hands it back, and stops; repeated calls wait for the same end. */
  close(): Promise<void>
}

/** The API with all that it needs, for a server of one's own. */
export interface OpenApi {
  readonly fetch: EdgeApi['fetch']
  /** Takes no more work, lets what runs end or hands it back, and frees all; repeated calls wait for the same end. */
  close(): Promise<void>
}

interface ConfiguredApi {
  readonly app: EdgeApi
  readonly services: Services
  /** @param stop - Called when all work has ended, before what it needs is closed. */
  close(stop?: () => Promise<void>): Promise<void>
}

/**
 * Starts the API in this process, configured by environment variables: see the README.
 *
 * @param listen - Starts the platform's own server.
 * @throws {SettingsError} Naming all mistakes of the configuration.
 * @throws {LongtakeError} If a model cannot be loaded, or the folder of jobs not be opened.
 */
export async function serveBy(
  listen: Listen,
  env: Readonly<Record<string, string | undefined>>,
): Promise<RunningServer> {
  const config = readConfig(env)
  const keys = await openKeys(config.keys, config.keysFile, config.gateways)
  const isOpen = keys.open !== undefined
  const host = hostOf(config.host, isOpen)
  const { app, services, close } = await openConfigured(config, keys)
  try {
    const { maxBodyBytes, maxUploadBytes, bodyMs } = config.limits
    const server = await listen({
      fetch: app.fetch,
      hostname: host,
      port: config.port,
      mostBytes: Math.max(maxBodyBytes, maxUploadBytes),
      bodyMs,
    })
    const url = `http://${host.includes(':') ? `[${host}]` : host}:${server.port}`
    services.log.info({ url, models: config.models, open: isOpen }, 'listening')
    return { url, isOpen, close: () => close(() => server.stop()) }
  } catch (error) {
    await close()
    throw error
  }
}

/**
 * Opens the API for a server of one's own, configured by the same environment variables but `LONGTAKE_HOST` and
 * `LONGTAKE_PORT`. Without keys it answers this machine alone, by the names that requests give it.
 *
 * @throws {SettingsError} Naming all mistakes of the configuration.
 * @throws {LongtakeError} If a model cannot be loaded, or the folder of jobs not be opened.
 */
export async function openApi(env: Readonly<Record<string, string | undefined>>): Promise<OpenApi> {
  const config = readConfig(env)
  const keys = await openKeys(config.keys, config.keysFile, config.gateways)
  const { app, close } = await openConfigured(config, keys)
  return { fetch: app.fetch, close: () => close() }
}

async function openConfigured(config: Config, keys: Services['keys']): Promise<ConfiguredApi> {
  const opened: (() => Promise<unknown>)[] = []
  const closeAll = async (): Promise<void> => {
    for (const close of opened.reverse()) await close()
  }
  try {
    const services = await openServices(config, keys, opened)
    const app = createApp(services)
    const end = async (stop?: () => Promise<void>): Promise<void> => {
      const drained = await app.drain(config.drainMs)
      await stop?.()
      await closeAll()
      services.log.info({ ...drained }, 'stopped')
    }
    let closing: Promise<void> | undefined
    const close: ConfiguredApi['close'] = (stop) => {
      closing ??= end(stop)
      return closing
    }
    return { app, services, close }
  } catch (error) {
    await closeAll()
    throw error
  }
}

/** Without keys the machine's own address only: whoever asks for another is told what is missing. */
function hostOf(host: string | undefined, isOpen: boolean): string {
  if (!isOpen) return host ?? EVERYWHERE
  if (host === undefined || host === LOOPBACK || host === '::1' || host === 'localhost')
    return host ?? LOOPBACK
  const need = 'a loopback address as long as there are no keys (LONGTAKE_KEYS or LONGTAKE_KEYS_FILE)'
  throw new InvalidOptionError('LONGTAKE_HOST', need, host)
}

async function openServices(
  config: Config,
  keys: Services['keys'],
  opened: (() => Promise<unknown>)[],
): Promise<Services> {
  const log = pino({ level: config.logLevel })
  const engineLimits = { maxSeconds: config.maxVideoSeconds, maxFrames: config.limits.maxFrames }
  const engine = config.isIsolated
    ? await openIsolatedEngine(config.models, engineLimits, log, config.remote)
    : await openEngine(config.models, engineLimits, config.remote)
  opened.push(() => engine.close())
  const jobs = await openQueue<VideoJob, VideoResult, JobProgress>({
    mostQueued: config.mostQueued,
    ...(config.stateFolder !== undefined && { folder: config.stateFolder, lockWaitMs: LOCK_WAIT_MS }),
  })
  opened.push(() => jobs.close())
  // After the queue, whose lock says that no other process uses the folder.
  const { stateFolder } = config
  const uploads = await openUploads(stateFolder && join(stateFolder, 'uploads'))
  opened.push(() => uploads.close())
  const videos =
    stateFolder === undefined ? undefined : await openVideoStore(join(stateFolder, 'videos'), log)
  return {
    engine,
    jobs,
    links: openLinks(config, log),
    uploads,
    videos,
    keys,
    clock: Date.now,
    log,
    metrics: openMetrics(),
    limits: config.limits,
    corsOrigins: config.corsOrigins,
    version: await ownVersion(),
  }
}

/** The manifest lies two folders above both the sources and the build. */
async function ownVersion(): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'))
  return String(typeof manifest === 'object' && manifest !== null ? Reflect.get(manifest, 'version') : '')
}
