import { CheckpointError } from '@longtake/core'
import { isObject } from './fields.js'

/** Largest count of weight files: the largest published checkpoints have about 200. */
const MAX_SHARDS = 1024

/** What weights are written in. */
export type WeightFormat = 'safetensors' | 'torch'

/** The weight files of a checkpoint, by name. */
export interface WeightNames {
  readonly format: WeightFormat
  readonly names: readonly string[]
  /** The index that names them; absent where there is none. */
  readonly index?: string
}

/** Index files in the order in which they are looked for: no safetensors are passed over for pickles. */
const INDEXES = [
  { index: 'model.safetensors.index.json', format: 'safetensors' },
  { index: 'pytorch_model.bin.index.json', format: 'torch' },
] as const

const SUFFIXES: Readonly<Record<WeightFormat, RegExp>> = {
  safetensors: /\.safetensors$/,
  torch: /\.(bin|pth)$/,
}

/**
 * Which of a checkpoint's files hold its weights: safetensors where there are any, else those of `torch.save`; of either
 * those that the index names, or the only ones there are. Undefined where there are none.
 *
 * @param present - Names of the checkpoint's files, without those of its subfolders.
 * @param json - The object in a file; undefined where there is no such file.
 * @param place - What to call the checkpoint in errors.
 * @throws {CheckpointError} `CHECKPOINT_INVALID` if an index cannot be used, or files do not say which of them count.
 */
export async function findWeights(
  present: readonly string[],
  json: (name: string) => Promise<Readonly<Record<string, unknown>> | undefined>,
  place: string,
): Promise<WeightNames | undefined> {
  for (const { index, format } of INDEXES) {
    const listed = await json(index)
    if (listed !== undefined) return { format, index, names: shardsOfIndex(listed, index, SUFFIXES[format]) }
    const names = present.filter((file) => SUFFIXES[format].test(file)).sort()
    if (names.length > 0) return { format, names: withoutIndex(names, format, place) }
  }
  return undefined
}

/** The weights among the files of a folder without an index; optimisers and options are pickled under the same suffixes. */
function withoutIndex(names: readonly string[], format: WeightFormat, place: string): readonly string[] {
  if (format === 'safetensors') return names.includes('model.safetensors') ? ['model.safetensors'] : names
  if (names.includes('pytorch_model.bin')) return ['pytorch_model.bin']
  const shards = names.filter((name) => name.startsWith('pytorch_model-'))
  if (shards.length > 0) return shards
  if (names.length === 1) return names
  throw new CheckpointError(
    'CHECKPOINT_INVALID',
    `${place} has ${names.length} .bin or .pth files, but none is pytorch_model.bin and no index names the weights.`,
  )
}

function shardsOfIndex(index: Readonly<Record<string, unknown>>, file: string, suffix: RegExp): string[] {
  const map = index.weight_map
  if (!isObject(map)) throw new CheckpointError('CHECKPOINT_INVALID', `${file} has no object "weight_map".`)
  const names = new Set<string>()
  for (const name of Object.values(map)) {
    if (typeof name !== 'string' || /[\\/]/.test(name) || !suffix.test(name)) {
      throw new CheckpointError(
        'CHECKPOINT_INVALID',
        `${file} names ${JSON.stringify(name)}, which is no weight file of the folder.`,
      )
    }
    names.add(name)
  }
  if (names.size === 0 || names.size > MAX_SHARDS) {
    throw new CheckpointError(
      'CHECKPOINT_INVALID',
      `${file} names ${names.size} files; 1 to ${MAX_SHARDS} are read.`,
    )
  }
  return [...names].sort()
}
