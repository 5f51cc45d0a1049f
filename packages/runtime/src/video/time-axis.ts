/** A stretch of time that frames stand for, seconds. */
export interface TimeSpan {
  readonly start: number
  readonly end: number
}

/** Distances between ticks that people read without thinking, seconds. */
const STEPS = [
  0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200,
]
const DAY_SECONDS = 86_400

/** Rounding of sums of tenths stays far below so many seconds, which nobody sees. */
const ROUNDING = 1e-6

/**
 * The stretch of time that each frame stands for: up to the middle between it and its neighbours, and at both ends as
 * far outwards as inwards. Frames without a time between them share the stretch evenly.
 *
 * @param timestamps - Seconds, ascending.
 * @returns `[frames]`, adjoining.
 */
export function frameSpans(timestamps: readonly number[]): TimeSpan[] {
  const last = timestamps.length - 1
  const first = timestamps[0] ?? 0
  if (last < 0) return []
  if (!(timestamps[last]! > first)) {
    return timestamps.map((_, index) => ({ start: first + index, end: first + index + 1 }))
  }
  const middle = (index: number): number => (timestamps[index]! + timestamps[index + 1]!) / 2
  // A frame at 0 begins there: nobody looks for what was before a video.
  const start = Math.max(Math.min(first, 0), 2 * first - middle(0))
  const end = 2 * timestamps[last]! - middle(last - 1)
  return timestamps.map((_, index) => ({
    start: index === 0 ? start : middle(index - 1),
    end: index === last ? end : middle(index),
  }))
}

/**
 * Round times within a stretch, such as every 30 seconds.
 *
 * @param most - Ticks to choose at most, 1 or more.
 * @returns Seconds, ascending.
 */
export function timeTicks({ start, end }: TimeSpan, most: number): number[] {
  const length = end - start
  if (!(length > 0) || !(most >= 1)) return []
  const fits = (step: number): boolean => Math.floor((length + 2 * ROUNDING) / step) + 1 <= most
  const step = STEPS.find(fits) ?? Math.ceil(length / Math.max(most - 1, 1) / DAY_SECONDS) * DAY_SECONDS
  const first = Math.ceil((start - ROUNDING) / step)
  const count = Math.floor((end + ROUNDING) / step) - first + 1
  return Array.from({ length: Math.max(0, count) }, (_, index) => (first + index) * step)
}
