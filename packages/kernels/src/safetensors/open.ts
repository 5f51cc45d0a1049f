import { CheckpointError, isLongtakeError } from '@longtake/core'
import type { RandomAccess, TensorDtype, TensorInfo, TensorSource } from '../tensor-source.js'
import { HEADER_PREFIX_BYTES, headerLength, parseHeader, type TensorEntry } from './header.js'
import type { ShardIndex } from './shard-index.js'
import { copySingle, roundDouble, type Widen, widenBrain, widenHalf } from './widen.js'

/** Bytes converted at once: bounds the memory beside the result; a multiple of every element size. */
const PIECE_BYTES = 8 * 1024 * 1024

const WIDEN: Readonly<Partial<Record<TensorDtype, { bytes: number; widen: Widen }>>> = {
  F64: { bytes: 8, widen: roundDouble },
  F32: { bytes: 4, widen: copySingle },
  F16: { bytes: 2, widen: widenHalf },
  BF16: { bytes: 2, widen: widenBrain },
}

interface Located extends TensorEntry {
  readonly file: RandomAccess
}

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
  const tensors = new Map<string, Located>()
  for (const file of files) {
    for (const [name, entry] of await readHeader(file)) {
      const other = tensors.get(name)
      if (other) throw invalid(`${file.name} and ${other.file.name} both have the tensor ${name}.`)
      tensors.set(name, { ...entry, file })
    }
  }
  if (index) checkIndex(index, tensors)
  return new SafetensorsSource(tensors)
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

function checkIndex(index: ShardIndex, tensors: ReadonlyMap<string, Located>): void {
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

class SafetensorsSource implements TensorSource {
  readonly #tensors: ReadonlyMap<string, Located>

  constructor(tensors: ReadonlyMap<string, Located>) {
    this.#tensors = tensors
  }

  names(): Iterable<string> {
    return this.#tensors.keys()
  }

  has(name: string): boolean {
    return this.#tensors.has(name)
  }

  info(name: string): TensorInfo {
    const { dtype, shape } = this.#locate(name)
    return { dtype, shape: [...shape] }
  }

  async read(name: string): Promise<Float32Array<ArrayBuffer>> {
    const tensor = this.#locate(name)
    const kind = WIDEN[tensor.dtype]
    if (!kind) throw unreadable(name, `is ${tensor.dtype}, not a float type that can be widened`)
    const values = allocate(name, tensor.bytes / kind.bytes)
    for (let done = 0; done < tensor.bytes; done += PIECE_BYTES) {
      const length = Math.min(PIECE_BYTES, tensor.bytes - done)
      const piece = await readTensorBytes(name, tensor, done, length)
      kind.widen(piece, values, done / kind.bytes)
    }
    return values
  }

  async readRaw(name: string): Promise<Uint8Array> {
    const tensor = this.#locate(name)
    return readTensorBytes(name, tensor, 0, tensor.bytes)
  }

  #locate(name: string): Located {
    const tensor = this.#tensors.get(name)
    if (!tensor) throw unreadable(name, 'is missing from the checkpoint')
    return tensor
  }
}

function allocate(name: string, length: number): Float32Array<ArrayBuffer> {
  try {
    return new Float32Array(length)
  } catch (cause) {
    throw unreadable(name, `has ${length} values, more than this machine can hold`, cause)
  }
}

async function readTensorBytes(
  name: string,
  tensor: Located,
  start: number,
  length: number,
): Promise<Uint8Array> {
  if (length === 0) return new Uint8Array(0)
  return readExactly(tensor.file, tensor.offset + start, length, 'CHECKPOINT_TENSOR', `tensor ${name}`)
}

async function readExactly(
  file: RandomAccess,
  offset: number,
  length: number,
  code: 'CHECKPOINT_INVALID' | 'CHECKPOINT_TENSOR',
  what: string,
): Promise<Uint8Array> {
  let bytes: Uint8Array
  try {
    bytes = await file.read(offset, length)
  } catch (cause) {
    if (isLongtakeError(cause)) throw cause
    throw new CheckpointError(code, `${file.name}: reading ${what} failed.`, { cause })
  }
  if (bytes.length === length) return bytes
  throw new CheckpointError(code, `${file.name}: ${what} was cut short, ${bytes.length} of ${length} bytes.`)
}

function baseName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1)
}

function invalid(message: string): CheckpointError {
  return new CheckpointError('CHECKPOINT_INVALID', `${message} Download the checkpoint again.`)
}

function unreadable(name: string, what: string, cause?: unknown): CheckpointError {
  return new CheckpointError('CHECKPOINT_TENSOR', `Tensor ${name} ${what}.`, { cause })
}
