import type { ExternalData, TensorType, WeightPart } from '@longtake/kernels'

export type { TensorType }

/** A file of weights on disk, which is mapped into memory and not read. */
export interface WeightFile {
  /** Absolute path. */
  readonly path: string
  readonly bytes: number
  /** What of it the graph takes. */
  readonly parts: readonly (WeightPart & { readonly offset: number })[]
}

/** A graph ready for a session, with its weights in memory or on disk. */
export interface SessionModel {
  /** Serialised ModelProto. */
  readonly graph: Uint8Array
  /** External data in memory: by `location` as the graph names it. */
  readonly weights: readonly ExternalData[]
  /** Instead of them: the file that the graph names, by its name without folder. */
  readonly file?: WeightFile
}

/** Typed array that holds the elements of each tensor type. */
export interface TensorArrays {
  readonly float32: Float32Array
  readonly float16: Uint16Array
  readonly int64: BigInt64Array
  readonly int32: Int32Array
  readonly int8: Int8Array
  readonly uint8: Uint8Array
  readonly bool: Uint8Array
}

export type TensorData = TensorArrays[TensorType]

/** Name of the back end: native memory bound in place, or the copying API that runs everywhere. */
export type BackendKind = 'resident' | 'portable'

/** What computes in a browser: WebAssembly, or the graphics card. */
export type WebBackendKind = 'wasm' | 'webgpu'

/** Memory of one array, owned by the back end that made it. */
export interface Tensor<T extends TensorType = TensorType> {
  readonly type: T
  /** Row-major dimensions; `[]` is a scalar. */
  readonly dims: readonly number[]
  /**
   * View on the elements: write here to feed, read here for results. In the resident back end this is native
   * memory.
   *
   * @throws {EngineError} `ENGINE_CLOSED` after `close()`.
   */
  readonly data: TensorArrays[T]
  /**
   * Gives the memory back; repeated calls do nothing. During a run the memory goes when the run has ended. Arrays
   * taken from `data` must not be used afterwards: their memory is gone.
   */
  close(): void
}

export interface SessionOptions {
  /** Threads of one operator, 1 to 256. Unset: physical cores as far as they are known, at most 16. */
  readonly threads?: number
  /** Gives up opening; the promise rejects with `CancelledError`. */
  readonly signal?: AbortSignal
}

export interface RunOptions {
  /** Ends the run at the next operator; the promise rejects with `CancelledError`. */
  readonly signal?: AbortSignal
}

/** A loaded graph. Several runs may be started at once; they share its weights. */
export interface Session {
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  /**
   * Runs the graph. The resident back end works on other threads and leaves the event loop free; the portable
   * one holds it until the run has ended, so that there a signal cannot end a run early.
   *
   * @param feeds - One tensor for each input, of this back end.
   * @param results - Tensors that receive outputs of the same name, in place. One tensor may be a feed and a
   *   result, such as past and present of a KV cache. Other outputs are allocated and belong to the caller.
   * @returns Every output by name; those in `results` are the very tensors given.
   * @throws {EngineError} `ENGINE_FAILED` with ONNX Runtime's message, `ENGINE_CLOSED` after `close()`.
   * @throws {CancelledError} If the signal fires before or during the run; results may then be half written.
   */
  run(
    feeds: Readonly<Record<string, Tensor>>,
    results?: Readonly<Record<string, Tensor>>,
    options?: RunOptions,
  ): Promise<Record<string, Tensor>>
  /** Waits for runs in flight, then frees the session; repeated calls wait for the same end. */
  close(): Promise<void>
}

/** ONNX Runtime, behind one of two doors. */
export interface Backend {
  readonly name: BackendKind | WebBackendKind
  /** Why this back end was chosen, when `auto` had to fall back: the failure of the resident one. */
  readonly reason?: string
  /** Native objects alive, by kind, where the back end counts them; empty once it has closed. */
  readonly liveHandles?: Readonly<Record<string, number>>
  /**
   * A tensor of zeros, or a copy of `data`.
   *
   * @param dims - Whole numbers, 0 or more; a 0 makes an empty tensor.
   * @param data - As many elements as `dims` multiply to, in the typed array of `type`.
   * @throws {ShapeError} If `dims` or the length of `data` do not fit.
   * @throws {EngineError} `ENGINE_CLOSED` after `close()`, `ENGINE_FAILED` when memory runs out.
   */
  tensor<T extends TensorType>(type: T, dims: readonly number[], data?: TensorArrays[T]): Tensor<T>
  /**
   * Loads a graph; the model's arrays are copied or read before the promise resolves and not kept afterwards.
   *
   * @throws {EngineError} `ENGINE_FAILED` with ONNX Runtime's message when the graph is refused.
   * @throws {InvalidOptionError} If `threads` is out of range.
   * @throws {CancelledError} If the signal fires first.
   */
  session(model: SessionModel, options?: SessionOptions): Promise<Session>
  /** Closes every session and tensor that is left, waiting for runs in flight; repeated calls wait for the same end. */
  close(): Promise<void>
}
