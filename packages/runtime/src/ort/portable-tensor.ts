import { EngineError } from '@longtake/core'
import type { Tensor as OrtTensor } from 'onnxruntime-node'
import { elementType } from './elements.js'
import type { Tensor, TensorArrays, TensorData, TensorType } from './types.js'

/** Makes ONNX Runtime's tensors over our arrays, without a copy. */
export type OrtTensorConstructor = new (type: TensorType, data: unknown, dims: readonly number[]) => OrtTensor

/** A tensor in a JavaScript array. */
export class PortableTensor<T extends TensorType = TensorType> implements Tensor<T> {
  readonly type: T
  readonly dims: readonly number[]
  readonly #owner: object
  readonly #ort: OrtTensor
  readonly #onClosed: () => void
  #data: TensorArrays[T] | undefined

  constructor(
    owner: object,
    ort: OrtTensorConstructor,
    type: T,
    dims: readonly number[],
    data: TensorArrays[T],
    onClosed: () => void,
  ) {
    this.type = type
    this.dims = Object.freeze([...dims])
    this.#owner = owner
    this.#data = data
    this.#ort = new ort(type, data, dims)
    this.#onClosed = onClosed
  }

  get data(): TensorArrays[T] {
    if (!this.#data) throw new EngineError('ENGINE_CLOSED', 'The tensor is closed; make a new one.')
    return this.#data
  }

  get closed(): boolean {
    return this.#data === undefined
  }

  belongsTo(owner: object): boolean {
    return this.#owner === owner
  }

  /** The same memory as ONNX Runtime's API knows it. */
  get ort(): OrtTensor {
    return this.#ort
  }

  close(): void {
    if (!this.#data) return
    this.#data = undefined
    this.#onClosed()
  }
}

/** Elements of a result in our array type: newer runtimes give `Float16Array` where we carry the bits. */
export function arrayOf<T extends TensorType>(type: T, result: OrtTensor): TensorArrays[T] {
  const element = elementType(type)
  const data = result.data as TensorData
  if (data instanceof element.array) return data
  return new element.array(data.buffer, data.byteOffset, data.length)
}
