import { formatTimestamp, type VideoFacts, type VideoPlan } from '@longtake/core'
import type { AnswerResult, FrameWeight } from '@longtake/runtime'
import { mattered } from '@longtake/runtime/video'
import { joinStills, pictureName } from './stills.js'

/** Most moments that are named under an answer. */
const MAX_MOMENTS = 3

/** Bytes for people: `1.3 MB`. */
export function formatBytes(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB']
  const power = bytes < 1000 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), units.length - 1)
  return `${power === 0 ? bytes : (bytes / 1000 ** power).toFixed(1)} ${units[power]}`
}

/** Large numbers for people: `7.4 billion`. */
export function formatCount(amount: number): string {
  const words = ['', ' thousand', ' million', ' billion', ' trillion']
  const power = amount < 1000 ? 0 : Math.min(Math.floor(Math.log10(amount) / 3), words.length - 1)
  return `${power === 0 ? amount : (amount / 1000 ** power).toFixed(1)}${words[power]}`
}

/** `1 clip`, `4 clips`. */
export function count(amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? '' : 's'}`
}

/** Milliseconds for people: `0.42 s`. */
function formatMilliseconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`
}

/** The video in a line. */
export function describeVideo(facts: VideoFacts): string {
  const rate =
    facts.framesPerSecond === undefined ? '' : `, ${round(facts.framesPerSecond)} pictures a second`
  const { stills = 1, durationSeconds } = facts
  const length =
    durationSeconds > 0 ? formatTimestamp(durationSeconds) : stills === 1 ? 'a still' : `${stills} stills`
  return `${length}, ${facts.width}×${facts.height}, ${facts.codec}${rate}`
}

/** What an answer rests on and took, in a line. */
export function describeAnswer(
  { plan, facts }: { plan: Pick<VideoPlan, 'frames' | 'sent'>; facts: Pick<VideoFacts, 'stills'> },
  result: AnswerResult,
  milliseconds: number,
): string {
  // What a model behind an API looked at of what was sent is not known.
  const moments = plan.sent === undefined ? keyMoments(joinStills(facts, result.frames)) : []
  const nameOf = facts.stills === undefined ? formatTimestamp : pictureName
  const where = moments.map(({ timestamp, weight }) => `${nameOf(timestamp)} (${Math.round(weight * 100)} %)`)
  const tokens = `${result.usage.promptTokens}+${result.usage.completionTokens} tokens`
  const frames =
    plan.sent === undefined
      ? count(plan.frames, 'frame')
      : `sent ${plan.sent} of ${count(plan.frames, 'frame')}`
  const parts = [frames, tokens, formatMilliseconds(milliseconds)]
  const cut = result.finishReason === 'length' ? ['ended at the token limit'] : []
  return [...(where.length > 0 ? [`looked at ${where.join(', ')}`] : []), ...parts, ...cut].join(' · ')
}

/** The frames or pictures that stand out, at most three of them, in time order. */
function keyMoments(frames: readonly FrameWeight[]): FrameWeight[] {
  const marked = mattered(frames.map(({ weight }) => weight))
  return frames
    .filter((_, index) => marked.includes(index))
    .toSorted((a, b) => b.weight - a.weight)
    .slice(0, MAX_MOMENTS)
    .toSorted((a, b) => a.index - b.index)
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
