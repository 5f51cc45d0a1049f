import type { ModelSpec, VideoPlan } from '@longtake/core'
import type { WeightType } from '@longtake/kernels'
import { openCheckpoint } from '../checkpoint/open-checkpoint.js'
import { throwIfAborted } from '../ort/abort.js'
import { type Backend, type BackendKind, openBackend } from '../ort/index.js'
import { loadRemote } from '../remote/load-remote.js'
import { isRemoteId } from '../remote/remote-id.js'
import { openVideo, type VideoInputs } from '../video/index.js'
import { checkObject } from './check.js'
import { type CacheOptions, FeatureShelf } from './feature-shelf.js'
import { type Inspection, type InspectOptions, inspectPictures } from './inspect.js'
import { Lifetime } from './lifetime.js'
import { checkLoad, isBackend, type LoadOptions } from './load-options.js'
import { Models } from './models.js'
import { takingOver } from './taking-over.js'
import { type OpenVideo, planInput, type Watching, watchPictures, watchVideo } from './watch.js'
import {
  checkStills,
  checkWatch,
  type InputFrame,
  type WatchFramesOptions,
  type WatchOptions,
} from './watch-options.js'
import type { WatchedVideo } from './watched-video.js'

/** A loaded checkpoint. Close it, or declare it with `await using`. */
export interface Longtake extends AsyncDisposable {
  /** What planning knows of the checkpoint. */
  readonly spec: ModelSpec
  /** Storage of the matrices; undefined where the model runs elsewhere. */
  readonly weights: WeightType | undefined
  /** The back end that runs it; `remote` is somebody's API. */
  readonly backend: { readonly name: BackendKind | 'remote'; readonly reason?: string }
  /**
   * What `watch` would do with a video: reads its facts, runs no model.
   *
   * @param video - As in `watch`; sources of one's own are closed in any case.
   * @throws {VideoError} If the video cannot be opened.
   * @throws {InvalidOptionError} If an option is unknown or out of its range.
   */
  plan(video: VideoInputs, options?: WatchOptions): Promise<VideoPlan>
  /**
   * Opens, samples and encodes a video and takes its tokens into a KV cache, once for all questions. With guided
   * pooling the question decides what enters the context: then the encoded features are kept instead.
   *
   * @param video - Local path, `file:` URL, bytes, Blob, or a source of one's own; a still picture too, or an array of
   *   them. A source is the video's from here on: it is closed with it, and at once where watching fails or an option is
   *   refused.
   * @throws {VideoError} If the video cannot be opened or decoded.
   * @throws {InvalidOptionError} If an option is unknown or out of its range.
   * @throws {EngineError} If running fails, or the prompt does not fit the plan (`CONTEXT_TOO_LONG`).
   * @throws {CancelledError} If `signal` fires; nothing is left then.
   */
  watch(video: VideoInputs, options?: WatchOptions): Promise<WatchedVideo>
  /**
   * Watches given pictures, all of them and in this order: frames of one video, or with `stills` images that stand alone.
   *
   * @param frames - In time order. Neighbours are repeated where the encoder's clips need more.
   * @throws {InvalidOptionError} If a picture is not what it says, or an option chooses frames (`frames`, `fps`,
   *   `maxFrames`, `startSeconds`, `endSeconds`, `sampling`).
   */
  watchFrames(frames: readonly InputFrame[], options?: WatchFramesOptions): Promise<WatchedVideo>
  /** Runs given pictures and a prompt and returns what each stage computed, for comparison with a reference. */
  inspect(frames: readonly InputFrame[], options: InspectOptions): Promise<Inspection>
  /** Closes every video, then frees the model; repeated calls wait for the same end. */
  close(): Promise<void>
}

/**
 * Loads a checkpoint.
 *
 * @param id - A folder in the published Hugging Face layout (path or `file:` URL), or an installed package that
 *   carries one, such as `@longtake/tiny`, or a model that was pulled from a hub (`org/name`, `org/name@revision`); or
 *   a model behind an API as OpenAI's, `openai:https://host/v1#name`, which is sent pictures of what is watched.
 * @throws {CheckpointError} Naming the file, field or tensor that is missing, invalid or not supported.
 * @throws {HubError} Only with `hub.pull`: if the download fails.
 * @throws {EngineError} `ENGINE_UNAVAILABLE` if ONNX Runtime cannot be loaded here.
 * @throws {InvalidOptionError} If an option is unknown or out of its range.
 * @throws {CancelledError} If `signal` fires; nothing is left then.
 */
export async function load(id: string | URL, options: LoadOptions = {}): Promise<Longtake> {
  try {
    return await loadWith(id, options, openBackend)
  } catch (error) {
    if (isBackend(options?.backend)) await options.backend.close()
    throw error
  }
}

/**
 * `load` with a back end that the caller opens; the model closes it.
 *
 * @param openVideoWith - What opens videos, such as a process of their own.
 */
export async function loadWith(
  id: string | URL,
  options: LoadOptions,
  open: (kind: 'auto' | BackendKind) => Promise<Backend>,
  openVideoWith: OpenVideo = openVideo,
): Promise<Longtake> {
  if (isRemoteId(id)) {
    const loadGuide = (guide: string, own: LoadOptions) => loadWith(guide, own, open, openVideoWith)
    return loadRemote(id, checkObject(options), { openVideo: openVideoWith, load: loadGuide })
  }
  const { backend: wanted, threads, signal, cache, hub, builds, ...asked } = checkLoad(options)
  throwIfAborted(signal)
  const checkpoint = await openCheckpoint(id, { ...hub, signal })
  try {
    throwIfAborted(signal)
    const backend = typeof wanted === 'string' ? await open(wanted) : wanted
    try {
      const weights = asked.weights ?? checkpoint.defaultWeights
      const models = await Models.open(checkpoint, backend, { weights, threads, builds, signal })
      return new LoadedLongtake(models, cache, openVideoWith)
    } catch (error) {
      await backend.close()
      throw error
    }
  } catch (error) {
    await checkpoint.close()
    throw error
  }
}

class LoadedLongtake implements Longtake {
  readonly spec: ModelSpec
  readonly weights: WeightType
  readonly backend: Longtake['backend']
  readonly #models: Models
  readonly #watching: Watching
  readonly #lifetime = new Lifetime()

  constructor(models: Models, cache: CacheOptions | undefined, open: OpenVideo) {
    this.#models = models
    const shelf = cache && new FeatureShelf(models, cache)
    this.#watching = { models, shelf, openVideo: open, onClose: this.#lifetime.onClose }
    this.spec = models.checkpoint.model.spec
    this.weights = models.weights
    const { name, reason } = models.backend
    this.backend = { name, ...(reason !== undefined && { reason }) }
  }

  plan(input: VideoInputs, options: WatchOptions = {}): Promise<VideoPlan> {
    const plan = (linked: WatchOptions) =>
      planInput(this.spec, this.#watching.openVideo, input, checkWatch(linked))
    return takingOver(input, () => this.#lifetime.work(options, plan))
  }

  watch(input: VideoInputs, options: WatchOptions = {}): Promise<WatchedVideo> {
    const watch = (linked: WatchOptions) => watchVideo(this.#watching, input, linked)
    return takingOver(input, () => this.#lifetime.watch(options, watch))
  }

  async watchFrames(frames: readonly InputFrame[], options: WatchFramesOptions = {}): Promise<WatchedVideo> {
    const { stills, ...watch } = checkObject(options)
    const areStills = checkStills(stills)
    return this.#lifetime.watch(watch, (linked) => watchPictures(this.#watching, frames, linked, areStills))
  }

  inspect(frames: readonly InputFrame[], options: InspectOptions): Promise<Inspection> {
    return this.#lifetime.work(options, (linked) => inspectPictures(this.#models, frames, linked))
  }

  close(): Promise<void> {
    return this.#lifetime.end(() => this.#models.close())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
