import type { VideoFacts } from '@longtake/core'
import type { FrameWeight } from '@longtake/runtime'

/** How a still picture is called: by its place among those that were given. */
export function pictureName(index: number): string {
  return `picture ${index + 1}`
}

/**
 * Weights by still picture: where clips need more frames than there are pictures, several frames show one.
 *
 * @param frames - Every frame, in time order; a picture's are neighbours.
 * @returns As they are for a video; else one for each picture, with its index and the sums of its frames' shares.
 */
export function joinStills(
  { stills }: Pick<VideoFacts, 'stills'>,
  frames: readonly FrameWeight[],
): readonly FrameWeight[] {
  if (stills === undefined) return frames
  const repeats = frames.length / stills
  return Array.from({ length: stills }, (_, index) => {
    const own = frames.slice(index * repeats, (index + 1) * repeats)
    const sum = (share: (frame: FrameWeight) => number): number =>
      own.reduce((total, frame) => total + share(frame), 0)
    return {
      index,
      timestamp: index,
      weight: sum(({ weight }) => weight),
      ...(own[0]?.relevance !== undefined && { relevance: sum(({ relevance = 0 }) => relevance) }),
    }
  })
}
