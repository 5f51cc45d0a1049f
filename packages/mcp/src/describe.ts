import { formatTimestamp, type VideoFacts, type VideoPlan } from '@longtake/core'
import { type AnswerResult, mattered, type WatchedVideo } from '@longtake/runtime'

/** The answer, and when what it rests on is seen. */
export function answerText(result: AnswerResult, video: WatchedVideo): string {
  const notes = [...video.plan.notes, ...result.notes].map((note) => `Note: ${note}`)
  return [result.text, ...restsOn(result, video), ...notes].join('\n')
}

function restsOn(result: AnswerResult, video: WatchedVideo): readonly string[] {
  const times = matteredFrames(result, video)
    .map(({ timestamp, weight }) => `${formatTimestamp(timestamp)} (${Math.round(weight * 100)} %)`)
    .join(', ')
  // What a model behind an API read of what it was sent is not known.
  if (video.plan.sent !== undefined) return times === '' ? [] : [`Sent as most relevant: ${times}.`]
  return times === '' ? ['Rests on the whole video alike.'] : [`Rests on: ${times}.`]
}

/** The same for programs. */
export function evidence(result: AnswerResult, video: WatchedVideo) {
  const { text: answer, usage, finishReason } = result
  const { durationSeconds, width, height } = video.facts
  const frames = matteredFrames(result, video).map(({ timestamp, weight }) => ({ timestamp, weight }))
  return {
    answer,
    finishReason,
    frames,
    framesWatched: result.frames.length,
    video: { durationSeconds, width, height },
    usage: { ...usage },
  }
}

export function planText(plan: VideoPlan, { durationSeconds, width, height }: VideoFacts): string {
  const facts = `${formatTimestamp(durationSeconds)} long, ${width} × ${height} pixels.`
  const cost = `${plan.frames} frames, ${plan.visualTokens} visual tokens, ${plan.contextTokens} tokens of context.`
  return [facts, cost, ...plan.notes.map((note) => `Note: ${note}`)].join('\n')
}

export function storyboardText({ timestamps }: WatchedVideo): string {
  return `${timestamps.length} frames, from ${formatTimestamp(timestamps[0] ?? 0)} to ${formatTimestamp(timestamps.at(-1) ?? 0)}.`
}

function matteredFrames({ frames }: AnswerResult, { plan }: WatchedVideo) {
  const areAlike = plan.sent !== undefined && frames.every(({ relevance }) => relevance === undefined)
  if (areAlike) return []
  const chosen = mattered(frames.map(({ weight }) => weight))
  return frames.filter((_, index) => chosen.includes(index))
}
