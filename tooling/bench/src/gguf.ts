import { open } from 'node:fs/promises'
import { EngineError } from '@longtake/core'

/** A metadata value with the type that it is stored as. */
export type GgufValue =
  | { readonly type: 'uint32' | 'int32' | 'float32'; readonly value: number }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'strings'; readonly value: readonly string[] }
  | { readonly type: 'int32s'; readonly value: readonly number[] }

/** Element types that are written: numbers, and blocks of 32 four-bit codes with an f16 scale. */
type GgufTensorType = 'f32' | 'q4_0'

export interface GgufTensor {
  readonly name: string
  readonly type: GgufTensorType
  /** Row-major as PyTorch says it, outermost first; the last is a multiple of 32 for `q4_0`. */
  readonly shape: readonly number[]
  /** The tensor's bytes, made when they are written. */
  bytes(): Uint8Array
}

const VERSION = 3
/** Default of the format: tensors begin at multiples of it. */
const ALIGNMENT = 32
const VALUE_TYPE = { uint32: 4, int32: 5, float32: 6, bool: 7, string: 8, array: 9 } as const
const TENSOR_TYPE: Readonly<Record<GgufTensorType, number>> = { f32: 0, q4_0: 2 }
/** Elements of a block, and its bytes: an f16 scale and two codes a byte. */
export const Q4_BLOCK = { elements: 32, bytes: 18 } as const

/**
 * Writes a GGUF file, tensor by tensor, so that only one of them is in memory.
 *
 * @throws {EngineError} `ENGINE_FAILED` if a tensor's bytes are not as many as its shape says.
 * @remarks Source: the format's public specification (ggml, docs/gguf.md), version 3.
 */
export async function writeGguf(
  path: string,
  metadata: Readonly<Record<string, GgufValue>>,
  tensors: readonly GgufTensor[],
): Promise<void> {
  const file = await open(path, 'wx')
  try {
    await file.writeFile(padded(encodeHeader(metadata, tensors)))
    for (const tensor of tensors) {
      const bytes = tensor.bytes()
      if (bytes.length !== byteLength(tensor)) {
        throw new EngineError('ENGINE_FAILED', `${tensor.name}: ${bytes.length} bytes do not fill its shape.`)
      }
      await file.writeFile(padded(bytes))
    }
  } finally {
    await file.close()
  }
}

function encodeHeader(
  metadata: Readonly<Record<string, GgufValue>>,
  tensors: readonly GgufTensor[],
): Uint8Array {
  const writer = new Writer()
  writer.raw(new TextEncoder().encode('GGUF')).uint32(VERSION)
  writer.uint64(tensors.length).uint64(Object.keys(metadata).length)
  for (const [key, value] of Object.entries(metadata)) writeValue(writer.string(key), value)
  let offset = 0
  for (const tensor of tensors) {
    writer.string(tensor.name).uint32(tensor.shape.length)
    // The format lists the innermost size first.
    for (const size of tensor.shape.toReversed()) writer.uint64(size)
    writer.uint32(TENSOR_TYPE[tensor.type]).uint64(offset)
    offset += Math.ceil(byteLength(tensor) / ALIGNMENT) * ALIGNMENT
  }
  return writer.bytes()
}

function writeValue(writer: Writer, item: GgufValue): void {
  if (item.type === 'strings') {
    writer.uint32(VALUE_TYPE.array).uint32(VALUE_TYPE.string).uint64(item.value.length)
    for (const text of item.value) writer.string(text)
  } else if (item.type === 'int32s') {
    writer.uint32(VALUE_TYPE.array).uint32(VALUE_TYPE.int32).uint64(item.value.length)
    for (const number of item.value) writer.uint32(number)
  } else {
    writer.uint32(VALUE_TYPE[item.type])
    if (item.type === 'string') writer.string(item.value)
    else if (item.type === 'bool') writer.raw(Uint8Array.of(item.value ? 1 : 0))
    else if (item.type === 'float32') writer.float32(item.value)
    else writer.uint32(item.value)
  }
}

function byteLength({ shape, type }: GgufTensor): number {
  const elements = shape.reduce((product, size) => product * size, 1)
  return type === 'f32' ? 4 * elements : (elements / Q4_BLOCK.elements) * Q4_BLOCK.bytes
}

function padded(bytes: Uint8Array): Uint8Array {
  const whole = Math.ceil(bytes.length / ALIGNMENT) * ALIGNMENT
  if (whole === bytes.length) return bytes
  const result = new Uint8Array(whole)
  result.set(bytes)
  return result
}

/** Little-endian numbers and length-prefixed texts, one after the other. */
class Writer {
  readonly #parts: Uint8Array[] = []

  raw(bytes: Uint8Array): this {
    this.#parts.push(bytes)
    return this
  }

  uint32(value: number): this {
    return this.#number(4, (view) => view.setUint32(0, value, true))
  }

  uint64(value: number): this {
    return this.#number(8, (view) => view.setBigUint64(0, BigInt(value), true))
  }

  float32(value: number): this {
    return this.#number(4, (view) => view.setFloat32(0, value, true))
  }

  string(text: string): this {
    const bytes = new TextEncoder().encode(text)
    return this.uint64(bytes.length).raw(bytes)
  }

  bytes(): Uint8Array {
    const result = new Uint8Array(this.#parts.reduce((sum, part) => sum + part.length, 0))
    let offset = 0
    for (const part of this.#parts) {
      result.set(part, offset)
      offset += part.length
    }
    return result
  }

  #number(size: number, write: (view: DataView) => void): this {
    const bytes = new Uint8Array(size)
    write(new DataView(bytes.buffer))
    return this.raw(bytes)
  }
}
