import { checkInteger, checkNumber } from './check.js'
import { MAX_FRAMES, MAX_SECONDS } from './limits.js'

/**
 * The middles of `frames` equal spans of a stretch of video.
 *
 * Formula: `t[i] = start + (i + 1/2) · length / frames`. No time falls on an end of the stretch, where a decoder
 * may have no picture; a stretch without length gives its start, `frames` times.
 *
 * @param startSeconds - Where the stretch starts; any finite number.
 * @param lengthSeconds - Length of the stretch; 0 for a still.
 * @param frames - Number of times, 1 to `MAX_FRAMES` (a little more where a plan rounded up to whole clips).
 * @returns `[frames]` seconds, ascending.
 * @throws {InvalidOptionError} If an argument is out of its range.
 */
export function frameTimestamps(startSeconds: number, lengthSeconds: number, frames: number): number[] {
  checkNumber('startSeconds', startSeconds, 'a finite number of seconds', () => true)
  checkNumber('lengthSeconds', lengthSeconds, 'seconds, 0 or more', (length) => length >= 0)
  checkInteger('frames', frames, 1, 2 * MAX_FRAMES)
  return Array.from({ length: frames }, (_, index) => startSeconds + ((index + 0.5) / frames) * lengthSeconds)
}

/**
 * Seconds as people write them: `0:07`, `12:34.5`, `1:02:03.5`, `-0:01.5`; rounded to tenths.
 *
 * @throws {InvalidOptionError} If `seconds` is not finite, or beyond `MAX_SECONDS`.
 */
export function formatTimestamp(seconds: number): string {
  checkNumber('seconds', seconds, `seconds within ±${MAX_SECONDS}`, (value) => Math.abs(value) <= MAX_SECONDS)
  // Rounding comes before splitting, so that 59.96 becomes 1:00 and not 0:60.
  const tenths = Math.round(Math.abs(seconds) * 10)
  const whole = Math.floor(tenths / 10)
  const hours = Math.floor(whole / 3600)
  const minutes = Math.floor(whole / 60) % 60
  const clock = [hours > 0 ? `${hours}:${twoDigits(minutes)}` : `${minutes}`, twoDigits(whole % 60)].join(':')
  const fraction = tenths % 10 === 0 ? '' : `.${tenths % 10}`
  return `${seconds < 0 && tenths > 0 ? '-' : ''}${clock}${fraction}`
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0')
}
