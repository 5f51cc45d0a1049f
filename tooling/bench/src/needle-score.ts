import { EngineError } from '@longtake/core'
import type { NeedleReport, WatchedNeedle } from './needle-job.js'
import { median, type Spread, spreadOf } from './statistics.js'

/** One length and one place of the needle. */
export interface NeedleCell {
  readonly minutes: number
  /** Share of the video's length. */
  readonly position: number
  /** 0 to 1. */
  readonly accuracy: number
  readonly answers: number
  readonly contextTokens: number
  readonly visualTokens: number
  readonly frames: number
  /** Most memory of the process that watched all videos of this length. */
  readonly peakBytes: number
  /** Watching and the first answer: median over the videos. */
  readonly seconds: number
}

/** Everything of one length that does not depend on the needle's place. */
export interface NeedleLength {
  readonly minutes: number
  /** Seconds between two sampled frames. */
  readonly intervalSeconds: number
  readonly frames: number
  readonly visualTokens: number
  readonly contextTokens: number
  readonly peakBytes: number
  /** Watching and the first answer. */
  readonly seconds: Spread
  /** A further answer on a watched video. */
  readonly followUpSeconds: Spread
  readonly videos: number
}

/** The first question against another one on the same video, and against another process. */
export interface FollowUp {
  readonly minutes: number
  readonly repetitions: number
  /** Watching and the first answer, nothing cached. */
  readonly firstSeconds: Spread
  /** Another question on the watched video. */
  readonly followUpSeconds: Spread
  /** Watching and the first answer in a process that finds the features on disk. */
  readonly cachedSeconds: Spread
  /** How many times sooner than the first: medians. */
  readonly ratio: number
  readonly cachedRatio: number
}

/** Adds up one length's answers by the needle's place. */
export function scoreLength(minutes: number, { watched, peakBytes }: NeedleReport): readonly NeedleCell[] {
  const answers = watched.flatMap((video) => video.answers)
  const { frames, visualTokens, contextTokens, seconds } = describeLength(minutes, { watched, peakBytes })
  return [...new Set(answers.map(({ position }) => position))].map((position) => {
    const here = answers.filter((answer) => answer.position === position)
    return {
      minutes,
      position,
      accuracy: here.filter(({ isRight }) => isRight).length / here.length,
      answers: here.length,
      ...{ contextTokens, visualTokens, frames, peakBytes, seconds: seconds.median },
    }
  })
}

export function describeLength(
  minutes: number,
  { watched, peakBytes }: Pick<NeedleReport, 'watched' | 'peakBytes'>,
): NeedleLength {
  const medianOf = (field: 'intervalSeconds' | 'frames' | 'visualTokens'): number =>
    median(watched.map((video) => video[field]))
  return {
    minutes,
    intervalSeconds: medianOf('intervalSeconds'),
    frames: medianOf('frames'),
    visualTokens: medianOf('visualTokens'),
    contextTokens: Math.max(...watched.map((video) => video.contextTokens)),
    peakBytes,
    seconds: spreadOf(watched.map(({ firstSeconds }) => firstSeconds)),
    followUpSeconds: spreadOf(watched.flatMap(({ followUpSeconds }) => followUpSeconds)),
    videos: watched.length,
  }
}

/**
 * Compares the process that watched first with the one that found the features on disk.
 *
 * @throws {EngineError} `ENGINE_FAILED` if their answers differ: then there is nothing to compare.
 */
export function scoreFollowUp(
  minutes: number,
  fresh: readonly WatchedNeedle[],
  cached: readonly WatchedNeedle[],
): FollowUp {
  const texts = (watched: readonly WatchedNeedle[]): string =>
    JSON.stringify(watched.map(({ answers }) => answers.map(({ text }) => text)))
  if (texts(fresh) !== texts(cached)) {
    throw new EngineError(
      'ENGINE_FAILED',
      'Answers from the cache differ from those without: nothing to time.',
    )
  }
  const firstSeconds = spreadOf(fresh.map((video) => video.firstSeconds))
  const followUpSeconds = spreadOf(fresh.flatMap((video) => video.followUpSeconds))
  const cachedSeconds = spreadOf(cached.map((video) => video.firstSeconds))
  return {
    minutes,
    repetitions: fresh.length,
    firstSeconds,
    followUpSeconds,
    cachedSeconds,
    ratio: firstSeconds.median / followUpSeconds.median,
    cachedRatio: firstSeconds.median / cachedSeconds.median,
  }
}
