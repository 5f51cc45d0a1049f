import { CheckpointError } from '@longtake/core'
import { openSafetensors, openTorch, type TensorSource } from '@longtake/kernels'
import type { CheckpointFiles, RangedFile } from './checkpoint-files.js'
import type { CheckpointJson, Family, FamilyModel, FamilyParts, TensorNames } from './families/family.js'
import { llavaNext } from './families/llava-next.js'
import { llavaNextVideo } from './families/llava-next-video.js'
import { llavaOnevision } from './families/llava-onevision.js'
import { videoLlava } from './families/video-llava.js'
import { videoLlavaOriginal } from './families/video-llava-original.js'
import type { Guide } from './guide.js'
import { hasGuide } from './guide-mark.js'
import { checkTensors, joinInventories, type TensorInventory } from './tensors.js'

/** Every family that can be loaded. */
const FAMILIES: readonly Family[] = [
  videoLlava,
  videoLlavaOriginal,
  llavaNextVideo,
  llavaNext,
  llavaOnevision,
]

/** What configs and the shapes of tensors say of a checkpoint. */
export interface ReadModel {
  readonly json: CheckpointJson
  readonly model: FamilyModel
  readonly names: TensorNames
  readonly source: TensorSource
  readonly guide: Guide | undefined
  /** Tensors that are read, and those that may lie beside them; the guide's are in its own inventory. */
  readonly inventory: TensorInventory
}

/**
 * Reads a checkpoint's configs and the headers of its weight files, and compares the two. No weight and no tokenizer is
 * read.
 *
 * @throws {CheckpointError} Naming the file, field or tensor that is missing, invalid or not supported.
 */
export async function readModel<F extends RangedFile>(
  files: CheckpointFiles<F>,
): Promise<ReadModel & { readonly files: readonly F[] }> {
  const { family, json } = await readConfig(files)
  const { format, files: weights } = await files.weights()
  const source = await (format === 'torch' ? openTorch(weights) : openSafetensors(weights))
  const read = await readParts(files, family, json, source)
  const { guide, inventory } = read
  checkTensors(source, guide === undefined ? inventory : joinInventories(inventory, guide.inventory))
  return { ...read, files: weights }
}

/** The same of tensors that are known otherwise. */
export async function readParts(
  files: Pick<CheckpointFiles, 'path' | 'json'>,
  family: Family,
  json: CheckpointJson,
  source: TensorSource,
): Promise<ReadModel> {
  const parts: FamilyParts = family.read(json, hasGuide(source), source)
  const names = parts.names(source)
  const guiding = hasGuide(source) ? await import('./guide.js') : undefined
  const guide = await guiding?.readGuide(files, parts, source)
  const model = { ...parts, guide: guide?.model }
  return { json, model, names, source, guide, inventory: parts.inventory(names) }
}

/**
 * A checkpoint's JSON files, and the family that its config belongs to.
 *
 * @throws {CheckpointError} If there is no config, or one of no known family.
 */
export async function readConfig(
  files: Pick<CheckpointFiles, 'path' | 'json'>,
): Promise<{ family: Family; json: CheckpointJson }> {
  const config = await files.json('config.json')
  if (config === undefined) {
    throw new CheckpointError(
      'CHECKPOINT_NOT_FOUND',
      `${files.path} has no config.json, so it is no checkpoint.`,
    )
  }
  const family = FAMILIES.find(({ matches }) => matches(config))
  if (family === undefined) {
    const known = FAMILIES.map(({ name }) => name).join(', ')
    const found = JSON.stringify(config.model_type) ?? 'nothing'
    throw new CheckpointError(
      'CHECKPOINT_UNSUPPORTED',
      `config.json: model_type ${found} is not supported; known: ${known}.`,
    )
  }
  const [preprocessor, videoPreprocessor, generation, videoTower, longtake] = await Promise.all([
    files.json('preprocessor_config.json'),
    files.json('video_preprocessor_config.json'),
    files.json('generation_config.json'),
    files.json('video_tower/config.json'),
    files.json('longtake.json'),
  ])
  return { family, json: { config, preprocessor, videoPreprocessor, generation, videoTower, longtake } }
}
