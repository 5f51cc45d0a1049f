import { CancelledError, InvalidOptionError, isLongtakeError, VideoError } from '@longtake/core'
import type { Shown } from './picture-reader.js'

/** One picture, as a viewer sees it. */
export interface VideoFrame {
  /** Position in the list of timestamps that was asked for. */
  readonly index: number
  /** When the picture itself begins, seconds: in `keyframe` mode, and at the ends, not quite what was asked for. */
  readonly timestampSeconds: number
  /** Pixels, turned upright and square. */
  readonly width: number
  readonly height: number
  /** `[height, width, 3]` red, green, blue. Repeated pictures share it: read it, do not write. */
  readonly rgb: Uint8Array
}

export interface FramesOptions {
  readonly signal?: AbortSignal | undefined
  /** Called after each picture with how many are done and how many there will be. */
  readonly onFrame?: ((done: number, total: number) => void) | undefined
}

/** What one iteration reads from; calls do not overlap. */
export interface PictureSource {
  /**
   * The picture for a time, the same object where it is the one before again.
   *
   * @throws {VideoError} `VIDEO_UNREADABLE` where there is none.
   * @throws {CancelledError} When `signal` aborts.
   */
  show(seconds: number, signal?: AbortSignal): Promise<Shown>
  close(): void
}

interface Asked {
  readonly seconds: number
  readonly index: number
}

/**
 * Orders timestamps for one pass over the video.
 *
 * @throws {InvalidOptionError} If one is not a number.
 */
export function inTimeOrder(timestamps: readonly number[]): readonly Asked[] {
  const asked = timestamps.map((seconds, index) => {
    if (typeof seconds !== 'number' || Number.isNaN(seconds)) {
      throw new InvalidOptionError(`timestamps[${index}]`, 'a number of seconds', seconds)
    }
    return { seconds, index }
  })
  return asked.sort((a, b) => (a.seconds === b.seconds ? a.index - b.index : a.seconds < b.seconds ? -1 : 1))
}

/** One pass over the timestamps. Calls are served one after the other, so native memory is freed between them only. */
export class FrameIteration implements AsyncIterator<VideoFrame> {
  readonly #source: PictureSource
  readonly #asked: readonly Asked[]
  readonly #options: FramesOptions
  readonly #onEnd: (iteration: FrameIteration) => void
  #next = 0
  #queue: Promise<unknown> = Promise.resolve()
  #ended = false

  constructor(
    source: PictureSource,
    asked: readonly Asked[],
    options: FramesOptions,
    onEnd: (iteration: FrameIteration) => void,
  ) {
    this.#source = source
    this.#asked = asked
    this.#options = options
    this.#onEnd = onEnd
  }

  next(): Promise<IteratorResult<VideoFrame>> {
    return this.#inTurn(() => this.#step())
  }

  return(): Promise<IteratorResult<VideoFrame>> {
    return this.#inTurn(async () => this.#end())
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(work)
    this.#queue = turn.catch(() => {})
    return turn
  }

  async #step(): Promise<IteratorResult<VideoFrame>> {
    const asked = this.#asked[this.#next]
    if (this.#ended || asked === undefined) return this.#end()
    try {
      const { signal } = this.#options
      throwIfAborted(signal)
      const { timestamp, picture } = await this.#source.show(asked.seconds, signal)
      throwIfAborted(signal)
      this.#next++
      this.#options.onFrame?.(this.#next, this.#asked.length)
      return { done: false, value: { index: asked.index, timestampSeconds: timestamp, ...picture } }
    } catch (error) {
      this.#end()
      throw error
    }
  }

  #end(): IteratorResult<VideoFrame> {
    if (!this.#ended) {
      this.#ended = true
      this.#source.close()
      this.#onEnd(this)
    }
    return { done: true, value: undefined }
  }
}

/** @throws {CancelledError} If `signal` has aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new CancelledError(undefined, { cause: signal.reason })
}

/** Failures inside the demuxer or decoder, which speak of their own matters, become ours. */
export function damaged(error: unknown, name: string): unknown {
  if (isLongtakeError(error)) return error
  return new VideoError('VIDEO_UNREADABLE', `${name} is damaged: reading it failed.`, { cause: error })
}
