import { EngineError } from '@longtake/core'
import { checkObject, checkSignal } from './check.js'
import { checkWatch, type WatchOptions } from './watch-options.js'
import type { WatchedVideo } from './watched-video.js'

/** Work and videos of one loaded model, all of which end before the model is freed. */
export class Lifetime {
  readonly #videos = new Set<WatchedVideo>()
  /** Work that must end before the model may be freed. */
  readonly #pending = new Set<Promise<unknown>>()
  readonly #closingSignal = new AbortController()
  #closing: Promise<void> | undefined

  /** To be told of a watched video that was closed. */
  readonly onClose = (video: WatchedVideo): void => void this.#videos.delete(video)

  /** Runs work whose video then lives until it is closed, or the model is. */
  watch(options: WatchOptions, work: (linked: WatchOptions) => Promise<WatchedVideo>): Promise<WatchedVideo> {
    return this.work(options, async (linked) => {
      const video = await work(checkWatch(linked))
      this.#videos.add(video)
      return video
    })
  }

  /**
   * Runs work that ends when its own signal or the closing of the model says so.
   *
   * @throws {EngineError} `ENGINE_CLOSED` once the model is closed.
   */
  async work<O extends { signal?: AbortSignal | undefined }, R>(
    options: O,
    work: (linked: O) => Promise<R>,
  ): Promise<R> {
    this.#requireOpen()
    const signal = checkSignal(checkObject(options).signal)
    const linked = new AbortController()
    const stop = (): void => linked.abort(signal?.reason)
    if (signal?.aborted) stop()
    for (const source of [signal, this.#closingSignal.signal])
      source?.addEventListener('abort', stop, { once: true })
    const result = work({ ...options, signal: linked.signal })
    this.#pending.add(result)
    try {
      return await result
    } catch (error) {
      if (!signal?.aborted) this.#requireOpen()
      throw error
    } finally {
      this.#pending.delete(result)
      for (const source of [signal, this.#closingSignal.signal]) source?.removeEventListener('abort', stop)
    }
  }

  /** Ends work, closes videos, then runs `free`; repeated calls wait for the same end. */
  end(free: () => Promise<void>): Promise<void> {
    this.#closing ??= this.#end(free)
    return this.#closing
  }

  async #end(free: () => Promise<void>): Promise<void> {
    this.#closingSignal.abort()
    await Promise.allSettled(this.#pending)
    await Promise.all([...this.#videos].map((video) => video.close()))
    await free()
  }

  #requireOpen(): void {
    if (this.#closing !== undefined)
      throw new EngineError('ENGINE_CLOSED', 'The model was closed; load it again.')
  }
}
