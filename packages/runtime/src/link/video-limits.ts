import { VideoError, type VideoFacts } from '@longtake/core'

/** What a stranger's video may be, whatever its link costs. */
export interface VideoLimits {
  /** Default 86,400: a day. */
  readonly maxSeconds?: number | undefined
  /** Width × height of a picture. Default 33,177,600: 8K. */
  readonly maxPixels?: number | undefined
  /** Pictures in all, counted or else reckoned from rate and length. Default 20 million. */
  readonly maxPictures?: number | undefined
}

const DEFAULT_SECONDS = 86_400
const DEFAULT_PIXELS = 7680 * 4320
const DEFAULT_PICTURES = 20_000_000

/**
 * Refuses a video by its facts, before anything of it is decoded.
 *
 * @param facts - Of `openVideo`.
 * @throws {VideoError} `VIDEO_TOO_LARGE`.
 */
export function checkVideoLimits(facts: VideoFacts, limits: VideoLimits = {}): void {
  const { maxSeconds = DEFAULT_SECONDS, maxPixels = DEFAULT_PIXELS, maxPictures = DEFAULT_PICTURES } = limits
  const { durationSeconds, width, height, frameCount, framesPerSecond = 0 } = facts
  if (durationSeconds > maxSeconds) throw tooLarge(`longer than the ${maxSeconds} seconds allowed`)
  if (width * height > maxPixels)
    throw tooLarge(`one that has pictures of more than the ${maxPixels} pixels allowed`)
  if ((frameCount ?? framesPerSecond * durationSeconds) > maxPictures) {
    throw tooLarge(`one that has more than the ${maxPictures} pictures allowed`)
  }
}

function tooLarge(what: string): VideoError {
  return new VideoError('VIDEO_TOO_LARGE', `The video is ${what}.`)
}
