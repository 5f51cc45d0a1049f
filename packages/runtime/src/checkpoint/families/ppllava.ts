import type { BtAdapterConfig, VisionConfig } from '@longtake/kernels'
import type { Fields } from '../fields.js'

/** Frames and tokens that PPLLaVA was published with. */
export const PPLLAVA_DEFAULTS = { frames: 32, tokenBudget: 1024 }

/** Rows of the branch's time table, and layers that it stands beside, in the released configuration. */
const TIME_ROWS = 64
const BRANCH_LAYERS = 4
/** Rows of a time table: above any video that a branch was trained on. */
const MAX_TIME_ROWS = 65_536

/**
 * PPLLaVA's temporal branch; undefined where there is none. The original writes its sizes into the tower's config too,
 * as `depth` and `max_T`.
 */
export function readBranch(fields: Fields, tower: Fields): BtAdapterConfig | undefined {
  const rows = { min: 1, max: MAX_TIME_ROWS }
  const innerDepth = tower.integer('depth', { default: BRANCH_LAYERS, min: 1, max: 1024 })
  const innerRows = tower.integer('max_T', { default: TIME_ROWS, ...rows })
  const depth = fields.integer('btadapter_depth', { default: innerDepth, min: 1, max: 1024 })
  const frames = fields.integer('max_T', { default: innerRows, ...rows })
  return fields.boolean('btadapter', false) ? { depth, frames } : undefined
}

/** `frame_shape` repeats the tower's grid; another one would mean another tower. */
export function checkFrameShape(fields: Fields, { imageSize, patchSize }: VisionConfig): void {
  const side = Math.floor(imageSize / patchSize)
  const shape = fields.numbers('frame_shape', 2, [side, side])
  if (shape.every((size) => size === side)) return
  throw fields.invalid('frame_shape', `[${side}, ${side}], the tower's patches`)
}
