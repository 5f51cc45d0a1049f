import { EngineError } from '@longtake/core'
import { InFlight } from '../in-flight.js'
import { cancelled, throwIfAborted } from './abort.js'
import type { OrtFunctions, Pointer } from './c-api.js'
import type { Block, OrtCalls } from './calls.js'
import { typeOfCode } from './elements.js'
import { LOG_ERROR } from './log-level.js'
import { nativeStrings } from './native-strings.js'
import { describeTensor, ResidentTensor, type TensorPool } from './resident-tensor.js'
import type { RunOptions, Session, Tensor } from './types.js'
import { checkFeeds, checkGraph, checkResults, type ValueInfo } from './value-checks.js'

/** What one run at a time needs natively: its options, and the table of its inputs and outputs. */
interface Frame {
  readonly options: Pointer
  readonly block: Block
  readonly values: BigUint64Array
}

type Tensors = Readonly<Record<string, Tensor>>

/** A graph in native memory; runs go to worker threads, tensors are bound where they lie. */
export class ResidentSession implements Session {
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly #calls: OrtCalls
  readonly #pool: TensorPool
  readonly #handle: Pointer
  readonly #inputInfos: readonly ValueInfo[]
  readonly #outputInfos: readonly ValueInfo[]
  readonly #names: Block
  readonly #idleFrames: Frame[] = []
  readonly #onClosed: () => void
  readonly #running = new InFlight()
  #closing: Promise<void> | undefined

  /** Takes over the session's handle; `onClosed` is called when it has been released. */
  constructor(calls: OrtCalls, pool: TensorPool, handle: Pointer, onClosed: () => void) {
    this.#calls = calls
    this.#pool = pool
    this.#handle = handle
    this.#onClosed = onClosed
    this.#inputInfos = describeValues(calls, handle, 'Input')
    this.#outputInfos = describeValues(calls, handle, 'Output')
    checkGraph(this.#inputInfos, this.#outputInfos)
    this.inputs = Object.freeze(this.#inputInfos.map(({ name }) => name))
    this.outputs = Object.freeze(this.#outputInfos.map(({ name }) => name))
    this.#names = nativeStrings(calls, [...this.inputs, ...this.outputs])
  }

  async run(
    feeds: Tensors,
    results: Tensors = {},
    options: RunOptions = {},
  ): Promise<Record<string, Tensor>> {
    if (this.#closing) throw new EngineError('ENGINE_CLOSED', 'The session is closed; open it again.')
    checkFeeds(this.#inputInfos, feeds)
    checkResults(this.#outputInfos, results)
    const inputs = this.inputs.map((name) => this.#own(name, feeds[name]!))
    const outputs = this.outputs.map((name) => results[name] && this.#own(name, results[name]))
    return this.#running.track(this.#run(inputs, outputs, options))
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#running.settled()
    for (const frame of this.#idleFrames.splice(0)) this.#freeFrame(frame)
    this.#calls.free(this.#names)
    this.#calls.release('session', 'releaseSession', this.#handle)
    this.#onClosed()
  }

  #own(name: string, tensor: Tensor): ResidentTensor {
    if (!(tensor instanceof ResidentTensor) || !tensor.belongsTo(this.#pool))
      throw new EngineError('ENGINE_FAILED', `Tensor ${name} is of another back end; make it with this one.`)
    if (tensor.closed) throw new EngineError('ENGINE_CLOSED', `Tensor ${name} is closed; make a new one.`)
    return tensor
  }

  async #run(
    inputs: readonly ResidentTensor[],
    outputs: readonly (ResidentTensor | undefined)[],
    { signal }: RunOptions,
  ): Promise<Record<string, Tensor>> {
    throwIfAborted(signal)
    const values = [...inputs, ...outputs].map((tensor) => tensor?.pin() ?? 0n)
    try {
      return await this.#calls.turn(signal, () => this.#runNow(values, outputs, signal))
    } finally {
      for (const tensor of [...inputs, ...outputs]) tensor?.unpin()
    }
  }

  async #runNow(
    values: readonly Pointer[],
    outputs: readonly (ResidentTensor | undefined)[],
    signal: AbortSignal | undefined,
  ): Promise<Record<string, Tensor>> {
    const frame = this.#idleFrames.pop() ?? this.#makeFrame()
    frame.values.set(values)
    try {
      await this.#callRun(frame, signal)
      return this.#collect(frame, outputs, signal)
    } finally {
      if (signal?.aborted) this.#calls.check(this.#calls.f.runOptionsUnsetTerminate(frame.options))
      this.#idleFrames.push(frame)
    }
  }

  #callRun(frame: Frame, signal: AbortSignal | undefined): Promise<void> {
    const names = this.#names.start
    const values = frame.block.start
    const inputs = this.inputs.length
    const after = (start: Pointer) => start + BigInt(inputs * BigUint64Array.BYTES_PER_ELEMENT)
    const tables = [names, values, inputs, after(names), this.outputs.length, after(values)]
    const stop = () => this.#calls.check(this.#calls.f.runOptionsSetTerminate(frame.options))
    return this.#calls.async('run', [this.#handle, frame.options, ...tables], signal, stop)
  }

  #collect(
    frame: Frame,
    given: readonly (ResidentTensor | undefined)[],
    signal: AbortSignal | undefined,
  ): Record<string, Tensor> {
    const tensors = given.map((tensor, index) => {
      return tensor ?? this.#pool.adopt(frame.values[this.inputs.length + index]!)
    })
    if (signal?.aborted) {
      for (const tensor of tensors) if (!given.includes(tensor)) tensor.close()
      throw cancelled(signal)
    }
    return Object.fromEntries(tensors.map((tensor, index) => [this.outputs[index], tensor]))
  }

  #makeFrame(): Frame {
    const words = this.inputs.length + this.outputs.length
    const block = this.#calls.allocate(words * BigUint64Array.BYTES_PER_ELEMENT)
    const options = this.#calls.create('runOptions', 'createRunOptions')
    this.#calls.check(this.#calls.f.runOptionsSetRunLogSeverityLevel(options, LOG_ERROR))
    return { options, block, values: new BigUint64Array(this.#calls.view(block.start, block.bytes)) }
  }

  #freeFrame(frame: Frame): void {
    this.#calls.release('runOptions', 'releaseRunOptions', frame.options)
    this.#calls.free(frame.block)
  }
}

function describeValues(calls: OrtCalls, session: Pointer, side: 'Input' | 'Output'): ValueInfo[] {
  const name = (what: string) => `sessionGet${side}${what}` as keyof OrtFunctions
  const count = Number(calls.out(name('Count'), session))
  return Array.from({ length: count }, (_, index) => ({
    name: readName(calls, name('Name'), session, index),
    type: readType(calls, name('TypeInfo'), session, index),
  }))
}

function readName(calls: OrtCalls, getter: keyof OrtFunctions, session: Pointer, index: number): string {
  const allocator = calls.out('getAllocatorWithDefaultOptions')
  const text = calls.out(getter, session, index, allocator)
  try {
    return calls.api.koffi.decode.string(text)
  } finally {
    calls.check(calls.f.allocatorFree(allocator, text))
  }
}

function readType(
  calls: OrtCalls,
  getter: keyof OrtFunctions,
  session: Pointer,
  index: number,
): ValueInfo['type'] {
  const info = calls.out(getter, session, index)
  try {
    const tensor = calls.out('castTypeInfoToTensorInfo', info)
    const type = tensor && typeOfCode(describeTensor(calls, tensor).code)
    if (!type)
      throw new EngineError('ENGINE_FAILED', 'An input or output of the graph is of a type not carried.')
    return type
  } finally {
    calls.f.releaseTypeInfo(info)
  }
}
