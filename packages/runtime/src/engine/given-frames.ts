import { InvalidOptionError, type VideoFacts } from '@longtake/core'
import { checkInteger } from './check.js'
import type { InputFrame } from './watch-options.js'

/** Largest side of a given picture, pixels; one side more than 8K film has. */
const MAX_SIDE = 16_384

/** A picture at its place among the plan's frames. */
export interface PlacedFrame extends InputFrame {
  readonly index: number
  readonly timestampSeconds: number
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
    const source = sourceOf(index, frames.length, places)
    const frame = frames[source]!
    return { ...frame, index, timestampSeconds: frame.timestampSeconds ?? source }
  })
}

/** Which given picture is at a place. */
export function sourceOf(place: number, pictures: number, places: number): number {
  return Math.floor((place * pictures) / places)
}

function describeBytes(rgb: unknown): string {
  return ArrayBuffer.isView(rgb) ? `${rgb.byteLength} bytes of ${rgb.constructor.name}` : typeof rgb
}
