import { resolve } from 'node:path'
import { InvalidOptionError } from '@longtake/core'
import { checkFields, checkNumber } from '../engine/check.js'
import { isBackend } from '../engine/is-backend.js'
import { checkLoad, type LoadOptions } from '../engine/load-options.js'
import { cacheFolder } from '../features/default-folder.js'
import { modelsPlace } from '../hub/settings.js'
import type { BackendKind } from '../ort/index.js'
import { isRemoteId } from '../remote/remote-id.js'
import { type CheckedRemote, checkRemote } from '../remote/remote-options.js'
import type { GuardedVideos, LoadContent } from './engine-process.js'

/** About two weeks, what a timer can wait. */
const MOST_SECONDS = 2 ** 31 / 1000 - 1

/** What a child process may take before it is ended. Everything else goes on, in a process that is started instead. */
export interface IsolationLimits {
  /**
   * Seconds without a sign of life after which a process counts as hung, 0.5 or more. Default 30; for the engine 600
   * where the back end is `portable`, whose runs hold the event loop. While the model is loaded always 600.
   */
  readonly hangSeconds?: number | undefined
  /** Seconds that loading the model may take; default 3,600. */
  readonly loadSeconds?: number | undefined
  /** Most memory of the engine, bytes, mapped weights included; default as much as there is. */
  readonly memoryBytes?: number | undefined
  /** Most memory of the decoder of one video, bytes; default 2 GiB. */
  readonly decoderMemoryBytes?: number | undefined
  /** Seconds that `watch` and `plan` may take; default as long as it takes. */
  readonly watchSeconds?: number | undefined
  /** Seconds that an answer may take, questions before it in the queue counted; default as long as it takes. */
  readonly askSeconds?: number | undefined
  /** Seconds within which cancelled work must have ended before the engine counts as hung; default 30. */
  readonly cancelSeconds?: number | undefined
}

/** What is told of the engine process, such as for health checks. */
export interface IsolatedState {
  /** `restarting`: it ended, and another one is being started or will be after a pause. */
  readonly status: 'starting' | 'ready' | 'restarting' | 'closed'
  /** Number of the process; undefined while there is none. */
  readonly pid: number | undefined
  /** Processes that were started after the first. */
  readonly restarts: number
  /** Memory of the process when it was last measured, bytes. */
  readonly memoryBytes: number
  /** Why the last one ended, with what it wrote to stderr last: for logs, not for strangers. */
  readonly lastEnding?: string | undefined
}

/** Options of `loadIsolated`: those of `load`, and how the processes are watched. */
export interface IsolatedOptions extends Omit<LoadOptions, 'backend'> {
  readonly backend?: 'auto' | BackendKind | undefined
  readonly limits?: IsolationLimits | undefined
  /**
   * What videos may be, checked before anything of them is decoded (`VIDEO_TOO_LARGE`), and the most frames that are
   * watched of one. Default: anything.
   */
  readonly videos?: GuardedVideos | undefined
  /** Variables of the environment for the engine process, beside the few that native libraries need. */
  readonly environment?: Readonly<Record<string, string>> | undefined
  /** Told every change of `state`. */
  readonly onState?: ((state: IsolatedState) => void) | undefined
}

/** Limits with what they are where nothing was said. */
export type CheckedLimits = ReturnType<typeof checkLimits>

/** Options of `loadIsolated`, checked, and what of them the engine process is sent. */
export function checkIsolated(id: string | URL, options: IsolatedOptions) {
  const { limits, videos, environment = {}, onState, remote, ...local } = options
  const load: LoadOptions = isRemoteId(id) ? local : { ...local, remote }
  if (isBackend(load.backend)) {
    throw new InvalidOptionError(
      'backend',
      'auto, resident or portable: another one cannot cross',
      'an object',
    )
  }
  const checked = checkLoad(load)
  checkEnvironment(environment)
  checkVideos(videos)
  if (onState !== undefined && typeof onState !== 'function')
    throw new InvalidOptionError('onState', 'a function', onState)
  const sent = isRemoteId(id) ? sentRemote(local, checked, checkRemote(remote)) : sentLocal(checked)
  return {
    sent,
    onPull: checked.hub.onProgress,
    onBuild: load.onProgress,
    signal: checked.signal,
    limits: checkLimits(limits),
    videos,
    environment,
    onState,
  }
}

function sentLocal({
  backend,
  weights,
  threads,
  cache,
  builds,
  hub,
}: ReturnType<typeof checkLoad>): LoadContent['options'] {
  return {
    backend,
    weights,
    threads,
    // The engine runs elsewhere: what is relative or default here is neither there.
    cache: cache && { ...cache, folder: resolve(cache.folder ?? cacheFolder()) },
    builds: builds.wanted === false ? false : { folder: builds.folder, always: builds.wanted === true },
    hub: checkHub(hub),
  }
}

/** Of a model behind an API the engine needs what its guide needs, and the key, which is not in its environment. */
function sentRemote(
  { backend, weights, threads, cache, builds, hub }: LoadOptions,
  checked: ReturnType<typeof checkLoad>,
  remote: CheckedRemote,
): LoadContent['options'] {
  if (remote.guide !== false) return { ...sentLocal(checked), remote }
  return { backend, weights, threads, cache, builds, hub: hub && checkHub(hub), remote }
}

type Hub = NonNullable<LoadOptions['hub']>

function checkHub({ onProgress: _, ...hub }: Hub): Omit<Hub, 'onProgress'> {
  const { HF_ENDPOINT, HF_TOKEN } = process.env
  return {
    ...hub,
    folder: modelsPlace(hub.folder),
    endpoint: hub.endpoint ?? (HF_ENDPOINT || undefined),
    // A secret goes only where it is used.
    token: hub.pull ? (hub.token ?? HF_TOKEN) : undefined,
  }
}

function checkEnvironment(environment: unknown): void {
  const isValid =
    typeof environment === 'object' &&
    environment !== null &&
    Object.values(environment).every((value) => typeof value === 'string')
  if (!isValid) throw new InvalidOptionError('environment', 'an object of texts', environment)
}

function checkVideos(videos: GuardedVideos = {}): void {
  const names = ['maxSeconds', 'maxPixels', 'maxPictures', 'maxFrames'] as const
  checkFields(videos, [...names])
  for (const name of names) {
    if (videos[name] !== undefined)
      checkNumber(`videos.${name}`, videos[name], name === 'maxSeconds' ? 0 : 1, Number.MAX_SAFE_INTEGER)
  }
}

function checkLimits(limits: IsolationLimits = {}) {
  const names = ['hangSeconds', 'loadSeconds', 'memoryBytes', 'decoderMemoryBytes'] as const
  const deadlines = ['watchSeconds', 'askSeconds', 'cancelSeconds'] as const
  checkFields(limits, [...names, ...deadlines])
  const seconds = (name: keyof IsolationLimits, least: number): number | undefined =>
    limits[name] === undefined ? undefined : checkNumber(`limits.${name}`, limits[name], least, MOST_SECONDS)
  const bytes = (name: keyof IsolationLimits): number | undefined =>
    limits[name] === undefined
      ? undefined
      : checkNumber(`limits.${name}`, limits[name], 1, Number.MAX_SAFE_INTEGER)
  return {
    hangSeconds: seconds('hangSeconds', 0.5),
    loadSeconds: seconds('loadSeconds', 0.5) ?? 3600,
    memoryBytes: bytes('memoryBytes'),
    decoderMemoryBytes: bytes('decoderMemoryBytes') ?? 2 ** 31,
    watchSeconds: seconds('watchSeconds', 0.001),
    askSeconds: seconds('askSeconds', 0.001),
    cancelSeconds: seconds('cancelSeconds', 0.001) ?? 30,
  }
}
