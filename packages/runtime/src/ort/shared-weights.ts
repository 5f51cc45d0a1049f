import type { Pointer } from './c-api.js'
import type { OrtCalls } from './calls.js'
import { elementType } from './elements.js'
import { MappedFile } from './mapped-file.js'
import type { WeightFile } from './types.js'

/** `OrtDeviceAllocator` and `OrtMemTypeDefault`: ordinary memory. */
const ALLOCATOR = 0
const DEFAULT_MEMORY = 0

/**
 * The weights of one file for all sessions that take them: one mapping, one value for each array, and one container
 * of what ONNX Runtime makes of matrices when it packs them. Without that, each session would pack its own copy.
 */
export class SharedWeights {
  /** ONNX Runtime's container of packed weights. */
  readonly container: Pointer
  readonly #calls: OrtCalls
  readonly #file: MappedFile
  readonly #memory: Pointer
  readonly #values = new Map<string, Pointer>()

  /** @throws {EngineError} `ENGINE_FAILED` if the file cannot be mapped. */
  constructor(calls: OrtCalls, file: WeightFile) {
    this.#calls = calls
    this.#file = MappedFile.open(calls.api.koffi, file.path, file.bytes)
    this.#memory = calls.create('memoryInfo', 'createCpuMemoryInfo', ALLOCATOR, DEFAULT_MEMORY)
    this.container = calls.create('packedWeights', 'createPrepackedWeightsContainer')
  }

  /** Gives a session what its graph takes of the file. */
  add(options: Pointer, { parts }: WeightFile): void {
    for (const part of parts)
      this.#calls.check(this.#calls.f.addInitializer(options, part.name, this.#value(part)))
  }

  /** Every session that took these weights must have been closed. */
  close(): void {
    for (const value of this.#values.values()) this.#calls.release('value', 'releaseValue', value)
    this.#values.clear()
    this.#calls.release('packedWeights', 'releasePrepackedWeightsContainer', this.container)
    this.#calls.release('memoryInfo', 'releaseMemoryInfo', this.#memory)
    this.#file.close()
  }

  #value({ name, type, dims, bytes, offset }: WeightFile['parts'][number]): Pointer {
    const known = this.#values.get(name)
    if (known !== undefined) return known
    const sizes = BigInt64Array.from(dims, BigInt)
    const start = this.#file.start + BigInt(offset)
    const args = [this.#memory, start, bytes, sizes, dims.length, elementType(type).code]
    const value = this.#calls.create('value', 'createTensorWithDataAsOrtValue', ...args)
    this.#values.set(name, value)
    return value
  }
}
