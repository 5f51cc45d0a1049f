import { checkChoice, checkNumber } from './check.js'
import { InvalidOptionError, VideoError } from './errors.js'
import { MAX_SECONDS, MAX_SNAP_SHARE } from './limits.js'
import type { PlanOptions, SamplingMode } from './plan-types.js'
import type { VideoFacts } from './spec.js'
import { formatTimestamp } from './timestamps.js'

const SAMPLING_CHOICES: readonly (SamplingMode | 'auto')[] = ['auto', 'keyframe', 'exact']

/** The part of a video that is watched. */
export interface Stretch {
  /** Presentation time where it starts, seconds. */
  readonly startSeconds: number
  /** Length, seconds; 0 for a still. */
  readonly lengthSeconds: number
  /** Distinct pictures within it, where the video's facts tell. */
  readonly pictures: number | undefined
  readonly notes: readonly string[]
}

/**
 * The part of the video between `startSeconds` and `endSeconds` of the options, which count from its first picture.
 *
 * @throws {InvalidOptionError} If the part is empty or lies outside the video, or a fact is not a number.
 * @throws {VideoError} `VIDEO_EMPTY` if the video is known to have no pictures.
 */
export function chooseStretch(video: VideoFacts, options: PlanOptions): Stretch {
  const { first, duration } = checkFacts(video)
  const fromFirst = 'seconds from the first picture, 0 or more'
  const start = checkNumber('startSeconds', options.startSeconds ?? 0, fromFirst, (value) => value >= 0)
  if (start > 0 && start >= duration) {
    throw new InvalidOptionError('startSeconds', `less than the video's ${formatTimestamp(duration)}`, start)
  }
  const afterStart = `seconds, above startSeconds (${start})`
  const end =
    options.endSeconds === undefined
      ? duration
      : checkNumber('endSeconds', options.endSeconds, afterStart, (value) => value > start)
  const notes =
    end > duration
      ? [`The video ends at ${formatTimestamp(duration)}, before the end that was asked for.`]
      : []
  const length = Math.max(Math.min(end, duration) - start, 0)
  return { startSeconds: first + start, lengthSeconds: length, pictures: countPictures(video, length), notes }
}

/**
 * Whether frames are read at the nearest keyframe or at their exact time.
 *
 * Automatic: keyframes where the largest snap, half the keyframe interval, is at most `MAX_SNAP_SHARE` of the distance
 * between samples. Then every frame stays within its own span, and no two share a keyframe.
 *
 * @throws {InvalidOptionError} If the option is none of its choices.
 */
export function chooseSampling(
  video: VideoFacts,
  stretch: Stretch,
  frames: number,
  options: PlanOptions,
): { mode: SamplingMode; notes: readonly string[] } {
  const choice = checkChoice('sampling', options.sampling ?? 'auto', SAMPLING_CHOICES)
  const interval = video.keyframeIntervalSeconds
  const distance = stretch.lengthSeconds / frames
  const known = interval !== undefined && Number.isFinite(interval) && interval > 0
  const snap = known
    ? `moves a frame by up to ${shortSeconds(interval / 2)} s, of ${shortSeconds(distance)} s between frames`
    : ''
  if (choice === 'exact') return { mode: 'exact', notes: [] }
  const snapIsSmall = known && interval / 2 <= distance * MAX_SNAP_SHARE
  if (choice === 'keyframe') {
    const note = known
      ? `Keyframe sampling ${snap}.`
      : 'Keyframe sampling may move frames far: the keyframe interval is unknown.'
    return { mode: 'keyframe', notes: snapIsSmall ? [] : [note] }
  }
  if (snapIsSmall) return { mode: 'keyframe', notes: [`Frames are read at keyframes, which ${snap}.`] }
  if (stretch.lengthSeconds === 0) return { mode: 'exact', notes: [] }
  const reason = known
    ? `snapping to keyframes would ${snap.replace('moves', 'move')}`
    : 'the keyframe interval is unknown'
  return { mode: 'exact', notes: [`Frames are decoded at their exact times: ${reason}.`] }
}

/**
 * Start and length of a video, seconds.
 *
 * @throws {InvalidOptionError} If one is out of its range.
 * @throws {VideoError} `VIDEO_EMPTY` if the video is known to have no pictures.
 */
export function checkFacts(video: VideoFacts): { first: number; duration: number } {
  const first = checkNumber(
    'video.startSeconds',
    video.startSeconds,
    `seconds within ±${MAX_SECONDS}`,
    (value) => Math.abs(value) <= MAX_SECONDS,
  )
  const duration = checkNumber(
    'video.durationSeconds',
    video.durationSeconds,
    `seconds from 0 to ${MAX_SECONDS}`,
    (value) => value >= 0 && value <= MAX_SECONDS,
  )
  if (video.frameCount === 0) {
    throw new VideoError('VIDEO_EMPTY', 'The video has no pictures; choose a file whose picture track plays.')
  }
  return { first, duration }
}

function countPictures(video: VideoFacts, lengthSeconds: number): number | undefined {
  if (lengthSeconds === 0) return 1
  const { frameCount, framesPerSecond, durationSeconds } = video
  const share = lengthSeconds / durationSeconds
  const count = isCount(frameCount)
    ? frameCount * share
    : isCount(framesPerSecond)
      ? framesPerSecond * lengthSeconds
      : undefined
  return count === undefined ? undefined : Math.max(Math.round(count), 1)
}

function isCount(value: number | undefined): value is number {
  return value !== undefined && Number.isFinite(value) && value > 0
}

function shortSeconds(seconds: number): string {
  return String(Number(seconds.toPrecision(2)))
}
