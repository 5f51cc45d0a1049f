import { EngineError } from '@longtake/core'
import { loadApi, type Pointer } from './c-api.js'
import { OrtCalls } from './calls.js'
import { loadSession } from './load-session.js'
import { LOG_ERROR } from './log-level.js'
import { MappedFile } from './mapped-file.js'
import { ResidentSession } from './resident-session.js'
import { TensorPool } from './resident-tensor.js'
import { SharedWeights } from './shared-weights.js'
import type {
  Backend,
  Session,
  SessionModel,
  SessionOptions,
  Tensor,
  TensorArrays,
  TensorType,
} from './types.js'

/** Opens the back end that drives the library through its C API. */
export async function openResident(): Promise<ResidentBackend> {
  return new ResidentBackend(new OrtCalls(await loadApi()))
}

export class ResidentBackend implements Backend {
  readonly name = 'resident'
  readonly #calls: OrtCalls
  readonly #env: Pointer
  readonly #pool: TensorPool
  readonly #sessions = new Set<ResidentSession>()
  /** Sessions being opened; the model is held here, as native code reads its arrays. */
  readonly #loading = new Map<Promise<unknown>, SessionModel>()
  /** Weights of files, by path; kept until the back end closes, as later sessions take them too. */
  readonly #shared = new Map<string, SharedWeights>()
  #closing: Promise<void> | undefined

  constructor(calls: OrtCalls) {
    this.#calls = calls
    this.#env = calls.create('env', 'createEnv', LOG_ERROR, 'longtake')
    this.#pool = new TensorPool(calls)
  }

  /** Native objects alive, by kind; empty once the back end has closed. */
  get liveHandles(): Readonly<Record<string, number>> {
    return this.#calls.live()
  }

  tensor<T extends TensorType>(type: T, dims: readonly number[], data?: TensorArrays[T]): Tensor<T> {
    this.#assertOpen()
    return this.#pool.make(type, dims, data)
  }

  async session(model: SessionModel, options: SessionOptions = {}): Promise<Session> {
    this.#assertOpen()
    const loading = this.#load(model, options)
    this.#loading.set(loading, model)
    try {
      return await loading
    } finally {
      this.#loading.delete(loading)
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#loading.keys())
    await Promise.all([...this.#sessions].map((session) => session.close()))
    for (const weights of this.#shared.values()) weights.close()
    this.#shared.clear()
    this.#pool.close()
    this.#calls.release('env', 'releaseEnv', this.#env)
  }

  async #load(model: SessionModel, options: SessionOptions): Promise<ResidentSession> {
    const handle = await loadSession(this.#calls, this.#env, model, this.#sharedOf(model), options)
    try {
      const session = new ResidentSession(this.#calls, this.#pool, handle, () =>
        this.#sessions.delete(session),
      )
      this.#sessions.add(session)
      return session
    } catch (error) {
      this.#calls.release('session', 'releaseSession', handle)
      throw error
    }
  }

  #sharedOf({ file }: SessionModel): SharedWeights | undefined {
    if (file === undefined || !MappedFile.isSupported()) return undefined
    const known = this.#shared.get(file.path)
    if (known !== undefined) return known
    const weights = new SharedWeights(this.#calls, file)
    this.#shared.set(file.path, weights)
    return weights
  }

  #assertOpen(): void {
    if (this.#closing) throw new EngineError('ENGINE_CLOSED', 'The back end is closed; open it again.')
  }
}
