import { CheckpointError } from '@longtake/core'
import type { VisionConfig } from '@longtake/kernels'
import type { CheckpointJson } from './families/family.js'

/** `[height, width]` pixels. */
export type Resolution = readonly [height: number, width: number]

/** What LLaVA-NeXT's config and processor say where their files are silent. */
const DEFAULT_PINPOINTS = [
  [336, 672],
  [672, 336],
  [672, 672],
  [1008, 336],
  [336, 1008],
]

const FIELD = 'image_grid_pinpoints'
/** Resolutions of one list: published ones have 5 to 36. */
const MAX_RESOLUTIONS = 256
/** Tiles of one image: published resolutions have at most 36. */
const MAX_TILES = 256

/**
 * The resolutions that still images are cut at: the model's and its processor's, which have to be the same.
 *
 * @throws {CheckpointError} Naming the file and the field, if one is not whole tiles of the tower's size, if there are
 *   none or far too many, or if the two files differ.
 */
export function readPinpoints(json: CheckpointJson, { imageSize }: VisionConfig): readonly Resolution[] {
  const ofModel = json.config[FIELD] ?? undefined
  const ofProcessor = json.preprocessor?.[FIELD] ?? undefined
  const model = ofModel === undefined ? undefined : checkPinpoints(ofModel, imageSize, 'config.json')
  const processor =
    ofProcessor === undefined ? undefined : checkPinpoints(ofProcessor, imageSize, 'preprocessor_config.json')
  if (model && processor && JSON.stringify(model) !== JSON.stringify(processor)) {
    throw new CheckpointError(
      'CHECKPOINT_INVALID',
      `config.json and preprocessor_config.json: ${FIELD} must be the same list, found ${show(ofModel)} and ${show(ofProcessor)}.`,
    )
  }
  return model ?? processor ?? checkPinpoints(DEFAULT_PINPOINTS, imageSize, 'config.json (its default)')
}

function checkPinpoints(value: unknown, imageSize: number, file: string): Resolution[] {
  const refuse = (requirement: string, found: unknown): CheckpointError =>
    new CheckpointError(
      'CHECKPOINT_INVALID',
      `${file}: ${FIELD} must be ${requirement}, found ${show(found)}.`,
    )
  if (!Array.isArray(value) || value.length === 0) throw refuse('a list of resolutions', value)
  if (value.length > MAX_RESOLUTIONS) throw refuse(`at most ${MAX_RESOLUTIONS} resolutions`, value.length)
  return value.map((item: unknown): Resolution => {
    const edges = Array.isArray(item) && item.length === 2 ? item : []
    const [rows, columns] = edges.map((edge: unknown) => (typeof edge === 'number' ? edge / imageSize : 0))
    const whole = (tiles: number | undefined): tiles is number => Number.isSafeInteger(tiles) && tiles! >= 1
    if (!whole(rows) || !whole(columns)) {
      throw refuse(`[height, width] in whole tiles of the tower's ${imageSize} pixels`, item)
    }
    if (rows * columns > MAX_TILES) throw refuse(`resolutions of at most ${MAX_TILES} tiles`, item)
    return [rows * imageSize, columns * imageSize]
  })
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
