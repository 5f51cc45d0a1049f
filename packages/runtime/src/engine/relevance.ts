import type { VideoPlan } from '@longtake/core'
import type { FrameWeight } from './answer.js'
import type { AttentionMap } from './context.js'
import { framesInContext } from './encode.js'
import { windowsOf } from './window-weights.js'

/**
 * What an answer reads of each visual token: the attention that the prompt's last token, whose state chooses the
 * answer's first token, pays to it; the mean over all heads, and over all layers or those of the one layer that the
 * checkpoint names; scaled so that all visual tokens add up to 1.
 *
 * Attention rather than similarity of features, because it costs one step that is run anyway, follows the question,
 * and is what the decoder really read. The first token, because short answers are decided there.
 *
 * @param visualTokens - Those of frames; what follows the last frame is of none.
 * @param attention - Of each layer that counts, `[1, tokens]`: the mean over its heads.
 * @param visualStart - Place of the first visual token.
 * @returns `[visualTokens]`. Without attention every token counts the same.
 */
export function attentionToVideo(
  visualTokens: number,
  attention: readonly AttentionMap[],
  visualStart: number,
): Float64Array {
  const sums = new Float64Array(visualTokens)
  for (const { dims, data } of attention) {
    const tokens = dims.at(-1)!
    for (let row = 0; row < data.length; row += tokens) {
      for (let token = 0; token < visualTokens; token++) sums[token]! += data[row + visualStart + token]!
    }
  }
  const total = sums.reduce((sum, value) => sum + value, 0)
  return total > 0 ? sums.map((value) => value / total) : sums.fill(1 / visualTokens)
}

/**
 * How much an answer rests on each frame: the attention to its visual tokens. What is paid to a pooled token goes to
 * the patches it was pooled from, by their weights in the window, and so to their frames.
 *
 * @param tokens - `attentionToVideo`, `[visualTokens]`.
 * @param relevance - The guide's weights, `[F · H · W]` with frames in the order of the context; absent without it.
 * @returns In time order.
 */
export function weighFrames(
  plan: VideoPlan,
  tokens: Float64Array,
  relevance: Float32Array | undefined,
  timestamps: readonly number[],
): FrameWeight[] {
  const places = framesInContext(plan)
  const weights = inTime(
    places,
    plan.pooling ? pooledWeights(plan.pooling, tokens, relevance) : unpooledWeights(plan, tokens),
  )
  const shares = relevance && inTime(places, sums(relevance, plan.frames))
  return Array.from(weights, (weight, index) => ({
    index,
    timestamp: timestamps[index]!,
    weight,
    ...(shares && { relevance: shares[index]! }),
  }))
}

/** Attention of each frame, in the order of the context. */
function pooledWeights(
  pooling: NonNullable<VideoPlan['pooling']>,
  tokens: Float64Array,
  relevance: Float32Array | undefined,
): Float64Array {
  const [frames, rows, columns] = pooling.grid
  const weights = new Float64Array(frames)
  for (const { index, members, weights: inside } of windowsOf(pooling, relevance)) {
    for (const [at, member] of members.entries()) {
      weights[Math.floor(member / (rows * columns))]! += tokens[index]! * inside[at]!
    }
  }
  return weights
}

/** Of images that are cut, line breaks count as the image's. */
function unpooledWeights({ frames, crops }: VideoPlan, tokens: Float64Array): Float64Array {
  if (crops === undefined) return sums(tokens, frames)
  let start = 0
  return Float64Array.from(crops, ({ tokens: count }) => {
    start += count
    return tokens.subarray(start - count, start).reduce((sum, value) => sum + value, 0)
  })
}

/** Sums of as many equal parts. */
function sums(values: Float64Array | Float32Array, parts: number): Float64Array {
  const size = values.length / parts
  const result = new Float64Array(parts)
  for (const [at, value] of values.entries()) result[Math.floor(at / size)]! += value
  return result
}

/** From the order of the context to time order. */
function inTime(places: readonly number[], values: Float64Array): Float64Array {
  const result = new Float64Array(values.length)
  for (const [place, frame] of places.entries()) result[frame] = values[place]!
  return result
}
