import {
  CancelledError,
  InvalidOptionError,
  isLongtakeError,
  type SamplingMode,
  VideoError,
} from '@longtake/core'
import type { Packet, PacketTrack } from './packet-track.js'
import { PictureReader, type Shown } from './picture-reader.js'

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

/** What an iteration reads from. */
export interface FrameSupply {
  readonly track: PacketTrack
  readonly name: string
  /** Times of the first and last picture that can be shown, seconds. */
  readonly firstSeconds: number
  readonly lastSeconds: number
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
  readonly #supply: FrameSupply
  readonly #asked: readonly Asked[]
  readonly #mode: SamplingMode
  readonly #options: FramesOptions
  readonly #onEnd: (iteration: FrameIteration) => void
  #reader: PictureReader | undefined
  #next = 0
  #shown: Shown | undefined
  #queue: Promise<unknown> = Promise.resolve()
  #ended = false

  constructor(
    supply: FrameSupply,
    asked: readonly Asked[],
    mode: SamplingMode,
    options: FramesOptions,
    onEnd: (iteration: FrameIteration) => void,
  ) {
    this.#supply = supply
    this.#asked = asked
    this.#mode = mode
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
      const { timestamp, picture } = await this.#show(asked.seconds)
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
      this.#reader?.close()
      this.#reader = undefined
      this.#shown = undefined
      this.#onEnd(this)
    }
    return { done: true, value: undefined }
  }

  async #show(seconds: number): Promise<Shown> {
    const { track, name, firstSeconds, lastSeconds } = this.#supply
    const within = Math.min(Math.max(seconds, firstSeconds), lastSeconds)
    try {
      throwIfAborted(this.#options.signal)
      this.#reader ??= await PictureReader.open(track, name, this.#mode)
      const shown = await (this.#mode === 'keyframe'
        ? this.#showKey(this.#reader, within)
        : this.#showExact(this.#reader, within))
      throwIfAborted(this.#options.signal)
      // Where a picture is damaged, the one before it stays on screen.
      this.#shown = shown ?? this.#shown
    } catch (error) {
      throw damaged(error, name)
    }
    if (this.#shown !== undefined) return this.#shown
    throw new VideoError('VIDEO_UNREADABLE', `${name} is damaged: no picture of it can be decoded.`)
  }

  async #showExact(reader: PictureReader, seconds: number): Promise<Shown | undefined> {
    const { track } = this.#supply
    const target = (await track.at(seconds)) ?? (await track.keyAt(seconds))
    if (target === null) return undefined
    if (target.timestamp === this.#shown?.timestamp) return this.#shown
    return reader.readExact(target, this.#options.signal)
  }

  async #showKey(reader: PictureReader, seconds: number): Promise<Shown | undefined> {
    const key = await this.#nearestKey(seconds)
    if (key === null) return undefined
    if (key.timestamp === this.#shown?.timestamp) return this.#shown
    return (await reader.readKey(key)) ?? reader.readExact(key, this.#options.signal)
  }

  async #nearestKey(seconds: number): Promise<Packet | null> {
    const { track, lastSeconds } = this.#supply
    const before = await track.keyAt(seconds)
    if (before === null || before.timestamp >= seconds) return before
    const after = await track.nextKey(before)
    if (after === null || after.timestamp > lastSeconds) return before
    return after.timestamp - seconds < seconds - before.timestamp ? after : before
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
