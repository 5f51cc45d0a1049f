import type { VideoFacts, VideoPlan } from '@longtake/core'
import type { AnswerTrace, FrameWeight, PictureRegion } from '@longtake/runtime'

/** Everything that a trace page tells. */
export interface TraceData {
  /** File names or paths, as they were given. */
  readonly files: readonly string[]
  readonly model: string
  readonly question: string
  readonly answer: string
  readonly facts: VideoFacts
  readonly plan: VideoPlan
  /** What the plan and the answer want to be known. */
  readonly notes: readonly string[]
  /** Every sampled frame, in time order. */
  readonly frames: readonly FrameWeight[]
  /** Absent where tokens were not pooled: then there is less to tell. */
  readonly trace: AnswerTrace | undefined
  /** From opening the video to the last word. */
  readonly milliseconds: number
  /** A PNG file of a frame. */
  readonly picture: (index: number) => Promise<Uint8Array>
  /** The part of a frame that the encoder sees. */
  readonly seen: (index: number) => PictureRegion
}

/** Keeps a number and its sign on one line. */
const NO_BREAK = '\u00a0'

/** Share of the question's relevance or of the answer's attention, for people: `34 %`, `0.2 %`. */
export function percent(share: number): string {
  const value = share * 100
  if (value === 0) return `0${NO_BREAK}%`
  if (value < 0.05) return `under${NO_BREAK}0.1${NO_BREAK}%`
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)}${NO_BREAK}%`
}

/** `1 frame`, `1,024 frames`. */
export function counted(amount: number, noun: string): string {
  return `${grouped(amount)} ${noun}${amount === 1 ? '' : 's'}`
}

/** Whole numbers for people: `18,432`. */
export function grouped(amount: number): string {
  return amount.toLocaleString('en-US')
}

/** Step of a colour scale of ten, from a heat of 0 to 1. The root lets small differences be seen. */
export function level(heat: number): number {
  return Math.round(9 * Math.sqrt(Math.min(1, Math.max(0, heat))))
}
