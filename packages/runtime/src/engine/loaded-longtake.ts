import type { ModelSpec, VideoPlan } from '@longtake/core'
import type { WeightType } from '@longtake/kernels'
import type { Checkpoint } from '../checkpoint/read-checkpoint.js'
import { throwIfAborted } from '../ort/abort.js'
import type { Backend } from '../ort/types.js'
import type { VideoInputs } from '../video/video-source.js'
import { checkObject } from './check.js'
import type { Inspection, InspectOptions } from './inspect.js'
import { Lifetime } from './lifetime.js'
import { Models } from './models.js'
import type { OpenVideo, Platform } from './platform.js'
import type { Shelf } from './shelf.js'
import { planInput, type Watching, watchPictures, watchVideo } from './watch.js'
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
  readonly backend: { readonly name: Backend['name'] | 'remote'; readonly reason?: string }
  /**
   * What `watch` would do with a video: reads its facts, runs no model.
   *
   * @throws {VideoError} If the video cannot be opened.
   * @throws {InvalidOptionError} If an option is unknown or out of its range.
   */
  plan(video: VideoInputs, options?: WatchOptions): Promise<VideoPlan>
  /**
   * Opens, samples and encodes a video and takes its tokens into a KV cache, once for all questions. With guided
   * pooling the question decides what enters the context: then the encoded features are kept instead.
   *
   * @param video - Local path, `file:` URL, bytes, Blob, or a source of one's own; a still picture too, or an array of
   *   them.
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

/** What a loaded model is made of. */
export interface LongtakeParts {
  readonly platform: Platform
  /** Default as the checkpoint's size has it. */
  readonly weights: WeightType | undefined
  readonly threads: number | undefined
  /** Ends the loading between two graphs. */
  readonly signal: AbortSignal | undefined
  /** Where encoded features are kept for another time. */
  readonly openShelf?: ((models: Models) => Shelf) | undefined
}

/**
 * Loads a checkpoint that has been read; the model owns and closes it and the back end, also if loading fails.
 *
 * @throws {EngineError} If ONNX Runtime cannot be opened, or refuses a graph.
 * @throws {CancelledError} If the signal fires; nothing is left then.
 */
export async function openLongtake(
  checkpoint: Checkpoint,
  openBackend: () => Promise<Backend>,
  { platform, weights = checkpoint.defaultWeights, threads, signal, openShelf }: LongtakeParts,
): Promise<Longtake> {
  try {
    throwIfAborted(signal)
    const backend = await openBackend()
    try {
      const models = await Models.open(checkpoint, backend, { weights, threads, platform, signal })
      return new LoadedLongtake(models, openShelf?.(models), platform.openVideo)
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

  constructor(models: Models, shelf: Shelf | undefined, open: OpenVideo) {
    this.#models = models
    this.#watching = { models, shelf, openVideo: open, onClose: this.#lifetime.onClose }
    this.spec = models.checkpoint.model.spec
    this.weights = models.weights
    const { name, reason } = models.backend
    this.backend = { name, ...(reason !== undefined && { reason }) }
  }

  plan(input: VideoInputs, options: WatchOptions = {}): Promise<VideoPlan> {
    return this.#lifetime.work(options, (linked) =>
      planInput(this.spec, this.#watching.openVideo, input, checkWatch(linked)),
    )
  }

  watch(input: VideoInputs, options: WatchOptions = {}): Promise<WatchedVideo> {
    return this.#lifetime.watch(options, (linked) => watchVideo(this.#watching, input, linked))
  }

  async watchFrames(frames: readonly InputFrame[], options: WatchFramesOptions = {}): Promise<WatchedVideo> {
    const { stills, ...watch } = checkObject(options)
    const areStills = checkStills(stills)
    return this.#lifetime.watch(watch, (linked) => watchPictures(this.#watching, frames, linked, areStills))
  }

  inspect(frames: readonly InputFrame[], options: InspectOptions): Promise<Inspection> {
    return this.#lifetime.work(options, async (linked) => {
      const { inspectPictures } = await import('./inspect.js')
      return inspectPictures(this.#models, frames, linked)
    })
  }

  close(): Promise<void> {
    return this.#lifetime.end(() => this.#models.close())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
