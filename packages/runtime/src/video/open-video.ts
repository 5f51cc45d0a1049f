import {
  CancelledError,
  InvalidOptionError,
  LongtakeError,
  VideoError,
  type VideoFacts,
} from '@longtake/core'
import { openAviTrack } from './avi-track.js'
import { expectAvi } from './container-kind.js'
import { silenceFfmpeg } from './ffmpeg.js'
import { openMediabunnyTrack } from './mediabunny-track.js'
import type { PacketRef, PacketTrack } from './packet-track.js'
import type { Picture } from './picture-converter.js'
import { PictureReader } from './picture-reader.js'
import { inspect } from './video-facts.js'
import { openSource, type VideoInput, type VideoSource } from './video-source.js'

/** `keyframe`: the nearest picture that decodes by itself. `exact`: the picture on screen at the time asked for. */
export type SamplingMode = 'keyframe' | 'exact'

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
  readonly signal?: AbortSignal
  /** Called after each picture with how many are done and how many there will be. */
  readonly onFrame?: (done: number, total: number) => void
}

/** An open video. Close it, or declare it with `await using`. */
export interface Video extends AsyncDisposable {
  readonly facts: VideoFacts
  /** What a person should be told, such as that the file is cut off. */
  readonly notes: readonly string[]
  /**
   * Decodes one picture for each timestamp, in time order whatever the order of the list.
   *
   * Times before the first picture give the first, times after the last give the last. A picture that cannot be
   * decoded is replaced by the one before it, or at the start by the one after. One decoded picture is held at a
   * time, and the next is decoded when it is asked for.
   *
   * @param timestamps - Seconds on the video's own time line, which begins at `facts.startSeconds`.
   * @throws {InvalidOptionError} If a timestamp is not a number.
   * @throws {VideoError} `VIDEO_UNREADABLE` where no picture can be decoded, or reading fails.
   * @throws {CancelledError} When `signal` aborts or the video is closed.
   */
  frames(
    timestamps: readonly number[],
    mode: SamplingMode,
    options?: FramesOptions,
  ): AsyncIterable<VideoFrame>
  /** Ends running iterations and closes the file; safe to call twice. */
  close(): Promise<void>
}

/**
 * Opens a video and reads its facts; decodes nothing.
 *
 * Reads MP4, MOV, MKV, WebM, MPEG-TS and AVI with H.264, HEVC, VP8, VP9, AV1 and ProRes, in AVI also MPEG-4 part 2
 * and Motion JPEG. A file that is cut off is opened with the length that is there (see `notes`).
 *
 * @param input - Local path, `file:` URL, bytes, Blob, or a `VideoSource`, which the video then owns and closes.
 * @throws {VideoError} With a `code` for each way in which a file can be unusable.
 * @throws {InvalidOptionError} If `input` is none of these.
 * @throws {CancelledError} When `signal` aborts.
 */
export async function openVideo(input: VideoInput, options: { signal?: AbortSignal } = {}): Promise<Video> {
  const { signal } = options
  throwIfAborted(signal)
  silenceFfmpeg()
  const source = await openSource(input)
  let track: PacketTrack | undefined
  try {
    track = await openTrack(source)
    throwIfAborted(signal)
    const { facts, notes } = await inspect(track, source, signal)
    return new OpenVideo(source, track, facts, notes)
  } catch (error) {
    track?.close()
    await source.close()
    throw named(error, source.name)
  }
}

async function openTrack(source: VideoSource): Promise<PacketTrack> {
  if ((await source.size()) === 0) throw new VideoError('VIDEO_EMPTY', `${source.name} is an empty file.`)
  const track = await openMediabunnyTrack(source)
  if (track !== undefined) return track
  await expectAvi(source)
  return openAviTrack(source)
}

class OpenVideo implements Video {
  readonly facts: VideoFacts
  readonly notes: readonly string[]
  readonly #source: VideoSource
  readonly #track: PacketTrack
  readonly #closing = new AbortController()
  /** Steps of iterations that are under way: native memory is freed only between them. */
  readonly #running = new Set<Iteration>()
  #closed: Promise<void> | undefined

  constructor(source: VideoSource, track: PacketTrack, facts: VideoFacts, notes: readonly string[]) {
    this.#source = source
    this.#track = track
    this.facts = facts
    this.notes = notes
  }

  frames(
    timestamps: readonly number[],
    mode: SamplingMode,
    options: FramesOptions = {},
  ): AsyncIterable<VideoFrame> {
    const asked = inTimeOrder(timestamps)
    if (mode !== 'keyframe' && mode !== 'exact') {
      throw new InvalidOptionError('mode', "'keyframe' or 'exact'", mode)
    }
    return { [Symbol.asyncIterator]: () => this.#iterate(asked, mode, options) }
  }

  #iterate(asked: readonly Asked[], mode: SamplingMode, options: FramesOptions): AsyncIterator<VideoFrame> {
    const signals = [this.#closing.signal, ...(options.signal === undefined ? [] : [options.signal])]
    const iteration = new Iteration(this.#track, this.facts, this.#source.name, asked, mode, {
      ...options,
      signal: AbortSignal.any(signals),
    })
    this.#running.add(iteration)
    iteration.onClosed = () => this.#running.delete(iteration)
    return iteration
  }

  close(): Promise<void> {
    this.#closed ??= this.#shut()
    return this.#closed
  }

  async #shut(): Promise<void> {
    this.#closing.abort(new Error('The video was closed.'))
    await Promise.all([...this.#running].map((iteration) => iteration.return()))
    this.#track.close()
    await this.#source.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

interface Asked {
  readonly seconds: number
  readonly index: number
}

function inTimeOrder(timestamps: readonly number[]): Asked[] {
  const asked = timestamps.map((seconds, index) => {
    if (typeof seconds !== 'number' || Number.isNaN(seconds)) {
      throw new InvalidOptionError(`timestamps[${index}]`, 'a number of seconds', seconds)
    }
    return { seconds, index }
  })
  return asked.sort((a, b) => (a.seconds === b.seconds ? a.index - b.index : a.seconds < b.seconds ? -1 : 1))
}

/** One run over the timestamps. Calls are served one after the other, whoever makes them. */
class Iteration implements AsyncIterator<VideoFrame> {
  onClosed: () => void = () => {}
  readonly #track: PacketTrack
  readonly #facts: VideoFacts
  readonly #name: string
  readonly #asked: readonly Asked[]
  readonly #mode: SamplingMode
  readonly #options: FramesOptions & { signal: AbortSignal }
  #reader: PictureReader | undefined
  #next = 0
  #shown: { readonly timestamp: number; readonly picture: Picture } | undefined
  #queue: Promise<unknown> = Promise.resolve()
  #ended = false

  constructor(
    track: PacketTrack,
    facts: VideoFacts,
    name: string,
    asked: readonly Asked[],
    mode: SamplingMode,
    options: FramesOptions & { signal: AbortSignal },
  ) {
    this.#track = track
    this.#facts = facts
    this.#name = name
    this.#asked = asked
    this.#mode = mode
    this.#options = options
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
    if (this.#ended) return { done: true, value: undefined }
    try {
      throwIfAborted(this.#options.signal)
      const asked = this.#asked[this.#next]
      if (asked === undefined) return this.#end()
      this.#reader ??= await PictureReader.open(this.#track, this.#name, this.#mode)
      const { timestamp, picture } = await this.#show(this.#reader, asked.seconds)
      throwIfAborted(this.#options.signal)
      this.#next++
      this.#options.onFrame?.(this.#next, this.#asked.length)
      const { width, height, rgb } = picture
      return { done: false, value: { index: asked.index, timestampSeconds: timestamp, width, height, rgb } }
    } catch (error) {
      this.#end()
      throw named(error, this.#name)
    }
  }

  #end(): IteratorResult<VideoFrame> {
    if (!this.#ended) {
      this.#ended = true
      this.#reader?.close()
      this.#reader = undefined
      this.#shown = undefined
      this.onClosed()
    }
    return { done: true, value: undefined }
  }

  async #show(reader: PictureReader, seconds: number): Promise<{ timestamp: number; picture: Picture }> {
    const { startSeconds, durationSeconds } = this.#facts
    const within = Math.min(Math.max(seconds, startSeconds), startSeconds + durationSeconds)
    const target = this.#mode === 'keyframe' ? await this.#nearestKey(within) : await this.#pictureAt(within)
    if (target === null)
      throw new VideoError('VIDEO_UNREADABLE', `${this.#name} is damaged: it has no keyframe.`)
    if (this.#shown?.timestamp === target.timestamp) return this.#shown
    const picture = await this.#read(reader, target)
    if (picture !== undefined) this.#shown = { timestamp: target.timestamp, picture }
    if (this.#shown !== undefined) return this.#shown
    throw new VideoError('VIDEO_UNREADABLE', `${this.#name} is damaged: no picture of it can be decoded.`)
  }

  async #read(reader: PictureReader, target: PacketRef): Promise<Picture | undefined> {
    if (this.#mode === 'keyframe') {
      const key = await this.#track.keyAt(target.timestamp)
      const picture = key === null ? undefined : await reader.readKey(key)
      if (picture !== undefined) return picture
    }
    return reader.readExact(target, this.#options.signal)
  }

  async #pictureAt(seconds: number): Promise<PacketRef | null> {
    return (await this.#track.at(seconds)) ?? this.#track.keyAt(seconds)
  }

  async #nearestKey(seconds: number): Promise<PacketRef | null> {
    const before = await this.#track.keyAt(seconds)
    if (before === null || before.timestamp >= seconds) return before
    const after = await this.#track.nextKey(before)
    const end = this.#facts.startSeconds + this.#facts.durationSeconds
    const isNearer =
      after !== null && after.timestamp < end && after.timestamp - seconds < seconds - before.timestamp
    return isNearer ? after : before
  }
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new CancelledError(undefined, { cause: signal.reason })
}

/** Failures inside the demuxer or decoder, which speak of their own matters, become ours. */
function named(error: unknown, name: string): unknown {
  if (error instanceof LongtakeError) return error
  return new VideoError('VIDEO_UNREADABLE', `${name} is damaged: reading it failed.`, { cause: error })
}
