import type { PlanOptions } from '@longtake/core'
import type { Longtake, WatchedVideo } from '@longtake/runtime'
import { type Lease, OpenVideos } from '@longtake/runtime/open-videos'
import type { Media } from './media.js'

const unheard = (): void => {}

/** Videos that one model has watched, kept for further questions. */
export class WatchedMedia {
  readonly #model: () => Promise<Longtake>
  readonly #open: OpenVideos<WatchedVideo>

  /** @param most - Videos that are kept. */
  constructor(model: () => Promise<Longtake>, most: number) {
    this.#model = model
    this.#open = new OpenVideos(most)
  }

  /** Watches, or finds what was watched in the same way. Release the lease. */
  async acquire(media: Media, options: PlanOptions, signal: AbortSignal): Promise<Lease<WatchedVideo>> {
    const model = await this.#model()
    const key = JSON.stringify([media.key, options])
    return this.#open.acquire(key, (stop) => watch(model, media, options, stop), signal, unheard)
  }

  close(): Promise<void> {
    return this.#open.close()
  }
}

async function watch(
  model: Longtake,
  media: Media,
  options: PlanOptions,
  signal: AbortSignal,
): Promise<WatchedVideo> {
  return model.watch(await media.open(signal), { ...options, signal })
}
