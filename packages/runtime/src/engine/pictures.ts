import { VideoError } from '@longtake/core'
import { preprocessFrame, preprocessTile } from '@longtake/kernels'
import { throwIfAborted } from '../ort/abort.js'
import type { Picture } from '../video/picture.js'
import { makeThumbnail } from '../video/thumbnail.js'
import { allocateFloats } from './allocate.js'
import type { EncodedCrop, EncoderPlan } from './encoder-plan.js'
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
  /** Whether some of the pictures cost a good part of what all of them do: then all are read in one pass. */
  readonly isSequential: boolean
  /** @param indices - Places among the plan's frames, in time order; the pictures come in that order. */
  frames(
    indices: readonly number[],
    signal: AbortSignal | undefined,
  ): AsyncIterable<PlacedFrame> | Iterable<PlacedFrame>
}

/** A picture as the encoder takes it. */
export interface Preprocessed {
  readonly index: number
  /** `[3, S, S]`, valid until the next picture. */
  readonly pixels: Float32Array
}

/** Preprocesses pictures as they come, and keeps small ones with their times: of images that are cut, the image once. */
export class PictureTaker implements Pictures {
  readonly thumbnails: Picture[] = []
  readonly timestamps: number[] = []
  /** Floats of one preprocessed picture. */
  readonly pictureSize: number
  readonly #models: Models
  readonly #side: number
  readonly #crops: readonly EncodedCrop[] | undefined

  constructor(models: Models, plan: EncoderPlan) {
    this.#models = models
    this.#crops = plan.crops
    this.#side = thumbnailSide(plan.frames)
    this.pictureSize = 3 * models.checkpoint.model.spec.encoder.imageSize ** 2
  }

  /**
   * Preprocesses some of the plan's pictures, holding none but the last one, which the next may repeat.
   *
   * @throws {VideoError} `VIDEO_UNREADABLE` if pictures are missing.
   * @throws {CancelledError} If the signal fires, within one picture.
   */
  async *take(
    source: FrameSource,
    indices: readonly number[],
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Preprocessed, void, undefined> {
    const pixels = allocateFloats(this.pictureSize, 'Pixels')
    let done = 0
    let last: PlacedFrame | undefined
    for await (const frame of this.#read(source, indices, signal)) {
      throwIfAborted(signal)
      const repeats = last !== undefined && isRepeated(frame, last) ? this.#shown(last.index) : undefined
      const shown = this.#shown(frame.index)
      if (repeats === undefined || this.#crops !== undefined) this.#preprocess(frame, pixels)
      this.thumbnails[shown] = repeats === undefined ? this.#small(frame) : this.thumbnails[repeats]!
      this.timestamps[shown] = frame.timestampSeconds
      last = frame
      done++
      yield { index: frame.index, pixels }
    }
    throwIfAborted(signal)
    if (done !== indices.length) {
      throw new VideoError('VIDEO_UNREADABLE', `The video gave ${done} of ${indices.length} pictures.`)
    }
  }

  /** Pictures by their places among the encoder's frames; an image comes as often as it has crops. */
  async *#read(
    source: FrameSource,
    indices: readonly number[],
    signal: AbortSignal | undefined,
  ): AsyncGenerator<PlacedFrame, void, undefined> {
    if (this.#crops === undefined) return yield* source.frames(indices, signal)
    const stills = [...new Set(indices.map((index) => this.#shown(index)))]
    for await (const still of source.frames(stills, signal)) {
      for (const index of indices) if (this.#shown(index) === still.index) yield { ...still, index }
    }
  }

  /** Place among the plan's frames. */
  #shown(index: number): number {
    return this.#crops?.[index]?.still ?? index
  }

  #preprocess({ rgb, width, height, index }: PlacedFrame, pixels: Float32Array): void {
    const { image, vision } = this.#models.checkpoint.model
    const crop = this.#crops?.[index]
    if (crop?.tile === undefined) return void preprocessFrame(rgb, width, height, image, pixels)
    const { resolution, resized } = crop.crops
    const margin = (axis: 0 | 1): number => Math.floor((resolution[axis] - resized[axis]) / 2)
    const place = {
      resized: { width: resized[1], height: resized[0] },
      left: crop.tile[1] * vision.imageSize - margin(1),
      top: crop.tile[0] * vision.imageSize - margin(0),
    }
    preprocessTile(rgb, width, height, image, place, pixels)
  }

  /** Small pictures stay as they are: the storyboard enlarges the few that it shows. */
  #small({ rgb, width, height }: PlacedFrame): Picture {
    const box = [Math.min(this.#side, width), Math.min(this.#side, height)] as const
    return makeThumbnail({ rgb: asBytes(rgb), width, height }, ...box)
  }
}

/** Whether it is the very picture before, as where a short video fills many frames: work to be done once. */
export function isRepeated(frame: PlacedFrame, last: PlacedFrame): boolean {
  return frame.rgb === last.rgb && frame.width === last.width && frame.height === last.height
}

/** Longest side of kept pictures, pixels, so that all of them stay within bounds. */
export function thumbnailSide(frames: number): number {
  return Math.max(1, Math.min(MAX_THUMBNAIL_SIDE, Math.floor(Math.sqrt(MAX_THUMBNAIL_BYTES / frames / 3))))
}

export function asBytes(rgb: Uint8Array | Uint8ClampedArray): Uint8Array {
  return rgb instanceof Uint8Array ? rgb : new Uint8Array(rgb.buffer, rgb.byteOffset, rgb.length)
}
