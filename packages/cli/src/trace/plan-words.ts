import { formatTimestamp, type PoolingPlan } from '@longtake/core'
import { formatBytes } from '../describe.js'
import { isGuided } from './frame-facts.js'
import { counted, grouped, type TraceData } from './trace-data.js'

/** What happened, in a few plain sentences. */
export function planSentences(data: TraceData): string {
  return [sampling(data), pooling(data), context(data)].join(' ')
}

/** One number that a plan is known by, with its name. */
export interface PlanFigure {
  readonly name: string
  readonly value: string
  readonly detail: string
}

/** The plan in numbers. */
export function planFigures({ plan }: TraceData): PlanFigure[] {
  const { pooling, rope, kvCache } = plan
  const share = pooling && Math.max(0, 1 - pooling.tokens / pooling.tokensBefore)
  return [
    { name: 'frames', value: grouped(plan.frames), detail: counted(plan.clips.length, 'clip') },
    pooling
      ? {
          name: 'visual tokens',
          value: `${grouped(pooling.tokensBefore)} → ${grouped(pooling.tokens)}`,
          detail: `${((share ?? 0) * 100).toFixed(1)} % fewer`,
        }
      : { name: 'visual tokens', value: grouped(plan.visualTokens), detail: 'not pooled' },
    {
      name: 'context',
      value: grouped(plan.contextTokens),
      detail: 'tokens for video, question and answer',
    },
    {
      name: 'RoPE',
      value: rope.scale > 1 ? `${rope.scale.toFixed(2)}×` : 'as trained',
      detail: rope.scale > 1 ? `positions stretched, ${rope.type}` : 'positions not stretched',
    },
    { name: 'KV cache', value: formatBytes(kvCache.bytes), detail: kvCache.type },
  ]
}

/** A pooling window in words: `2 frames × 3 × 3 patches`. */
export function windowSize({ kernel }: PoolingPlan): string {
  return `${counted(kernel[0], 'frame')} × ${kernel[1]} × ${kernel[2]} patches`
}

function sampling({ plan, facts }: TraceData): string {
  if (facts.stills !== undefined) return `${counted(facts.stills, 'picture')} were looked at.`
  const from = facts.durationSeconds > 0 ? ` of ${formatTimestamp(facts.durationSeconds)}` : ''
  const clips = plan.clips.length > 1 ? ` and encoded in ${grouped(plan.clips.length)} clips` : ''
  return `${counted(plan.frames, 'frame')} were taken from a video${from}${clips}.`
}

function pooling(data: TraceData): string {
  const { pooling } = data.plan
  if (pooling === null)
    return `All ${grouped(data.plan.visualTokens)} visual tokens entered the language model’s context; nothing was pooled.`
  const before = grouped(pooling.tokensBefore)
  const after = grouped(pooling.tokens)
  const how = isGuided(data)
    ? 'weighted by how well each patch matches the question'
    : pooling.method === 'max'
      ? 'by the largest value, whatever the question'
      : 'all patches alike, whatever the question'
  return `All their patches would fill ${before} tokens; pooling windows of ${windowSize(pooling)}, ${how}, made ${after} of them.`
}

function context({ plan }: TraceData): string {
  const rope =
    plan.rope.scale > 1
      ? `Positions were stretched ${plan.rope.scale.toFixed(2)} times (RoPE, ${plan.rope.type}) to hold a context of ${grouped(plan.contextTokens)} tokens`
      : `The context of ${grouped(plan.contextTokens)} tokens is within what the model was trained on`
  return `${rope}, and the KV cache took ${formatBytes(plan.kvCache.bytes)} (${plan.kvCache.type}).`
}
