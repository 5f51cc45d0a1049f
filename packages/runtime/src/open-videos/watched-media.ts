import type { PlanOptions } from '@longtake/core'
import type { Longtake } from '../engine/longtake.js'
import type { WatchProgress } from '../engine/watch-options.js'
import type { WatchedVideo } from '../engine/watched-video.js'
import type { VideoInputs } from '../video/video-source.js'
import { type Lease, OpenVideos } from './open-videos.js'

/** What is watched: opened when it has to be. */
export interface Media {
  /** The same one for the same media. */
  readonly key: string
  open(signal: AbortSignal): Promise<VideoInputs>
}

const unheard = (): void => {}

/** Media that one model has watched, kept for further questions. */
export class WatchedMedia {
  readonly #model: () => Promise<Pick<Longtake, 'watch'>>
  readonly #open: OpenVideos<WatchedVideo>

  /** @param most - Videos that are kept. */
  constructor(model: () => Promise<Pick<Longtake, 'watch'>>, most: number) {
    this.#model = model
    this.#open = new OpenVideos(most)
  }

  /**
   * Watches, or finds what was watched in the same way. Release the lease.
   *
   * @throws {CancelledError} When `signal` fires; and whatever opening and watching throw.
   */
  async acquire(
    media: Media,
    options: PlanOptions,
    signal: AbortSignal,
    onProgress: (progress: WatchProgress) => void = unheard,
  ): Promise<Lease<WatchedVideo>> {
    const model = await this.#model()
    const key = JSON.stringify([media.key, options])
    const open = async (stop: AbortSignal, tell: (progress: WatchProgress) => void): Promise<WatchedVideo> =>
      model.watch(await media.open(stop), { ...options, signal: stop, onProgress: tell })
    return this.#open.acquire(key, open, signal, onProgress)
  }

  /** Closes all; repeated calls are harmless. */
  close(): Promise<void> {
    return this.#open.close()
  }
}
