import { checkChoice, checkInteger } from './check.js'
import { InvalidOptionError } from './errors.js'
import { MAX_FRAMES } from './limits.js'
import type { ClipLayout } from './spec.js'

export const CLIP_LAYOUTS: readonly ClipLayout[] = ['interleaved', 'contiguous', 'unordered']

/** Which frames the encoder takes together, and how their tokens get back into their order. */
export interface ClipArrangement {
  /** `[m][N]` frame indices, in slot order; together every frame once. */
  readonly clips: readonly (readonly number[])[]
  /** `[F]`: position in the context to index into the concatenated clips. */
  readonly order: readonly number[]
}

/**
 * Groups frames into clips for an encoder that takes exactly `N` frames at once.
 *
 * Dimensions: `F` frames, `N` frames per clip, `m = F / N` clips.
 *
 * - `interleaved`: clip `j` is frames `j, j + m, …, j + (N-1)m`: as in training, N frames spread over the whole
 *   video; tokens go back into time order.
 * - `contiguous`: clip `j` is frames `jN … jN + N-1`, which are in time order already.
 * - `unordered`: clips as in `interleaved`; tokens stay in clip order.
 *
 * @param frames - `F`, a multiple of `N`.
 * @param framesPerClip - `N`, 1 or more.
 * @throws {InvalidOptionError} If an argument is out of its range or `F` is not a multiple of `N`.
 * @remarks Source: video token rearrangement, arXiv 2409.12963.
 */
export function arrangeClips(frames: number, framesPerClip: number, layout: ClipLayout): ClipArrangement {
  checkInteger('framesPerClip', framesPerClip, 1, MAX_FRAMES)
  checkInteger('frames', frames, 1, 2 * MAX_FRAMES)
  checkChoice('layout', layout, CLIP_LAYOUTS)
  if (frames % framesPerClip !== 0) {
    throw new InvalidOptionError('frames', `a multiple of the encoder's ${framesPerClip} frames`, frames)
  }
  const clipCount = frames / framesPerClip
  const clips = range(clipCount).map((clip) =>
    range(framesPerClip).map((slot) =>
      layout === 'contiguous' ? clip * framesPerClip + slot : slot * clipCount + clip,
    ),
  )
  return { clips, order: layout === 'unordered' ? range(frames) : invert(clips.flat()) }
}

/** Inverse of a permutation: `inverse[permutation[i]] = i`. */
function invert(permutation: readonly number[]): number[] {
  const inverse = new Array<number>(permutation.length).fill(0)
  permutation.forEach((value, index) => {
    inverse[value] = index
  })
  return inverse
}

function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index)
}
