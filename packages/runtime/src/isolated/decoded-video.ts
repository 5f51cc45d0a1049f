import { EngineError, type SamplingMode, type VideoFacts } from '@longtake/core'
import { throwIfAborted } from '../ort/abort.js'
import type { FramesOptions, VideoFrame } from '../video/frame-iteration.js'
import type { Video } from '../video/open-video.js'
import { openSources } from '../video/video-file.js'
import { closeSources, type VideoInputs, type VideoSource } from '../video/video-source.js'
import type { Child } from './child.js'
import type { DecoderProcess, Decoders } from './decoders.js'

/** Largest side of a picture, pixels. */
const MAX_SIDE = 16_384
const MOST_NOTES = 100
/** A video may stay open for as long as its features may have to be made again; its decoder need not. */
const IDLE_MILLISECONDS = 5000
const MOST_CHARACTERS = 1000

/** As `openVideo`, in a process of the video's own; what comes from there is checked. */
export async function openDecoded(
  decoders: Decoders,
  input: VideoInputs,
  { signal }: { signal?: AbortSignal } = {},
): Promise<Video> {
  throwIfAborted(signal)
  const sources = await openSources(input)
  const decoding = new Decoding(decoders, sources, Array.isArray(input))
  try {
    return new DecodedVideo(decoding, await decoding.open(signal))
  } catch (error) {
    await decoding.close()
    throw error
  }
}

/** A video's decoder process, which goes when it has had nothing to do for a while, and comes again. */
class Decoding {
  readonly #decoders: Decoders
  readonly #sources: readonly VideoSource[]
  readonly #isList: boolean
  #decoder: DecoderProcess | undefined
  #opened: Promise<unknown> | undefined
  #passes = 0
  #idle: NodeJS.Timeout | undefined

  constructor(decoders: Decoders, sources: readonly VideoSource[], isList: boolean) {
    this.#decoders = decoders
    this.#sources = sources
    this.#isList = isList
  }

  /** What the decoder says of the video. */
  async open(signal: AbortSignal | undefined): Promise<Pick<Video, 'facts' | 'notes'>> {
    this.#passes++
    const { opened } = this.#start(signal)
    const checked = checkOpened(await opened)
    this.end()
    return checked
  }

  /** A decoder that has opened the video, until `end`. */
  async begin(signal: AbortSignal | undefined): Promise<Child> {
    this.#passes++
    clearTimeout(this.#idle)
    const { decoder, opened } = this.#start(signal)
    await opened
    return decoder.child
  }

  end(): void {
    if (--this.#passes === 0) this.#idle = setTimeout(() => this.#stop(), IDLE_MILLISECONDS)
  }

  async close(): Promise<void> {
    clearTimeout(this.#idle)
    this.#stop()
    await closeSources(this.#sources)
  }

  #start(signal: AbortSignal | undefined): { decoder: DecoderProcess; opened: Promise<unknown> } {
    if (this.#decoder?.child.isEnding) this.#stop()
    if (this.#decoder !== undefined && this.#opened !== undefined)
      return { decoder: this.#decoder, opened: this.#opened }
    const decoder = this.#decoders.take()
    const lent = decoder.sources.lend(this.#sources)
    const opened = decoder.child.call('open', { sources: lent, isList: this.#isList }, { signal })
    this.#decoder = decoder
    this.#opened = opened
    // What could not be opened, such as because it was cancelled, is opened anew the next time.
    opened.catch(() => this.#opened === opened && this.#stop())
    return { decoder, opened }
  }

  #stop(): void {
    if (this.#decoder !== undefined) this.#decoders.end(this.#decoder)
    this.#decoder = undefined
    this.#opened = undefined
  }
}

class DecodedVideo implements Video {
  readonly facts: VideoFacts
  readonly notes: readonly string[]
  readonly #decoding: Decoding
  #closing: Promise<void> | undefined

  constructor(decoding: Decoding, { facts, notes }: Pick<Video, 'facts' | 'notes'>) {
    this.facts = facts
    this.notes = notes
    this.#decoding = decoding
  }

  async *frames(
    timestamps: readonly number[],
    mode: SamplingMode,
    { signal, onFrame }: FramesOptions = {},
  ): AsyncGenerator<VideoFrame, void, undefined> {
    try {
      const decoder = await this.#decoding.begin(signal)
      const pass = await decoder.call('pass', { timestamps, mode }, { signal })
      try {
        let last: VideoFrame | undefined
        let ahead = readNext(decoder, pass, signal)
        for (let done = 1; ; done++) {
          const next = await ahead
          if (next === undefined) return
          // The next picture is decoded while the engine works with this one.
          ahead = readNext(decoder, pass, signal)
          last = checkFrame(next, last, timestamps.length)
          onFrame?.(done, timestamps.length)
          yield last
        }
      } finally {
        // A decoder that is gone has nothing left to give back.
        await decoder.call('return', pass).catch(() => {})
      }
    } finally {
      this.#decoding.end()
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#decoding.close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

function readNext(decoder: Child, pass: unknown, signal: AbortSignal | undefined): Promise<unknown> {
  const next = decoder.call('next', pass, { signal })
  // Whoever leaves the pictures does not wait for the one that was read ahead.
  next.catch(() => {})
  return next
}

type Unchecked<T> = { readonly [K in keyof T]?: unknown }

function checkOpened(opened: unknown): Pick<Video, 'facts' | 'notes'> {
  const { facts, notes } = asFields<Pick<Video, 'facts' | 'notes'>>(opened)
  const { codec, stillSizes, ...numbers } = asFields<VideoFacts>(facts)
  const isText = (text: unknown): boolean => typeof text === 'string' && text.length <= MOST_CHARACTERS
  const isNumber = (value: unknown): boolean => value === undefined || Number.isFinite(value)
  const areSizes = (sizes: unknown): boolean =>
    Array.isArray(sizes) && sizes.every((size) => Array.isArray(size) && size.every(isSide))
  const isValid =
    isText(codec) &&
    Object.values(numbers).every(isNumber) &&
    (stillSizes === undefined || areSizes(stillSizes)) &&
    Array.isArray(notes) &&
    notes.length <= MOST_NOTES &&
    notes.every(isText)
  if (!isValid) throw nonsense()
  return opened as Pick<Video, 'facts' | 'notes'>
}

/** A picture as it came, with the pixels of the last one where it is that one again. */
function checkFrame(frame: unknown, last: VideoFrame | undefined, count: number): VideoFrame {
  const { index, timestampSeconds, width, height, rgb = last?.rgb } = asFields<VideoFrame>(frame)
  const isPlace = typeof index === 'number' && Number.isInteger(index) && index >= 0 && index < count
  const isTime = typeof timestampSeconds === 'number' && Number.isFinite(timestampSeconds)
  if (!isPlace || !isTime || !isSide(width) || !isSide(height)) throw nonsense()
  if (!(rgb instanceof Uint8Array) || rgb.length !== width * height * 3) throw nonsense()
  return { index, timestampSeconds, width, height, rgb }
}

function isSide(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MAX_SIDE
}

function asFields<T>(value: unknown): Unchecked<T> {
  if (typeof value === 'object' && value !== null) return value
  throw nonsense()
}

function nonsense(): EngineError {
  return new EngineError('ENGINE_CRASHED', 'The decoder process gave what is no picture. Try again.')
}
