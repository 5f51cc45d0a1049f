import type { VideoPlan } from '@longtake/core'
import type { FamilyModel } from '../checkpoint/families/family.js'
import type { FeatureLayout } from '../features/index.js'

/**
 * What is kept of a video's frames, in the order of the context: `projected`, the tokens as the decoder takes them,
 * without the class token where they are pooled; and where the question guides the pooling, `alignment`, each patch
 * in the space that it shares with texts.
 */
export function featureLayout({ spec, guide }: FamilyModel, { frames, pooling }: VideoPlan): FeatureLayout {
  const [rows, columns] = spec.encoder.grid
  const tokens = pooling === null ? spec.encoder.tokensPerFrame : rows * columns
  const projected = { name: 'projected', floatsPerFrame: tokens * spec.decoder.hiddenSize }
  if (pooling?.method !== 'guided' || guide === undefined) return { frames, blocks: [projected] }
  const floatsPerFrame = rows * columns * guide.alignment.alignmentSize
  return { frames, blocks: [projected, { name: 'alignment', floatsPerFrame }] }
}
