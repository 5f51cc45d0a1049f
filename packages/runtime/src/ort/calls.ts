import { EngineError } from '@longtake/core'
import { cancelled, withAbort } from './abort.js'
import type { OrtApi, OrtFunctions, Pointer } from './c-api.js'

/** Kinds of native objects that are counted. */
export type HandleKind =
  | 'env'
  | 'memoryInfo'
  | 'sessionOptions'
  | 'session'
  | 'runOptions'
  | 'packedWeights'
  | 'value'
  | 'memory'

/** Alignment of tensor memory, bytes: a cache line, and the widest vector register. */
const ALIGNMENT = 64n

/** Largest block that koffi allocates, bytes, less room to align. */
const MAX_BLOCK_BYTES = 2 ** 31 - 1 - Number(ALIGNMENT)

/** A block of zeroed native memory; `start` is aligned, `base` is what has to be freed. */
export interface Block {
  readonly base: Pointer
  readonly start: Pointer
  readonly bytes: number
}

/** Calls into ONNX Runtime: statuses become errors, and every native object is counted until it is released. */
export class OrtCalls {
  readonly api: OrtApi
  readonly f: OrtFunctions
  readonly #cell = new BigUint64Array(1)
  readonly #live = new Map<HandleKind, number>()

  constructor(api: OrtApi) {
    this.api = api
    this.f = api.functions
  }

  /** Native objects alive, by kind; kinds with none are left out. */
  live(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#live].filter(([, count]) => count !== 0))
  }

  count(kind: HandleKind, change: 1 | -1): void {
    this.#live.set(kind, (this.#live.get(kind) ?? 0) + change)
  }

  /** Throws the error that an `OrtStatus` holds, and releases it; NULL is success. */
  check(status: unknown): void {
    const error = this.toError(status)
    if (error) throw error
  }

  toError(status: unknown): EngineError | undefined {
    if (!status) return undefined
    const message = String(this.f.getErrorMessage(status))
    this.f.releaseStatus(status)
    return new EngineError('ENGINE_FAILED', `ONNX Runtime: ${message.trim()}`)
  }

  /** Calls a function whose last argument is `void **out` and returns what it wrote. */
  out(name: keyof OrtFunctions, ...args: unknown[]): Pointer {
    this.#cell[0] = 0n
    this.check(this.f[name](...args, this.#cell))
    return this.#cell[0]
  }

  /** As `out`, and counts the object. */
  create(kind: HandleKind, name: keyof OrtFunctions, ...args: unknown[]): Pointer {
    const handle = this.out(name, ...args)
    this.count(kind, 1)
    return handle
  }

  release(kind: HandleKind, name: keyof OrtFunctions, handle: Pointer): void {
    this.f[name](handle)
    this.count(kind, -1)
  }

  /** Waits until a worker thread may be taken, and runs the task that calls `async`. */
  turn<R>(signal: AbortSignal | undefined, task: () => Promise<R>): Promise<R> {
    return this.api.gate.pass(signal, task)
  }

  /**
   * Calls a function that returns a status on a worker thread. Arguments must stay valid until it settles.
   *
   * @param stop - Called if the signal fires while the function is running.
   * @throws {CancelledError} If the signal fires before the end.
   */
  async async(
    name: keyof OrtFunctions,
    args: readonly unknown[],
    signal: AbortSignal | undefined,
    stop: () => void,
  ): Promise<void> {
    const status = await withAbort(signal, stop, () => this.#call(name, args))
    const error = this.toError(status)
    if (error) throw signal?.aborted ? cancelled(signal) : error
  }

  #call(name: keyof OrtFunctions, args: readonly unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const settle = (error: unknown, status: unknown) => (error ? reject(callError(error)) : resolve(status))
      try {
        this.f[name].async(...args, settle)
      } catch (error) {
        reject(callError(error))
      }
    })
  }

  /** @throws {EngineError} `ENGINE_FAILED` when the block is too large or memory runs out. */
  allocate(bytes: number): Block {
    if (bytes > MAX_BLOCK_BYTES)
      throw new EngineError(
        'ENGINE_FAILED',
        `One tensor may have up to 2 GiB; ${bytes} bytes were asked for.`,
      )
    try {
      const base = this.api.koffi.alloc('uint8', Math.max(bytes, 1) + Number(ALIGNMENT)) as Pointer
      this.count('memory', 1)
      return { base, start: (base + ALIGNMENT - 1n) & -ALIGNMENT, bytes }
    } catch (cause) {
      throw new EngineError('ENGINE_FAILED', `No memory for a tensor of ${bytes} bytes.`, { cause })
    }
  }

  free(block: Block): void {
    this.api.koffi.free(block.base)
    this.count('memory', -1)
  }

  /** View on native memory without a copy; it must not be used after the memory is freed. */
  view(start: Pointer, bytes: number): ArrayBuffer {
    return bytes === 0 ? new ArrayBuffer(0) : this.api.koffi.view(start, bytes)
  }
}

function callError(cause: unknown): EngineError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new EngineError('ENGINE_FAILED', `A native call could not be made: ${why}`, { cause })
}
