import { EngineError } from '@longtake/core'
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import { InFlight } from '../in-flight.js'
import { cancelled, throwIfAborted } from './abort.js'
import { checkData, elementCount, elementType } from './elements.js'
import { LOG_ERROR } from './log-level.js'
import { ortError, type PortableHabits, type PortableHost, PortableSession } from './portable-session.js'
import { arrayOf, type OrtTensorConstructor, PortableTensor } from './portable-tensor.js'
import type {
  Backend,
  Session,
  SessionModel,
  SessionOptions,
  Tensor,
  TensorArrays,
  TensorType,
} from './types.js'

/** What is used of onnxruntime-node, and of onnxruntime-web. */
export interface OrtModule {
  readonly InferenceSession: {
    create(graph: Uint8Array, options: InferenceSession.SessionOptions): Promise<InferenceSession>
  }
  readonly Tensor: OrtTensorConstructor
}

/** One of the packages with ONNX Runtime's JavaScript API, and how it is used. */
export interface PortableRuntime extends PortableHabits {
  readonly name: Backend['name']
  /** Why it was taken, where another was preferred. */
  readonly reason?: string | undefined
  readonly ort: OrtModule
  /**
   * Settings of a session beside its weights in memory.
   *
   * @throws {InvalidOptionError} If `threads` is out of range.
   */
  sessionOptions(model: SessionModel, options: SessionOptions): InferenceSession.SessionOptions
}

/** A back end on ONNX Runtime's own JavaScript API: inputs and outputs are copied, and the event loop waits for runs. */
export class PortableBackend implements Backend, PortableHost {
  readonly name: Backend['name']
  readonly reason?: string
  readonly habits: PortableHabits
  readonly #runtime: PortableRuntime
  readonly #sessions = new Set<PortableSession>()
  readonly #loading = new InFlight()
  /** Weak, so that forgotten tensors go the way of every array. */
  readonly #tensors = new Set<WeakRef<PortableTensor>>()
  readonly #forgotten = new FinalizationRegistry<WeakRef<PortableTensor>>((ref) => this.#tensors.delete(ref))
  #closing: Promise<void> | undefined

  constructor(runtime: PortableRuntime) {
    this.name = runtime.name
    this.habits = runtime
    this.#runtime = runtime
    if (runtime.reason !== undefined) this.reason = runtime.reason
  }

  tensor<T extends TensorType>(type: T, dims: readonly number[], data?: TensorArrays[T]): Tensor<T> {
    this.#assertOpen()
    const element = elementType(type)
    const count = elementCount(dims)
    if (data) checkData(element, dims, count, data)
    try {
      const array = new element.array(count)
      if (data) (array as { set(source: unknown): void }).set(data)
      return this.#hold(type, dims, array)
    } catch (cause) {
      throw new EngineError('ENGINE_FAILED', `No memory for a tensor of [${dims.join(', ')}].`, { cause })
    }
  }

  async session(model: SessionModel, options: SessionOptions = {}): Promise<Session> {
    this.#assertOpen()
    throwIfAborted(options.signal)
    return this.#loading.track(this.#load(model, options))
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  adopt(type: TensorType, result: OrtTensor): PortableTensor {
    return this.#hold(type, result.dims, arrayOf(type, result))
  }

  sessionClosed(session: PortableSession): void {
    this.#sessions.delete(session)
  }

  async #close(): Promise<void> {
    await this.#loading.settled()
    await Promise.all([...this.#sessions].map((session) => session.close()))
    for (const tensor of this.#tensors) tensor.deref()?.close()
  }

  async #load(model: SessionModel, options: SessionOptions): Promise<PortableSession> {
    const { ort, sessionOptions } = this.#runtime
    const session = await ort.InferenceSession.create(model.graph, {
      externalData: model.weights.map(({ location, data }) => ({ path: location, data })),
      logSeverityLevel: LOG_ERROR,
      graphOptimizationLevel: 'all',
      ...sessionOptions(model, options),
    }).catch((error: unknown) => {
      throw ortError(error)
    })
    if (options.signal?.aborted) {
      await session.release()
      throw cancelled(options.signal)
    }
    try {
      const opened = new PortableSession(this, session)
      this.#sessions.add(opened)
      return opened
    } catch (error) {
      await session.release()
      throw error
    }
  }

  #hold<T extends TensorType>(type: T, dims: readonly number[], data: TensorArrays[T]): PortableTensor<T> {
    const tensor = new PortableTensor(this, this.#runtime.ort.Tensor, type, dims, data, () =>
      this.#tensors.delete(ref),
    )
    const ref = new WeakRef<PortableTensor>(tensor)
    this.#tensors.add(ref)
    this.#forgotten.register(tensor, ref)
    return tensor
  }

  #assertOpen(): void {
    if (this.#closing) throw new EngineError('ENGINE_CLOSED', 'The back end is closed; open it again.')
  }
}
