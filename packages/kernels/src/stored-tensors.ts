import { CheckpointError, isLongtakeError } from '@longtake/core'
import { copySingle, roundDouble, type Widen, widenBrain, widenHalf } from './safetensors/widen.js'
import type { RandomAccess, TensorDtype, TensorInfo, TensorSource } from './tensor-source.js'

/** Bytes converted at once: bounds the memory beside the result; a multiple of every element size. */
const PIECE_BYTES = 8 * 1024 * 1024

/** Bytes of one element of each type. */
export const BYTES_PER_ELEMENT: Readonly<Record<TensorDtype, number>> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  F8_E4M3: 1,
  F8_E5M2: 1,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
}

const WIDEN: Readonly<Partial<Record<TensorDtype, Widen>>> = {
  F64: roundDouble,
  F32: copySingle,
  F16: widenHalf,
  BF16: widenBrain,
}

/** Where a tensor's bytes are, and how they become row-major. */
export interface StoredTensor extends TensorInfo {
  readonly file: RandomAccess
  /** First byte in the file. */
  readonly offset: number
  readonly bytes: number
  /** Puts the stored bytes into row-major order; absent where they are in it already. */
  readonly arrange?: (stored: Uint8Array) => Uint8Array
}

/** Tensors that are read from their files when they are asked for. */
export class StoredTensors implements TensorSource {
  readonly #tensors: ReadonlyMap<string, StoredTensor>

  constructor(tensors: ReadonlyMap<string, StoredTensor>) {
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
    const { bytes } = this.#locate(name)
    return this.#readPart(name, 0, bytes)
  }

  async readRows(name: string, first: number, end: number): Promise<Float32Array<ArrayBuffer>> {
    const { shape, bytes } = this.#locate(name)
    const rows = shape[0] ?? 0
    if (!(Number.isInteger(first) && Number.isInteger(end) && first >= 0 && first < end && end <= rows)) {
      throw unreadable(name, `has ${rows} rows; rows ${first} to ${end - 1} were asked for`)
    }
    const rowBytes = bytes / rows
    return this.#readPart(name, first * rowBytes, end * rowBytes)
  }

  /** Values whose row-major bytes are from `start` to `end` − 1. */
  async #readPart(name: string, start: number, end: number): Promise<Float32Array<ArrayBuffer>> {
    const tensor = this.#locate(name)
    const widen = WIDEN[tensor.dtype]
    if (!widen) throw unreadable(name, `is ${tensor.dtype}, not a float type that can be widened`)
    const elementBytes = BYTES_PER_ELEMENT[tensor.dtype]
    const values = allocate(name, (end - start) / elementBytes)
    if (tensor.arrange) {
      widen((await this.readRaw(name)).subarray(start, end), values, 0)
      return values
    }
    for (let done = start; done < end; done += PIECE_BYTES) {
      const piece = await readTensorBytes(name, tensor, done, Math.min(PIECE_BYTES, end - done))
      widen(piece, values, (done - start) / elementBytes)
    }
    return values
  }

  async readRaw(name: string): Promise<Uint8Array> {
    const tensor = this.#locate(name)
    const stored = await readTensorBytes(name, tensor, 0, tensor.bytes)
    return tensor.arrange?.(stored) ?? stored
  }

  #locate(name: string): StoredTensor {
    const tensor = this.#tensors.get(name)
    if (!tensor) throw unreadable(name, 'is missing from the checkpoint')
    return tensor
  }
}

/**
 * Reads a range of a file whole.
 *
 * @throws {CheckpointError} `code` if reading fails or ends early; it names the file and `what`.
 */
export async function readExactly(
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

/** Bytes of a tensor; NaN where they, or the sizes beside a 0, multiply beyond what a number holds exactly. */
export function byteCount(shape: readonly number[], elementBytes: number): number {
  let product = elementBytes
  for (const size of shape) {
    product *= Math.max(size, 1)
    if (!Number.isSafeInteger(product)) return Number.NaN
  }
  return shape.includes(0) ? 0 : product
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
  tensor: StoredTensor,
  start: number,
  length: number,
): Promise<Uint8Array> {
  if (length === 0) return new Uint8Array(0)
  return readExactly(tensor.file, tensor.offset + start, length, 'CHECKPOINT_TENSOR', `tensor ${name}`)
}

function unreadable(name: string, what: string, cause?: unknown): CheckpointError {
  return new CheckpointError('CHECKPOINT_TENSOR', `Tensor ${name} ${what}.`, { cause })
}
