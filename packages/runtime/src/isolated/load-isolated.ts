import type { ModelSpec, VideoPlan } from '@longtake/core'
import { localPlace } from '../checkpoint/resolve.js'
import { checkObject } from '../engine/check.js'
import type { Longtake } from '../engine/longtake.js'
import { checkWatch, type WatchOptions, type WatchProgress } from '../engine/watch-options.js'
import type { WatchedVideo } from '../engine/watched-video.js'
import { throwIfAborted } from '../ort/abort.js'
import { isRemoteId } from '../remote/remote-id.js'
import { openSources } from '../video/video-file.js'
import { closeSources, type VideoInputs } from '../video/video-source.js'
import type { EngineCall, EngineProcess, LoadedModel } from './engine.js'
import type { PlannedVideo, WatchContent } from './engine-process.js'
import { IsolatedVideo, type WatchedContent } from './isolated-video.js'
import { type CheckedLimits, checkIsolated, type IsolatedOptions, type IsolatedState } from './options.js'
import { Supervisor } from './supervisor.js'

/**
 * A checkpoint that was loaded in a process of its own. What `Longtake` says holds here too; besides, any work may
 * fail with `ENGINE_CRASHED` when its process ends, and may then be tried again: another process is started at once.
 * Videos that were watched are gone with the process.
 */
export interface IsolatedLongtake
  extends Pick<Longtake, 'spec' | 'weights' | 'backend' | 'plan' | 'watch' | 'close'>,
    AsyncDisposable {
  /** How the engine process is. */
  readonly state: IsolatedState
  /** As `plan`, with the facts that it follows from. */
  planned(video: VideoInputs, options?: WatchOptions): Promise<PlannedVideo>
}

/**
 * Loads a checkpoint in a process of its own, in which the model runs; each video is decoded in another, which is given
 * its bytes and gives back pictures. This process opens paths, reads a caller's own `VideoSource`s, and never waits for
 * either with its event loop.
 *
 * Work under way when a process ends fails with `ENGINE_CRASHED`, whose message says why: an exit, a signal, no sign of
 * life, or more memory than `limits` allow.
 *
 * @param id - As in `load`.
 * @throws {CheckpointError} {@link CheckpointError} and all else that `load` throws.
 * @throws {EngineError} `ENGINE_CRASHED` if the process ends while it loads; `ENGINE_TIMEOUT` after `limits.loadSeconds`.
 */
export async function loadIsolated(
  id: string | URL,
  options: IsolatedOptions = {},
): Promise<IsolatedLongtake> {
  const checked = checkIsolated(id, checkObject(options))
  throwIfAborted(checked.signal)
  const supervisor = new Supervisor(await placeOf(id), checked)
  try {
    const { loaded } = await supervisor.start(checked.signal)
    return new LoadedIsolated(supervisor, loaded, checked.limits)
  } catch (error) {
    await supervisor.close()
    throw error
  }
}

/** An id that means the same in every process. */
async function placeOf(id: string | URL): Promise<string> {
  if (isRemoteId(id)) return String(id)
  const place = await localPlace(id)
  return 'folder' in place ? place.folder : place.model
}

/** A video whose bytes an engine may read. */
interface Lent {
  readonly engine: EngineProcess
  readonly content: WatchContent
  readonly call: EngineCall
  /** Gives the bytes back; may be called again. */
  readonly release: () => Promise<void>
}

class LoadedIsolated implements IsolatedLongtake {
  readonly spec: ModelSpec
  readonly weights: Longtake['weights']
  readonly backend: Longtake['backend']
  readonly #supervisor: Supervisor
  readonly #limits: CheckedLimits
  #closing: Promise<void> | undefined

  constructor(supervisor: Supervisor, { spec, weights, backend }: LoadedModel, limits: CheckedLimits) {
    this.spec = spec
    this.weights = weights
    this.backend = backend
    this.#supervisor = supervisor
    this.#limits = limits
  }

  get state(): IsolatedState {
    return this.#supervisor.state
  }

  async plan(video: VideoInputs, options: WatchOptions = {}): Promise<VideoPlan> {
    return (await this.planned(video, options)).plan
  }

  async planned(video: VideoInputs, options: WatchOptions = {}): Promise<PlannedVideo> {
    const lent = await this.#lend(video, options)
    try {
      return (await lent.engine.call('plan', lent.content, lent.call)) as PlannedVideo
    } finally {
      await lent.release()
    }
  }

  async watch(video: VideoInputs, options: WatchOptions = {}): Promise<WatchedVideo> {
    const { engine, content, call, release } = await this.#lend(video, options)
    try {
      const watched = (await engine.call('watch', content, call)) as WatchedContent
      void engine.ended.then(release)
      return new IsolatedVideo(engine, watched, { askSeconds: this.#limits.askSeconds, release })
    } catch (error) {
      await release()
      throw error
    }
  }

  /** Opens a video's bytes here and lends them to the engine. */
  async #lend(video: VideoInputs, options: WatchOptions): Promise<Lent> {
    this.#supervisor.requireOpen()
    const { signal, onProgress, ...sent } = checkWatch(checkObject(options))
    const engine = await this.#supervisor.engine(signal)
    const sources = await openSources(video)
    const names = engine.sources.lend(sources)
    const onEvent = (progress: unknown): void => onProgress?.(progress as WatchProgress)
    return {
      engine,
      content: { sources: names, isList: Array.isArray(video), options: sent },
      call: { signal, onEvent, deadlineSeconds: this.#limits.watchSeconds },
      async release() {
        engine.sources.takeBack(names)
        await closeSources(sources)
      },
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#supervisor.close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
