import type { Backend, Tensor, TensorArrays, TensorType } from '../ort/types.js'

/** Tensors that are made and freed together: when making one fails, the group is freed before the error goes on. */
export class TensorGroup {
  readonly #backend: Backend
  readonly #tensors: Tensor[] = []

  constructor(backend: Backend) {
    this.#backend = backend
  }

  /** @throws {EngineError} `ENGINE_FAILED` when memory runs out; every tensor of the group is freed then. */
  add<T extends TensorType>(type: T, dims: readonly number[], data?: TensorArrays[T]): Tensor<T> {
    try {
      const tensor = this.#backend.tensor(type, dims, data)
      this.#tensors.push(tensor)
      return tensor
    } catch (error) {
      this.close()
      throw error
    }
  }

  close(): void {
    for (const tensor of this.#tensors.splice(0)) tensor.close()
  }
}
