import { EngineError, type SamplingMode, type VideoFacts } from '@longtake/core'
import { throwIfAborted } from '../ort/abort.js'
import type { FramesOptions, VideoFrame } from '../video/frame-iteration.js'
import type { Video } from '../video/open-video.js'
import { closeSources, openSources, type VideoInputs } from '../video/video-source.js'
import type { Child } from './child.js'
import type { Decoders } from './decoders.js'

/** Largest side of a picture, pixels. */
const MAX_SIDE = 16_384
const MOST_NOTES = 100
const MOST_CHARACTERS = 1000

/** As `openVideo`, in a process of the video's own; what comes from there is checked. */
export async function openDecoded(
  decoders: Decoders,
  input: VideoInputs,
  { signal }: { signal?: AbortSignal } = {},
): Promise<Video> {
  throwIfAborted(signal)
  const sources = await openSources(input)
  let end = (): void => {}
  try {
    const decoder = decoders.take()
    end = () => decoders.end(decoder)
    const lent = decoder.sources.lend(sources)
    const opened = await decoder.child.call(
      'open',
      { sources: lent, isList: Array.isArray(input) },
      { signal },
    )
    const close = async (): Promise<void> => {
      end()
      await closeSources(sources)
    }
    return new DecodedVideo(decoder.child, checkOpened(opened), close)
  } catch (error) {
    end()
    await closeSources(sources)
    throw error
  }
}

class DecodedVideo implements Video {
  readonly facts: VideoFacts
  readonly notes: readonly string[]
  readonly #decoder: Child
  readonly #close: () => Promise<void>
  #closing: Promise<void> | undefined

  constructor(decoder: Child, opened: Pick<Video, 'facts' | 'notes'>, close: () => Promise<void>) {
    this.facts = opened.facts
    this.notes = opened.notes
    this.#decoder = decoder
    this.#close = close
  }

  async *frames(
    timestamps: readonly number[],
    mode: SamplingMode,
    { signal, onFrame }: FramesOptions = {},
  ): AsyncGenerator<VideoFrame, void, undefined> {
    const pass = await this.#decoder.call('pass', { timestamps, mode }, { signal })
    try {
      let last: VideoFrame | undefined
      for (let done = 1; ; done++) {
        const next = await this.#decoder.call('next', pass, { signal })
        if (next === undefined) return
        last = checkFrame(next, last, timestamps.length)
        onFrame?.(done, timestamps.length)
        yield last
      }
    } finally {
      // A decoder that is gone has nothing left to give back.
      await this.#decoder.call('return', pass).catch(() => {})
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
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
