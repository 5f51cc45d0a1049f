import type { PoolingPlan, Triple, VideoPlan } from '@longtake/core'
import type { VideoReading } from './conversation.js'
import { framesInContext } from './encode.js'
import { windowsOf } from './window-weights.js'

/** One pooling window, and what was made of it. */
export interface TraceWindow {
  /** Places in the context's order of frames, the end excluded; see `AnswerTrace.order`. */
  readonly frames: readonly [first: number, endExclusive: number]
  /** Its first patch. */
  readonly row: number
  readonly column: number
  /** What the answer's first token read of the pooled token: 0 to 1, all windows add up to 1. */
  readonly attention: number
  /** What each patch weighs within the window, `[k]`, frames first, then rows, then columns; adds up to 1. */
  readonly members: Float32Array
}

/** How an answer came about. Frames are in the order of the context, which is time order but for layout `unordered`. */
export interface AnswerTrace {
  readonly question: string
  /** The text around the video. */
  readonly prompt: { readonly before: string; readonly after: string }
  /** `[F, H, W]` patches. */
  readonly grid: Triple
  /** Index of the sampled frame at each place, `[F]`. */
  readonly order: readonly number[]
  /** The guide's weight of each patch, `[F · H · W]`, adding up to 1; empty where pooling is not guided. */
  readonly relevance: Float32Array
  /** Cosine of each patch and the question, `[F · H · W]`; empty where pooling is not guided. */
  readonly cosine: Float32Array
  /** In the order of the visual tokens. */
  readonly windows: readonly TraceWindow[]
  readonly pooling: PoolingPlan
  /** Tokens of the question, as the guide counts them; 0 without it. */
  readonly textTokens: number
  /** Parts in which the guide read the question; 0 without it. */
  readonly guideSegments: number
}

/**
 * Describes an answer of a pooled video.
 *
 * @param attention - What was read of each visual token, adding up to 1.
 */
export function traceAnswer(
  plan: VideoPlan & { readonly pooling: PoolingPlan },
  asked: Pick<AnswerTrace, 'question' | 'prompt'>,
  { guide }: VideoReading,
  attention: Float64Array,
): AnswerTrace {
  const { pooling } = plan
  const windows: TraceWindow[] = []
  for (const { index, frame, row, column, weights } of windowsOf(pooling, guide?.relevance)) {
    windows.push({
      frames: [frame, frame + pooling.kernel[0]],
      row,
      column,
      attention: attention[index]!,
      members: Float32Array.from(weights),
    })
  }
  return {
    ...asked,
    grid: pooling.grid,
    order: framesInContext(plan),
    relevance: guide?.relevance ?? new Float32Array(0),
    cosine: guide?.cosine ?? new Float32Array(0),
    windows,
    pooling,
    textTokens: guide?.textTokens ?? 0,
    guideSegments: guide?.segments ?? 0,
  }
}
