import type { VideoPlan } from '@longtake/core'
import type { FrameWeight } from './answer.js'
import type { AttentionMap } from './context.js'
import { framesInContext } from './encode.js'

/**
 * How much an answer rests on each frame: the attention that the prompt's last token, whose state chooses the
 * answer's first token, pays to each frame's visual tokens; the mean over all heads, and over all layers or those of the
 * one layer that the checkpoint names; scaled so that all frames add up to 1.
 *
 * Attention rather than similarity of features, because it costs one step that is run anyway, follows the question,
 * and is what the decoder really read. The first token, because short answers are decided there.
 *
 * @param attention - Of each layer that counts, `[1, tokens]`: the mean over its heads.
 * @param visualStart - Place of the first visual token.
 * @returns In time order. Without attention every frame weighs the same.
 */
export function weighFrames(
  plan: VideoPlan,
  attention: readonly AttentionMap[],
  visualStart: number,
  timestamps: readonly number[],
): FrameWeight[] {
  const weights = new Float64Array(plan.frames)
  const tokensPerFrame = plan.visualTokens / plan.frames
  const places = framesInContext(plan)
  for (const { dims, data } of attention) {
    const tokens = dims.at(-1)!
    for (let row = 0; row < data.length; row += tokens) {
      for (let token = 0; token < plan.visualTokens; token++) {
        weights[places[Math.floor(token / tokensPerFrame)]!]! += data[row + visualStart + token]!
      }
    }
  }
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return Array.from(weights, (weight, index) => ({
    index,
    timestamp: timestamps[index]!,
    weight: total > 0 ? weight / total : 1 / plan.frames,
  }))
}
