import { CheckpointError } from '@longtake/core'

/** What `model.safetensors.index.json` says: the file of every tensor. */
export interface ShardIndex {
  /** Distinct names of files beside the index, sorted. */
  readonly files: readonly string[]
  /** Tensor name to file name. */
  readonly weightMap: ReadonlyMap<string, string>
}

/**
 * Checks the parsed JSON of `model.safetensors.index.json`.
 *
 * @throws {CheckpointError} CHECKPOINT_INVALID if it has no `weight_map` of strings, or names a file that does
 *   not lie beside it.
 */
export function parseShardIndex(index: unknown): ShardIndex {
  const map = isRecord(index) ? index.weight_map : undefined
  if (!isRecord(map)) throw invalid('it has no "weight_map" object')
  const weightMap = new Map<string, string>()
  for (const [name, file] of Object.entries(map)) {
    if (typeof file !== 'string') throw invalid(`the file of ${JSON.stringify(name)} is not a string`)
    if (!isPlainFileName(file)) {
      throw invalid(`${JSON.stringify(file)} is not the name of a .safetensors file beside it`)
    }
    weightMap.set(name, file)
  }
  if (weightMap.size === 0) throw invalid('it names no tensor')
  return { files: [...new Set(weightMap.values())].sort(), weightMap }
}

/** A name that stays in its folder on every system, so that an index cannot point at other files. */
function isPlainFileName(name: string): boolean {
  return /^[\w][\w.+-]*\.safetensors$/.test(name) && !name.includes('..')
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalid(what: string): CheckpointError {
  return new CheckpointError('CHECKPOINT_INVALID', `Shard index: ${what}. Download the checkpoint again.`)
}
