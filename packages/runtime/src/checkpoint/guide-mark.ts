import type { TensorSource } from '@longtake/kernels'
import { PROJECTOR_PREFIXES } from './families/shared.js'

/** The tensor that only checkpoints with a text guide have, below the projector's prefix. */
export const MARK = 'clip_visual_projection.weight'

/** Whether a checkpoint has a text guide. */
export function hasGuide(source: TensorSource): boolean {
  return PROJECTOR_PREFIXES.some((prefix) => source.has(prefix + MARK))
}
