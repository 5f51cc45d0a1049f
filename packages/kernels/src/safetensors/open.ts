import { CheckpointError } from '@longtake/core'
import { readExactly, type StoredTensor, StoredTensors } from '../stored-tensors.js'
import type { RandomAccess, TensorSource } from '../tensor-source.js'
import { HEADER_PREFIX_BYTES, headerLength, parseHeader, type TensorEntry } from './header.js'
import type { ShardIndex } from './shard-index.js'

/**
 * Opens a checkpoint in safetensors form: one file, or all its shards in any order. Reads the headers now and
 * each tensor when it is asked for; several reads may run at once.
 *
 * @param files - The file or the shards; kept as long as the source is used.
 * @param index - Where the shards have one: every tensor that it names must be in the file that it names.
 * @throws {CheckpointError} CHECKPOINT_INVALID if a header is malformed, breaks the format's rules or cannot be
 *   read, if two shards have the same tensor, or if the index disagrees with the shards.
 */
export async function openSafetensors(
  files: readonly RandomAccess[],
  index?: ShardIndex,
): Promise<TensorSource> {
  const tensors = new Map<string, StoredTensor>()
  for (const file of files) {
    for (const [name, entry] of await readHeader(file)) {
      const other = tensors.get(name)
      if (other) throw invalid(`${file.name} and ${other.file.name} both have the tensor ${name}.`)
      tensors.set(name, { ...entry, file })
    }
  }
  if (index) checkIndex(index, tensors)
  return new StoredTensors(tensors)
}

/** Bytes in memory as a file. */
export function bytesAccess(name: string, bytes: Uint8Array): RandomAccess {
  return {
    name,
    size: bytes.length,
    read: async (offset, length) => bytes.slice(offset, offset + length),
  }
}

async function readHeader(file: RandomAccess): Promise<Map<string, TensorEntry>> {
  if (!Number.isSafeInteger(file.size) || file.size < HEADER_PREFIX_BYTES) {
    throw invalid(`${file.name}: ${file.size} bytes are too few for a safetensors file.`)
  }
  const prefix = await readExactly(file, 0, HEADER_PREFIX_BYTES, 'CHECKPOINT_INVALID', 'its header')
  const length = headerLength(prefix, file.size, file.name)
  const header = await readExactly(file, HEADER_PREFIX_BYTES, length, 'CHECKPOINT_INVALID', 'its header')
  return parseHeader(header, file.size, file.name)
}

function checkIndex(index: ShardIndex, tensors: ReadonlyMap<string, StoredTensor>): void {
  for (const [name, fileName] of index.weightMap) {
    const found = tensors.get(name)
    if (!found) throw invalid(`The shard index names the tensor ${name}, but no shard has it.`)
    if (baseName(found.file.name) !== fileName) {
      throw invalid(
        `The shard index puts the tensor ${name} in ${fileName}, but it is in ${found.file.name}.`,
      )
    }
  }
}

function baseName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1)
}

function invalid(message: string): CheckpointError {
  return new CheckpointError('CHECKPOINT_INVALID', `${message} Download the checkpoint again.`)
}
