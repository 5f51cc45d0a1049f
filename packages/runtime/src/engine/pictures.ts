import { InvalidOptionError, VideoError, type VideoFacts, type VideoPlan } from '@longtake/core'
import { preprocessFrame } from '@longtake/kernels'
import { throwIfAborted } from '../ort/abort.js'
import { makeThumbnail, type Picture } from '../video/index.js'
import { allocateFloats } from './allocate.js'
import { checkInteger } from './check.js'
import type { Models } from './models.js'
import type { InputFrame } from './watch-options.js'

/** Widest picture kept for the storyboard, pixels: what a sheet of few frames shows. */
const MAX_THUMBNAIL_SIDE = 320
/** Memory that all kept pictures may take, bytes; many frames are kept smaller. */
const MAX_THUMBNAIL_BYTES = 32 * 1024 * 1024
/** Largest side of a given picture, pixels; one side more than 8K film has. */
const MAX_SIDE = 16_384

/** What is kept of a plan's pictures. */
export interface Pictures {
  /** `[F, 3, S, S]`, in time order. */
  readonly pixels: Float32Array
  readonly thumbnails: readonly Picture[]
  /** When each picture really begins, `[F]` seconds. */
  readonly timestamps: readonly number[]
}

/** A picture at its place among the plan's frames. */
export interface PlacedFrame extends InputFrame {
  readonly index: number
  readonly timestampSeconds: number
}

/**
 * Preprocesses a plan's pictures as they come, and holds none but the last one, which the next may repeat.
 *
 * @throws {CancelledError} If the signal fires, within one picture.
 */
export async function takePictures(
  models: Models,
  plan: VideoPlan,
  frames: AsyncIterable<PlacedFrame> | Iterable<PlacedFrame>,
  options: { readonly signal?: AbortSignal | undefined; readonly onFrame?: (done: number) => void } = {},
): Promise<Pictures> {
  const { image, spec } = models.checkpoint.model
  const size = 3 * spec.encoder.imageSize ** 2
  const pixels = allocateFloats(plan.frames * size, 'Pixels')
  const thumbnails: Picture[] = []
  const timestamps: number[] = []
  const side = thumbnailSide(plan.frames)
  let done = 0
  let last: PlacedFrame | undefined
  for await (const frame of frames) {
    throwIfAborted(options.signal)
    const { index, rgb, width, height } = frame
    const place = pixels.subarray(index * size, (index + 1) * size)
    if (last !== undefined && isRepeated(frame, last)) {
      place.set(pixels.subarray(last.index * size, (last.index + 1) * size))
      thumbnails[index] = thumbnails[last.index]!
    } else {
      preprocessFrame(rgb, width, height, image, place)
      // Small pictures stay as they are: the storyboard enlarges the few that it shows.
      const [boxWidth, boxHeight] = [Math.min(side, width), Math.min(side, height)]
      thumbnails[index] = makeThumbnail({ rgb: asBytes(rgb), width, height }, boxWidth, boxHeight)
    }
    timestamps[index] = frame.timestampSeconds
    last = frame
    done++
    options.onFrame?.(done)
  }
  throwIfAborted(options.signal)
  if (done !== plan.frames) {
    throw new VideoError('VIDEO_UNREADABLE', `The video gave ${done} of ${plan.frames} pictures.`)
  }
  return { pixels, thumbnails, timestamps }
}

/**
 * Checks given pictures and describes them as a video would be.
 *
 * @throws {InvalidOptionError} If there are none, or one's size or pixels do not fit.
 */
export function describeFrames(frames: readonly InputFrame[]): VideoFacts {
  if (!Array.isArray(frames) || frames.length === 0)
    throw new InvalidOptionError('frames', 'at least one picture', frames)
  let last = Number.NEGATIVE_INFINITY
  for (const [index, frame] of frames.entries()) {
    if (typeof frame !== 'object' || frame === null)
      throw new InvalidOptionError(`frames[${index}]`, 'a picture', frame)
    const { rgb, width, height, timestampSeconds = index } = frame
    checkInteger(`frames[${index}].width`, width, 1, MAX_SIDE)
    checkInteger(`frames[${index}].height`, height, 1, MAX_SIDE)
    if (
      !(rgb instanceof Uint8Array || rgb instanceof Uint8ClampedArray) ||
      rgb.length !== width * height * 3
    ) {
      throw new InvalidOptionError(`frames[${index}].rgb`, `${width}×${height}×3 bytes`, describeBytes(rgb))
    }
    if (!Number.isFinite(timestampSeconds) || timestampSeconds < last) {
      throw new InvalidOptionError(
        `frames[${index}].timestampSeconds`,
        'seconds, in time order',
        timestampSeconds,
      )
    }
    last = timestampSeconds
  }
  const start = frames[0]!.timestampSeconds ?? 0
  return {
    startSeconds: start,
    // Each picture stands for a span of its own, the last one too.
    durationSeconds: frames.length > 1 ? ((last - start) * frames.length) / (frames.length - 1) : 0,
    frameCount: frames.length,
    width: frames[0]!.width,
    height: frames[0]!.height,
    codec: 'frames',
  }
}

/** Spreads given pictures over a plan's places; where the plan has more, neighbours are repeated. */
export function placeFrames(frames: readonly InputFrame[], places: number): PlacedFrame[] {
  return Array.from({ length: places }, (_, index) => {
    const source = Math.floor((index * frames.length) / places)
    const frame = frames[source]!
    return { ...frame, index, timestampSeconds: frame.timestampSeconds ?? source }
  })
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

function describeBytes(rgb: unknown): string {
  return ArrayBuffer.isView(rgb) ? `${rgb.byteLength} bytes of ${rgb.constructor.name}` : typeof rgb
}
