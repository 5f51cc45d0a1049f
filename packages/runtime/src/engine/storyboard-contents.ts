import { ShapeError, type VideoFacts, type VideoPlan } from '@longtake/core'
import { checkWeights } from '../video/heat.js'
import type { Picture } from '../video/picture.js'
import type { StoryboardOptions } from '../video/storyboard.js'
import type { Pictures } from './pictures.js'

/** What a storyboard is drawn from. */
export interface StoryboardContents extends StoryboardOptions {
  readonly pictures: readonly Picture[]
}

/** What is to be said of each frame, if anything. */
export interface FrameShares {
  readonly weights: readonly number[] | undefined
  readonly heat: readonly number[] | undefined
}

/**
 * What a watched video's storyboard shows: every frame; of still images, which fill several frames each where clips
 * need them, every image once, with what its frames have together.
 *
 * @param shares - One for each frame.
 * @throws {ShapeError} If there are not as many weights as frames.
 * @throws {InvalidOptionError} If a weight is negative or not finite.
 */
export function storyboardContents(
  plan: VideoPlan,
  facts: VideoFacts,
  { thumbnails, timestamps }: Pictures,
  { weights, heat }: FrameShares,
): StoryboardContents {
  if (weights !== undefined && weights.length !== plan.frames) {
    throw new ShapeError('weights', `[${plan.frames}], one for each frame`, [weights.length])
  }
  if (weights !== undefined) checkWeights('weights', weights)
  const repeats = facts.stills === undefined ? 1 : plan.frames / facts.stills
  const windows = windowsInTime(plan)?.map(([first, end]) => [first / repeats, end / repeats] as const)
  const isFirst = (_: unknown, frame: number): boolean => frame % repeats === 0
  return {
    pictures: thumbnails.filter(isFirst),
    timestamps: timestamps.filter(isFirst),
    weights: weights && sumOfEach(weights, repeats),
    heat: heat && sumOfEach(heat, repeats),
    windows,
  }
}

/** Sums of `size` neighbours each. */
function sumOfEach(values: readonly number[], size: number): readonly number[] {
  return Array.from({ length: values.length / size }, (_, index) =>
    values.slice(index * size, (index + 1) * size).reduce((sum, value) => sum + value, 0),
  )
}

/** Pooling windows along time; none where frames enter the context in another order. */
function windowsInTime({ pooling, layout }: VideoPlan): StoryboardOptions['windows'] {
  if (pooling === null || layout === 'unordered') return undefined
  const { shape, stride, kernel } = pooling
  return Array.from(
    { length: shape[0] },
    (_, step) => [step * stride[0], step * stride[0] + kernel[0]] as const,
  )
}
