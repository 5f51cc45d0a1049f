import { EngineError } from '@longtake/core'
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import { InFlight } from '../in-flight.js'
import { cancelled, throwIfAborted } from './abort.js'
import { arrayOf, PortableTensor } from './portable-tensor.js'
import type { RunOptions, Session, Tensor, TensorType } from './types.js'
import { checkFeeds, checkGraph, checkResults, type ValueInfo } from './value-checks.js'

type Tensors = Readonly<Record<string, Tensor>>

/** What the packages with this API do differently. */
export interface PortableHabits {
  /** Whether an output that is given is written where it lies; else it is copied there afterwards. */
  readonly writesInPlace: boolean
  /** Lets the event loop deliver what came during a run, which held it. */
  breathe(): Promise<void>
}

/** What a session needs of its back end. */
export interface PortableHost {
  readonly habits: PortableHabits
  adopt(type: TensorType, result: OrtTensor): PortableTensor
  sessionClosed(session: PortableSession): void
}

/** A session of the JavaScript API; each run holds the event loop until it has ended. */
export class PortableSession implements Session {
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly #host: PortableHost
  readonly #session: InferenceSession
  readonly #inputInfos: readonly ValueInfo[]
  readonly #outputInfos: readonly ValueInfo[]
  readonly #running = new InFlight()
  #closing: Promise<void> | undefined

  constructor(host: PortableHost, session: InferenceSession) {
    this.#host = host
    this.#session = session
    this.#inputInfos = session.inputMetadata.map(describe)
    this.#outputInfos = session.outputMetadata.map(describe)
    checkGraph(this.#inputInfos, this.#outputInfos)
    this.inputs = Object.freeze([...session.inputNames])
    this.outputs = Object.freeze([...session.outputNames])
  }

  async run(
    feeds: Tensors,
    results: Tensors = {},
    options: RunOptions = {},
  ): Promise<Record<string, Tensor>> {
    if (this.#closing) throw new EngineError('ENGINE_CLOSED', 'The session is closed; open it again.')
    checkFeeds(this.#inputInfos, feeds)
    checkResults(this.#outputInfos, results)
    const inputs = this.inputs.map((name) => [name, this.#own(name, feeds[name]!).ort] as const)
    const given = Object.entries(results).map(
      ([name, tensor]) => [name, this.#own(name, tensor).ort] as const,
    )
    // A given output is written where it lies, and `null` asks for a new one; copies come back of both.
    const fetches = [
      ...this.outputs.map((name) => [name, null] as const),
      ...(this.#host.habits.writesInPlace ? given : []),
    ]
    return this.#running.track(
      this.#run(Object.fromEntries(inputs), Object.fromEntries(fetches), results, options),
    )
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#running.settled()
    await this.#session.release()
    this.#host.sessionClosed(this)
  }

  #own(name: string, tensor: Tensor): PortableTensor {
    if (!(tensor instanceof PortableTensor) || !tensor.belongsTo(this.#host))
      throw new EngineError('ENGINE_FAILED', `Tensor ${name} is of another back end; make it with this one.`)
    if (tensor.closed) throw new EngineError('ENGINE_CLOSED', `Tensor ${name} is closed; make a new one.`)
    return tensor
  }

  async #run(
    feeds: Readonly<Record<string, OrtTensor>>,
    fetches: Readonly<Record<string, OrtTensor | null>>,
    results: Tensors,
    { signal }: RunOptions,
  ): Promise<Record<string, Tensor>> {
    throwIfAborted(signal)
    const produced = await this.#session.run(feeds, fetches).catch((error: unknown) => {
      throw ortError(error)
    })
    const { breathe, writesInPlace } = this.#host.habits
    if (signal) {
      await breathe()
      // Such as the caller's abort.
      if (signal.aborted) throw cancelled(signal)
    }
    if (!writesInPlace) copyInto(results, produced)
    const entries = this.#outputInfos.map(({ name, type }) => {
      return [name, results[name] ?? this.#host.adopt(type, produced[name]!)] as const
    })
    return Object.fromEntries(entries)
  }
}

/** @throws {EngineError} `ENGINE_FAILED` if an output has not the size of the tensor that receives it. */
function copyInto(results: Tensors, produced: Readonly<Record<string, OrtTensor>>): void {
  for (const [name, { type, dims, data }] of Object.entries(results)) {
    const made = arrayOf(type, produced[name]!)
    if (made.length !== data.length)
      throw new EngineError(
        'ENGINE_FAILED',
        `Output ${name} has dimensions ${produced[name]!.dims}; the tensor for it has ${dims}.`,
      )
    ;(data as { set(source: unknown): void }).set(made)
  }
}

/** Turns what ONNX Runtime throws into ours. */
export function ortError(cause: unknown): EngineError {
  if (cause instanceof EngineError) return cause
  const message = cause instanceof Error ? cause.message : String(cause)
  return new EngineError('ENGINE_FAILED', `ONNX Runtime: ${message.trim()}`, { cause })
}

function describe(value: InferenceSession.ValueMetadata): ValueInfo {
  if (!value.isTensor)
    throw new EngineError('ENGINE_FAILED', 'An input or output of the graph is of a type not carried.')
  return { name: value.name, type: value.type as TensorType }
}
