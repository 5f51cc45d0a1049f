/** A frame with the share of the answer's attention that it got. */
export interface WeighedFrame {
  readonly index: number
  readonly timestamp: number
  readonly weight: number
}

/** Moments that a message names. */
const MOST_MOMENTS = 4
/** Below this multiple of an equal share a frame says nothing. */
const LEAST_SHARES = 1.5
/** Frames that are nearer to one another show the same, as a part of the video's length. */
const NEAREST_SHARE = 0.02

/** The frames that an answer rests on most, the first most of all, no two of one moment. */
export function mostWeighed<Frame extends WeighedFrame>(
  frames: readonly Frame[],
  durationSeconds: number,
): readonly Frame[] {
  const nearestSeconds = Math.max(1, durationSeconds * NEAREST_SHARE)
  const chosen: Frame[] = []
  for (const frame of frames.toSorted((a, b) => b.weight - a.weight)) {
    if (chosen.length === MOST_MOMENTS) break
    if (chosen.length > 0 && frame.weight * frames.length < LEAST_SHARES) break
    const isNear = chosen.some(({ timestamp }) => Math.abs(timestamp - frame.timestamp) < nearestSeconds)
    if (!isNear) chosen.push(frame)
  }
  return chosen
}
