import { InvalidOptionError, type SamplingMode, VideoError, type VideoFacts } from '@longtake/core'
import { openAviTrack } from './avi-track.js'
import { expectAvi } from './container-kind.js'
import { silenceFfmpeg } from './ffmpeg.js'
import {
  damaged,
  FrameIteration,
  type FrameSupply,
  type FramesOptions,
  inTimeOrder,
  throwIfAborted,
  type VideoFrame,
} from './frame-iteration.js'
import { openMediabunnyTrack } from './mediabunny-track.js'
import type { PacketTrack } from './packet-track.js'
import { type Inspection, inspect } from './video-facts.js'
import { openSource, type VideoInput, type VideoSource } from './video-source.js'

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
    return new OpenVideo(source, track, await inspect(track, source, signal))
  } catch (error) {
    track?.close()
    await release(source)
    throw damaged(error, source.name)
  }
}

/** Failing to close a source hides neither what was read nor the failure before it. */
async function release(source: VideoSource): Promise<void> {
  try {
    await source.close()
  } catch {
    // Its own resources are all that may be left, and nobody here can free them.
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
  readonly #supply: FrameSupply
  readonly #closing = new AbortController()
  readonly #running = new Set<FrameIteration>()
  #closed: Promise<void> | undefined

  constructor(source: VideoSource, track: PacketTrack, inspection: Inspection) {
    const { facts, notes, lastSeconds } = inspection
    this.#source = source
    this.#supply = { track, name: source.name, firstSeconds: facts.startSeconds, lastSeconds }
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
    const { signal } = options
    const signals = signal === undefined ? [this.#closing.signal] : [this.#closing.signal, signal]
    return {
      [Symbol.asyncIterator]: () => {
        const withClosing = { ...options, signal: AbortSignal.any(signals) }
        const onEnd = (ended: FrameIteration) => this.#running.delete(ended)
        const iteration = new FrameIteration(this.#supply, asked, mode, withClosing, onEnd)
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
    this.#supply.track.close()
    await release(this.#source)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
