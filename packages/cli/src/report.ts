import type { PoolingPlan, StillCrops, VideoFacts, VideoPlan } from '@longtake/core'
import type { AnswerResult, FrameWeight } from '@longtake/runtime'

/** What `longtake ask --json` prints. Times in seconds, timings in milliseconds. */
export interface AnswerReport {
  readonly answer: string
  readonly model: string
  readonly video: VideoReport
  readonly plan: PlanReport
  /** Every sampled frame in time order; the weights add up to 1, and so does `relevance` where pooling is guided. */
  readonly frames: readonly FrameWeight[]
  readonly usage: { readonly promptTokens: number; readonly completionTokens: number }
  /** `firstToken` counts from the question; `total` is everything from opening the video to the last token. */
  readonly timings: Readonly<
    Record<'open' | 'decode' | 'encode' | 'prefill' | 'firstToken' | 'total', number>
  >
  /** What should be known of the plan and of the answer. */
  readonly notes: readonly string[]
}

export interface VideoReport {
  readonly duration: number
  readonly width: number
  readonly height: number
  readonly codec: string
}

export interface PlanReport {
  readonly frames: number
  readonly clips: number
  /** Frames that go with each question, where the model runs elsewhere. */
  readonly sent?: number
  readonly visualTokens: number
  readonly contextTokens: number
  readonly rope: { readonly type: string; readonly scale: number }
  /** How visual tokens are merged, and how many there are after and before; null where all are kept. */
  readonly pooling: Omit<PoolingPlan, 'temperature'> | null
  readonly kvCache: { readonly type: string; readonly bytes: number }
  readonly sampling: string
}

/** What `longtake plan --json` prints. */
export interface PlanDetails {
  readonly model: string
  readonly video: VideoReport
  readonly plan: PlanReport & {
    readonly layout: string
    readonly prefill: { readonly steps: number; readonly tokensPerStep: number }
    readonly timestamps: readonly number[]
    /** How each image is cut into tiles, where the model cuts images. */
    readonly crops?: readonly StillCrops[]
  }
  readonly notes: readonly string[]
}

export function reportAnswer(
  model: string,
  video: { readonly facts: VideoFacts; readonly plan: VideoPlan },
  result: AnswerResult,
): AnswerReport {
  const { promptTokens, completionTokens } = result.usage
  const { open, decode, encode, prefill, firstToken } = result.timings
  return {
    answer: result.text,
    model,
    video: reportVideo(video.facts),
    plan: reportPlan(video.plan),
    frames: result.frames,
    usage: { promptTokens, completionTokens },
    timings: {
      open: tenths(open),
      decode: tenths(decode),
      encode: tenths(encode),
      prefill: tenths(prefill),
      firstToken: tenths(firstToken),
      total: tenths(wholeTime(result)),
    },
    notes: [...video.plan.notes, ...result.notes],
  }
}

/** Milliseconds from opening the video to the last token. */
export function wholeTime({ timings }: AnswerResult): number {
  return timings.open + timings.decode + timings.encode + timings.prefill + timings.total
}

function reportVideo(facts: VideoFacts): VideoReport {
  const { durationSeconds, width, height, codec } = facts
  return { duration: durationSeconds, width, height, codec }
}

function reportPlan(plan: VideoPlan): PlanReport {
  return {
    frames: plan.frames,
    clips: plan.clips.length,
    ...(plan.sent !== undefined && { sent: plan.sent }),
    visualTokens: plan.visualTokens,
    contextTokens: plan.contextTokens,
    rope: { type: plan.rope.type, scale: plan.rope.scale },
    pooling: reportPooling(plan.pooling),
    kvCache: { type: plan.kvCache.type, bytes: plan.kvCache.bytes },
    sampling: plan.sampling,
  }
}

function reportPooling(pooling: PoolingPlan | null): PlanReport['pooling'] {
  if (pooling === null) return null
  const { method, kernel, stride, grid, shape, tokens, tokensBefore } = pooling
  return { method, kernel, stride, grid, shape, tokens, tokensBefore }
}

export function reportPlanDetails(
  model: string,
  facts: VideoFacts,
  plan: VideoPlan,
  notes: readonly string[],
): PlanDetails {
  return {
    model,
    video: reportVideo(facts),
    plan: {
      ...reportPlan(plan),
      layout: plan.layout,
      prefill: { steps: plan.prefillChunks, tokensPerStep: plan.prefillChunk },
      timestamps: plan.timestamps,
      ...(plan.crops && { crops: plan.crops }),
    },
    notes,
  }
}

function tenths(milliseconds: number): number {
  return Math.round(milliseconds * 10) / 10
}
