import type { VideoFacts, VideoPlan } from '@longtake/core'
import type { AnswerResult } from '@longtake/runtime'

/** What is told of a watched video, under the names of `longtake ask --json`. Seconds, pixels, bytes. */
export type VideoReport = {
  readonly video: {
    readonly duration: number
    readonly width: number
    readonly height: number
    readonly codec: string
  }
  readonly plan: {
    readonly frames: number
    readonly clips: number
    readonly visualTokens: number
    readonly contextTokens: number
    readonly rope: { readonly type: string; readonly scale: number }
    readonly pooling: {
      readonly method: string
      readonly kernel: readonly number[]
      readonly tokens: number
    } | null
    readonly kvCache: { readonly type: string; readonly bytes: number }
    readonly sampling: string
  }
  readonly notes: readonly string[]
}

/** What is told of an answer. Timings in milliseconds. */
export type AnswerReport = VideoReport & {
  readonly text: string
  readonly finishReason: 'stop' | 'length'
  readonly usage: {
    readonly promptTokens: number
    readonly visualTokens: number
    readonly completionTokens: number
  }
  /** Every sampled frame in time order; the weights add up to 1. */
  readonly frames: readonly { readonly index: number; readonly timestamp: number; readonly weight: number }[]
  readonly timings: Readonly<
    Record<'open' | 'decode' | 'encode' | 'prefill' | 'firstToken' | 'total', number>
  >
}

export function reportVideo({
  facts,
  plan,
}: {
  readonly facts: VideoFacts
  readonly plan: VideoPlan
}): VideoReport {
  const { durationSeconds: duration, width, height, codec } = facts
  const { frames, clips, visualTokens, contextTokens, rope, pooling, kvCache, sampling, notes } = plan
  return {
    video: { duration, width, height, codec },
    plan: {
      frames,
      clips: clips.length,
      visualTokens,
      contextTokens,
      rope: { type: rope.type, scale: rope.scale },
      pooling: pooling && { method: pooling.method, kernel: [...pooling.kernel], tokens: pooling.tokens },
      kvCache: { type: kvCache.type, bytes: kvCache.bytes },
      sampling,
    },
    notes: [...notes],
  }
}

export function reportAnswer(
  video: { readonly facts: VideoFacts; readonly plan: VideoPlan },
  { text, finishReason, usage, frames, timings, notes }: AnswerResult,
): AnswerReport {
  const { open, decode, encode, prefill, firstToken, total } = timings
  const { promptTokens, visualTokens, completionTokens } = usage
  const report = reportVideo(video)
  return {
    ...report,
    text,
    finishReason,
    usage: { promptTokens, visualTokens, completionTokens },
    frames: frames.map(({ index, timestamp, weight }) => ({ index, timestamp, weight })),
    timings: { open, decode, encode, prefill, firstToken, total },
    notes: [...report.notes, ...notes],
  }
}
