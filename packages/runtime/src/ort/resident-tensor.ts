import { EngineError } from '@longtake/core'
import type { Pointer } from './c-api.js'
import type { Block, OrtCalls } from './calls.js'
import { checkData, type ElementType, elementCount, elementType, typeOfCode } from './elements.js'
import type { Tensor, TensorArrays, TensorData, TensorType } from './types.js'

/** `OrtDeviceAllocator` and `OrtMemTypeDefault`. */
const ALLOCATOR_DEVICE = 0
const MEMORY_DEFAULT = 0

/** What has to be given back when a tensor ends: its OrtValue, and its memory unless ONNX Runtime owns it. */
interface Holding {
  readonly value: Pointer
  readonly block?: Block
}

/** A tensor in native memory, with the OrtValue that stands for it. */
export class ResidentTensor<T extends TensorType = TensorType> implements Tensor<T> {
  readonly type: T
  readonly dims: readonly number[]
  readonly #pool: TensorPool
  readonly #holding: Holding
  readonly #data: TensorArrays[T]
  #pins = 0
  #closed = false

  constructor(pool: TensorPool, type: T, dims: readonly number[], data: TensorArrays[T], holding: Holding) {
    this.type = type
    this.dims = dims
    this.#pool = pool
    this.#data = data
    this.#holding = holding
  }

  get data(): TensorArrays[T] {
    if (this.#closed) throw new EngineError('ENGINE_CLOSED', 'The tensor is closed; make a new one.')
    return this.#data
  }

  get closed(): boolean {
    return this.#closed
  }

  belongsTo(pool: TensorPool): boolean {
    return this.#pool === pool
  }

  /** Keeps the memory through a run and returns the OrtValue. */
  pin(): Pointer {
    this.#pins++
    return this.#holding.value
  }

  unpin(): void {
    this.#pins--
    this.#freeWhenUnused()
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#freeWhenUnused()
  }

  #freeWhenUnused(): void {
    if (this.#closed && this.#pins === 0) this.#pool.free(this.#holding)
  }
}

/** Makes tensors and knows those that are left; memory of forgotten ones is freed by the garbage collector. */
export class TensorPool {
  readonly #calls: OrtCalls
  readonly #memoryInfo: Pointer
  readonly #held = new Map<Pointer, { readonly holding: Holding; readonly tensor: WeakRef<ResidentTensor> }>()
  /** Watches the buffers, not the tensors: a view that is still in use keeps its memory. */
  readonly #forgotten = new FinalizationRegistry<Pointer>((value) => this.#release(value))

  constructor(calls: OrtCalls) {
    this.#calls = calls
    this.#memoryInfo = calls.create('memoryInfo', 'createCpuMemoryInfo', ALLOCATOR_DEVICE, MEMORY_DEFAULT)
  }

  /** A tensor of zeros, or a copy of `data`. */
  make<T extends TensorType>(type: T, dims: readonly number[], data?: TensorArrays[T]): ResidentTensor<T> {
    const element = elementType(type)
    const count = elementCount(dims)
    if (data) checkData(element, dims, count, data)
    const block = this.#calls.allocate(count * element.bytes)
    const tensor = this.#hold(element, dims, block.start, {
      value: this.#valueOver(block, element, dims),
      block,
    })
    if (data) setData(tensor.data, data)
    return tensor
  }

  /** Takes over an OrtValue that a run allocated. */
  adopt(value: Pointer): ResidentTensor {
    this.#calls.count('value', 1)
    try {
      const { code, dims } = this.#describe(value)
      const type = typeOfCode(code)
      if (!type)
        throw new EngineError('ENGINE_FAILED', `An output has element type ${code}, which is not carried.`)
      return this.#hold(elementType(type), dims, this.#calls.out('getTensorMutableData', value), { value })
    } catch (error) {
      this.#calls.release('value', 'releaseValue', value)
      throw error
    }
  }

  free(holding: Holding): void {
    this.#forgotten.unregister(holding)
    this.#release(holding.value)
  }

  /** Closes every tensor that is left. No run may be in flight. */
  close(): void {
    for (const { holding, tensor } of [...this.#held.values()]) {
      tensor.deref()?.close()
      if (this.#held.has(holding.value)) this.free(holding)
    }
    this.#calls.release('memoryInfo', 'releaseMemoryInfo', this.#memoryInfo)
  }

  #hold<T extends TensorType>(
    element: ElementType<T>,
    dims: readonly number[],
    start: Pointer,
    holding: Holding,
  ): ResidentTensor<T> {
    const buffer = this.#calls.view(start, elementCount(dims) * element.bytes)
    const tensor = new ResidentTensor(
      this,
      element.type,
      Object.freeze([...dims]),
      new element.array(buffer),
      holding,
    )
    this.#held.set(holding.value, { holding, tensor: new WeakRef<ResidentTensor>(tensor) })
    this.#forgotten.register(buffer, holding.value, holding)
    return tensor
  }

  #valueOver(block: Block, element: ElementType, dims: readonly number[]): Pointer {
    const shape = BigInt64Array.from(dims, BigInt)
    const args = [this.#memoryInfo, block.start, block.bytes, shape, dims.length, element.code]
    try {
      return this.#calls.create('value', 'createTensorWithDataAsOrtValue', ...args)
    } catch (error) {
      this.#calls.free(block)
      throw error
    }
  }

  #describe(value: Pointer): { code: number; dims: number[] } {
    const info = this.#calls.out('getTensorTypeAndShape', value)
    try {
      return describeTensor(this.#calls, info)
    } finally {
      this.#calls.f.releaseTensorTypeAndShapeInfo(info)
    }
  }

  #release(value: Pointer): void {
    const holding = this.#held.get(value)?.holding
    if (!holding) return
    this.#held.delete(value)
    this.#calls.release('value', 'releaseValue', value)
    if (holding.block) this.#calls.free(holding.block)
  }
}

/** Element type and sizes that an `OrtTensorTypeAndShapeInfo` holds; a free size is -1. */
export function describeTensor(calls: OrtCalls, info: Pointer): { code: number; dims: number[] } {
  const code = Number(calls.out('getTensorElementType', info) & 0xffff_ffffn)
  const dims = new BigInt64Array(Number(calls.out('getDimensionsCount', info)))
  if (dims.length > 0) calls.check(calls.f.getDimensions(info, dims, dims.length))
  return { code, dims: Array.from(dims, Number) }
}

/** Copies between arrays of one type; the types agree by construction, which the compiler cannot follow. */
function setData(target: TensorData, source: TensorData): void {
  ;(target as { set(source: unknown): void }).set(source)
}
