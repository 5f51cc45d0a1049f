import { VideoError, type VideoPlan } from '@longtake/core'
import { preprocessFrame } from '@longtake/kernels'
import { throwIfAborted } from '../ort/abort.js'
import { makeThumbnail, type Picture } from '../video/index.js'
import { allocateFloats } from './allocate.js'
import type { PlacedFrame } from './given-frames.js'
import type { Models } from './models.js'

/** Widest picture kept for the storyboard, pixels: what a sheet of few frames shows. */
const MAX_THUMBNAIL_SIDE = 320
/** Memory that all kept pictures may take, bytes; many frames are kept smaller. */
const MAX_THUMBNAIL_BYTES = 32 * 1024 * 1024

/** What is kept of a plan's pictures. */
export interface Pictures {
  readonly thumbnails: readonly Picture[]
  /** When each picture really begins, `[F]` seconds. */
  readonly timestamps: readonly number[]
}

/** A plan's pictures, wherever they come from. Any of them may be asked for, and asked for again. */
export interface FrameSource {
  /** @param indices - Places among the plan's frames, in time order; the pictures come in that order. */
  frames(
    indices: readonly number[],
    signal: AbortSignal | undefined,
  ): AsyncIterable<PlacedFrame> | Iterable<PlacedFrame>
}

/** Preprocesses pictures as they come, and keeps small ones with their times. */
export class PictureTaker implements Pictures {
  readonly thumbnails: Picture[] = []
  readonly timestamps: number[] = []
  readonly #models: Models
  readonly #side: number
  #pixels = new Float32Array(0)

  constructor(models: Models, plan: VideoPlan) {
    this.#models = models
    this.#side = thumbnailSide(plan.frames)
  }

  /**
   * Preprocesses some of the plan's pictures, holding none but the last one, which the next may repeat.
   *
   * @param onFrame - Told the pictures that are done.
   * @returns `[indices, 3, S, S]`, valid until the next call.
   * @throws {VideoError} `VIDEO_UNREADABLE` if pictures are missing.
   * @throws {CancelledError} If the signal fires, within one picture.
   */
  async take(
    source: FrameSource,
    indices: readonly number[],
    signal: AbortSignal | undefined,
    onFrame: (done: number) => void,
  ): Promise<Float32Array> {
    const { image, spec } = this.#models.checkpoint.model
    const size = 3 * spec.encoder.imageSize ** 2
    const pixels = this.#room(indices.length * size)
    let done = 0
    let last: PlacedFrame | undefined
    for await (const frame of source.frames(indices, signal)) {
      throwIfAborted(signal)
      const place = pixels.subarray(done * size, (done + 1) * size)
      if (last !== undefined && isRepeated(frame, last)) {
        place.set(pixels.subarray((done - 1) * size, done * size))
        this.thumbnails[frame.index] = this.thumbnails[last.index]!
      } else {
        preprocessFrame(frame.rgb, frame.width, frame.height, image, place)
        this.thumbnails[frame.index] = this.#small(frame)
      }
      this.timestamps[frame.index] = frame.timestampSeconds
      last = frame
      done++
      onFrame(done)
    }
    throwIfAborted(signal)
    if (done === indices.length) return pixels
    throw new VideoError('VIDEO_UNREADABLE', `The video gave ${done} of ${indices.length} pictures.`)
  }

  /** Small pictures stay as they are: the storyboard enlarges the few that it shows. */
  #small({ rgb, width, height }: PlacedFrame): Picture {
    const box = [Math.min(this.#side, width), Math.min(this.#side, height)] as const
    return makeThumbnail({ rgb: asBytes(rgb), width, height }, ...box)
  }

  #room(length: number): Float32Array {
    if (this.#pixels.length < length) this.#pixels = allocateFloats(length, 'Pixels')
    return this.#pixels.subarray(0, length)
  }
}

/** Whether it is the very picture before, as where a short video fills many frames: work to be done once. */
function isRepeated(frame: PlacedFrame, last: PlacedFrame): boolean {
  return frame.rgb === last.rgb && frame.width === last.width && frame.height === last.height
}

function thumbnailSide(frames: number): number {
  return Math.max(1, Math.min(MAX_THUMBNAIL_SIDE, Math.floor(Math.sqrt(MAX_THUMBNAIL_BYTES / frames / 3))))
}

function asBytes(rgb: Uint8Array | Uint8ClampedArray): Uint8Array {
  return rgb instanceof Uint8Array ? rgb : new Uint8Array(rgb.buffer, rgb.byteOffset, rgb.length)
}
