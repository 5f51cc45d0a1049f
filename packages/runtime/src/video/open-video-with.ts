import { InvalidOptionError, type SamplingMode, VideoError, type VideoFacts } from '@longtake/core'
import { expectAvi } from './container-kind.js'
import { FilmPictures } from './film-pictures.js'
import {
  damaged,
  FrameIteration,
  type FramesOptions,
  inTimeOrder,
  type PictureSource,
  throwIfAborted,
  type VideoFrame,
} from './frame-iteration.js'
import { openMediabunnyTrack } from './mediabunny-track.js'
import type { PacketTrack } from './packet-track.js'
import type { OpenDecoding } from './picture-decoding.js'
import { refuseOtherPictures, SIGNATURE_BYTES, type StillCodec, stillCodec } from './still-format.js'
import type { DecodeStill, Still } from './still-pictures.js'
import { inspect } from './video-facts.js'
import { closeSources, openSourcesWith, type VideoInputs, type VideoSource } from './video-source.js'

/** An open video, or still pictures that are watched as one. Close it, or declare it with `await using`. */
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
   * For stills the timestamps are their indices, rounded; each is decoded once while it is asked for in a row, and
   * what cannot be decoded is refused, because no other picture can stand for it.
   *
   * @param timestamps - Seconds on the video's own time line, which begins at `facts.startSeconds`.
   * @param mode - `keyframe`: the nearest picture that decodes by itself. `exact`: the picture on screen at that time.
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

/** A way to read pictures that has been opened. */
interface Opened {
  readonly facts: VideoFacts
  readonly notes: readonly string[]
  readonly frames: (mode: SamplingMode) => PictureSource
  readonly close: () => void
}

/** How videos are read and decoded on a platform. */
export interface VideoTools {
  /**
   * Opens what a caller names by a text: a path, or an address.
   *
   * @throws {VideoError} Or {@link InvalidOptionError}, if it cannot be opened.
   */
  readonly openNamed: (name: string) => Promise<VideoSource>
  readonly openDecoding: OpenDecoding
  readonly decodeStill: DecodeStill
  /** Opens an AVI file, the one container that the demuxer does not read. */
  readonly openAvi: (source: VideoSource) => Promise<PacketTrack>
}

/**
 * Opens a video or still pictures and reads their facts; decodes nothing.
 *
 * @throws {VideoError} With a `code` for each way in which a file can be unusable.
 * @throws {InvalidOptionError} If `input` is no video, or something in an array is not a picture.
 * @throws {CancelledError} When `signal` aborts.
 */
export async function openVideoWith(
  tools: VideoTools,
  input: VideoInputs,
  { signal }: { signal?: AbortSignal } = {},
): Promise<Video> {
  throwIfAborted(signal)
  const sources = await openSourcesWith(tools.openNamed, input)
  let opened: Opened | undefined
  try {
    opened = await (Array.isArray(input)
      ? openStills(tools, sources, signal)
      : openAny(tools, sources[0]!, signal))
    throwIfAborted(signal)
    return new OpenVideo(opened, sources)
  } catch (error) {
    opened?.close()
    await closeSources(sources)
    throw damaged(error, sources[0]!.name)
  }
}

async function openAny(tools: VideoTools, source: VideoSource, signal?: AbortSignal): Promise<Opened> {
  if ((await codecOf(source)) !== undefined)
    return openPictures(tools, [{ source, name: source.name }], signal)
  const track = await openTrack(tools, source)
  try {
    throwIfAborted(signal)
    const { facts, notes, lastSeconds } = await inspect(track, source, signal)
    const { openDecoding } = tools
    const film = { track, name: source.name, openDecoding, firstSeconds: facts.startSeconds, lastSeconds }
    return { facts, notes, frames: (mode) => new FilmPictures(film, mode), close: () => track.close() }
  } catch (error) {
    track.close()
    throw error
  }
}

async function openStills(
  tools: VideoTools,
  sources: readonly VideoSource[],
  signal?: AbortSignal,
): Promise<Opened> {
  for (const [index, source] of sources.entries()) {
    throwIfAborted(signal)
    if ((await codecOf(source)) !== undefined) continue
    const requirement = 'a still picture (PNG, JPEG, WebP, GIF or BMP; a video is watched by itself)'
    throw new InvalidOptionError(`video[${index}]`, requirement, source.name)
  }
  const place = (index: number) =>
    sources.length === 1 ? '' : ` (picture ${index + 1} of ${sources.length})`
  const stills = sources.map((source, index) => ({ source, name: `${source.name}${place(index)}` }))
  return openPictures(tools, stills, signal)
}

async function openPictures(
  { decodeStill }: VideoTools,
  stills: readonly Still[],
  signal?: AbortSignal,
): Promise<Opened> {
  const { inspectStills, StillPictures } = await import('./still-pictures.js')
  const { facts, notes } = await inspectStills(stills, signal)
  return { facts, notes, frames: () => new StillPictures(stills, decodeStill), close: () => {} }
}

/** Which still picture a file is; undefined where it may be a video. */
async function codecOf(source: VideoSource): Promise<StillCodec | undefined> {
  try {
    const size = await source.size()
    if (size === 0) throw new VideoError('VIDEO_EMPTY', `${source.name} is an empty file.`)
    const head = await source.read(0, Math.min(SIGNATURE_BYTES, size))
    refuseOtherPictures(head, source.name)
    return stillCodec(head)
  } catch (error) {
    throw damaged(error, source.name)
  }
}

async function openTrack({ openAvi }: VideoTools, source: VideoSource): Promise<PacketTrack> {
  const track = await openMediabunnyTrack(source)
  if (track !== undefined) return track
  await expectAvi(source)
  return openAvi(source)
}

class OpenVideo implements Video {
  readonly facts: VideoFacts
  readonly notes: readonly string[]
  readonly #opened: Opened
  readonly #sources: readonly VideoSource[]
  readonly #closing = new AbortController()
  readonly #running = new Set<FrameIteration>()
  #closed: Promise<void> | undefined

  constructor(opened: Opened, sources: readonly VideoSource[]) {
    this.#opened = opened
    this.#sources = sources
    this.facts = opened.facts
    this.notes = opened.notes
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
    const { signal } = options
    const signals = signal === undefined ? [this.#closing.signal] : [this.#closing.signal, signal]
    return {
      [Symbol.asyncIterator]: () => {
        const withClosing = { ...options, signal: AbortSignal.any(signals) }
        const onEnd = (ended: FrameIteration) => this.#running.delete(ended)
        const iteration = new FrameIteration(this.#opened.frames(mode), asked, withClosing, onEnd)
        this.#running.add(iteration)
        return iteration
      },
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#shut()
    return this.#closed
  }

  async #shut(): Promise<void> {
    this.#closing.abort(new Error('The video was closed.'))
    await Promise.all([...this.#running].map((iteration) => iteration.return()))
    this.#opened.close()
    await closeSources(this.#sources)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
