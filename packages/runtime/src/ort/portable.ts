import { dirname } from 'node:path'
import { EngineError } from '@longtake/core'
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import { InFlight } from '../in-flight.js'
import { cancelled, throwIfAborted } from './abort.js'
import { checkData, elementCount, elementType } from './elements.js'
import { CONFIG_ENTRIES, LOG_ERROR, WEIGHTS_FOLDER } from './load-session.js'
import { ortError, type PortableHost, PortableSession } from './portable-session.js'
import { arrayOf, type OrtTensorConstructor, PortableTensor } from './portable-tensor.js'
import { refuseTelemetry } from './telemetry.js'
import { threadCount } from './threads.js'
import type {
  Backend,
  Session,
  SessionModel,
  SessionOptions,
  Tensor,
  TensorArrays,
  TensorType,
} from './types.js'

/** What is used of onnxruntime-node. */
interface OrtModule {
  readonly InferenceSession: {
    create(graph: Uint8Array, options: InferenceSession.SessionOptions): Promise<InferenceSession>
  }
  readonly Tensor: OrtTensorConstructor
}

/**
 * Opens the back end on onnxruntime-node's own API: every output is copied, and the event loop waits for each run.
 *
 * @param reason - Why the resident back end was not taken.
 * @throws {EngineError} `ENGINE_UNAVAILABLE` if onnxruntime-node cannot be loaded.
 */
export async function openPortable(reason?: string): Promise<Backend> {
  try {
    refuseTelemetry()
    const loaded = (await import('onnxruntime-node')) as unknown as OrtModule
    return new PortableBackend(loaded, reason)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new EngineError('ENGINE_UNAVAILABLE', `onnxruntime-node cannot be loaded: ${why}`, { cause })
  }
}

interface Settings {
  [name: string]: string | Settings
}

class PortableBackend implements Backend, PortableHost {
  readonly name = 'portable'
  readonly reason?: string
  readonly #ort: OrtModule
  readonly #sessions = new Set<PortableSession>()
  readonly #loading = new InFlight()
  /** Weak, so that forgotten tensors go the way of every array. */
  readonly #tensors = new Set<WeakRef<PortableTensor>>()
  readonly #forgotten = new FinalizationRegistry<WeakRef<PortableTensor>>((ref) => this.#tensors.delete(ref))
  #closing: Promise<void> | undefined

  constructor(ort: OrtModule, reason: string | undefined) {
    this.#ort = ort
    if (reason !== undefined) this.reason = reason
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
    const session = await this.#ort.InferenceSession.create(model.graph, {
      externalData: model.weights.map(({ location, data }) => ({ path: location, data })),
      logSeverityLevel: LOG_ERROR,
      graphOptimizationLevel: 'all',
      intraOpNumThreads: threadCount(options.threads),
      interOpNumThreads: 1,
      enableCpuMemArena: false,
      enableMemPattern: false,
      extra: nested([...CONFIG_ENTRIES, ...folderEntry(model)]),
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
    const tensor = new PortableTensor(this, this.#ort.Tensor, type, dims, data, () =>
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

/** Settings `a.b.c` as nested objects, which is how onnxruntime-node takes them. */
function nested(entries: readonly (readonly [string, string])[]): Record<string, unknown> {
  const root: Settings = {}
  for (const [key, value] of entries) {
    const path = key.split('.')
    const last = path.pop()!
    let section = root
    for (const name of path) {
      section[name] ??= {}
      section = section[name] as Settings
    }
    section[last] = value
  }
  return root
}

/** Where the file of a model's weights is. */
function folderEntry({ file }: SessionModel): [string, string][] {
  return file === undefined ? [] : [[WEIGHTS_FOLDER, dirname(file.path)]]
}
