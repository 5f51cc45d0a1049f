import type { VideoPlan } from '@longtake/core'
import type { FamilyModel } from '../checkpoint/families/family.js'
import type { FeatureLayout } from '../features/types.js'
import { encoderPlan } from './encoder-plan.js'

/**
 * What is kept of a video's frames, and of the tiles of still images, in the order of the context: `projected`, the tokens as the decoder takes them,
 * without the class token where they are pooled; and where the question guides the pooling, `alignment`, each patch
 * in the space that it shares with texts.
 */
export function featureLayout({ spec, guide }: FamilyModel, plan: VideoPlan): FeatureLayout {
  const { pooling } = plan
  const { frames } = encoderPlan(plan)
  const [rows, columns] = spec.encoder.grid
  const tokens = pooling === null ? spec.encoder.tokensPerFrame : rows * columns
  const projected = { name: 'projected', floatsPerFrame: tokens * spec.decoder.hiddenSize }
  if (pooling?.method !== 'guided' || guide === undefined) return { frames, blocks: [projected] }
  const floatsPerFrame = rows * columns * guide.alignment.alignmentSize
  return { frames, blocks: [projected, { name: 'alignment', floatsPerFrame }] }
}
