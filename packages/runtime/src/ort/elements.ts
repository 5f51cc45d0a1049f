import { ShapeError } from '@longtake/core'
import type { TensorArrays, TensorType } from './types.js'

interface TypedArrayConstructor<T> {
  readonly BYTES_PER_ELEMENT: number
  new (length: number): T
  new (buffer: ArrayBufferLike, byteOffset?: number, length?: number): T
}

/** How one element type is stored, and its number in `ONNXTensorElementDataType`. */
export interface ElementType<T extends TensorType = TensorType> {
  readonly type: T
  readonly code: number
  readonly bytes: number
  readonly array: TypedArrayConstructor<TensorArrays[T]>
}

const ELEMENT_TYPES: { readonly [T in TensorType]: ElementType<T> } = {
  float32: { type: 'float32', code: 1, bytes: 4, array: Float32Array },
  uint8: { type: 'uint8', code: 2, bytes: 1, array: Uint8Array },
  int8: { type: 'int8', code: 3, bytes: 1, array: Int8Array },
  int32: { type: 'int32', code: 6, bytes: 4, array: Int32Array },
  int64: { type: 'int64', code: 7, bytes: 8, array: BigInt64Array },
  bool: { type: 'bool', code: 9, bytes: 1, array: Uint8Array },
  float16: { type: 'float16', code: 10, bytes: 2, array: Uint16Array },
}

/** Storage of a tensor type. */
export function elementType<T extends TensorType>(type: T): ElementType<T> {
  const found = ELEMENT_TYPES[type]
  if (!found) throw new ShapeError('type', `one of ${Object.keys(ELEMENT_TYPES).join(', ')}`, String(type))
  return found
}

/** Tensor type of a number in `ONNXTensorElementDataType`, where we carry it. */
export function typeOfCode(code: number): TensorType | undefined {
  return Object.values(ELEMENT_TYPES).find((element) => element.code === code)?.type
}

/** Product of `dims`; refuses sizes that are not whole, negative, or whose product is not exact. */
export function elementCount(dims: readonly number[]): number {
  let count = 1
  for (const size of dims) {
    if (!Number.isSafeInteger(size) || size < 0) throw new ShapeError('dims', 'whole numbers from 0', dims)
    count *= size
  }
  if (!Number.isSafeInteger(count)) throw new ShapeError('dims', 'fewer than 2^53 elements', dims)
  return count
}

/** Checks that `data` is the typed array of `type` with `count` elements. */
export function checkData<T extends TensorType>(
  element: ElementType<T>,
  dims: readonly number[],
  count: number,
  data: TensorArrays[T],
): void {
  const name = element.array.name
  if (Object.prototype.toString.call(data) !== `[object ${name}]`)
    throw new ShapeError('data', `a ${name} for ${element.type}`, Object.prototype.toString.call(data))
  if (data.length !== count)
    throw new ShapeError('data', `${count} elements for [${dims.join(', ')}]`, data.length)
}
