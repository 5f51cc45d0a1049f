import type { Readable, Writable } from 'node:stream'
import { cancelled } from '../ort/abort.js'
import { type MessageLimits, MessageReader, WireError, writeMessage } from './wire.js'
import { readError, writeError } from './wire-error.js'

/** What a handler knows of the call beside what was sent. */
export interface Served {
  /** Fires when the caller cancels, or is gone. */
  readonly signal: AbortSignal
  /** Tells the caller something before the result. */
  readonly tell: (event: unknown) => void
}

/** Answers calls of the other side. */
export type Handlers = Readonly<Record<string, (content: unknown, served: Served) => Promise<unknown>>>

export interface CallOptions {
  readonly signal?: AbortSignal | undefined
  /** Told what the other side tells. What it throws cancels the call, which then rejects with it. */
  readonly onEvent?: ((event: unknown) => void) | undefined
}

interface Call {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
  readonly onEvent: ((event: unknown) => void) | undefined
}

export interface PeerOptions {
  readonly input: Readable
  readonly output: Writable
  readonly handlers: Handlers
  readonly limits: MessageLimits
  /** Most calls of the other side at once; one that asks for more is out of its senses. */
  readonly mostCalls: number
  /** Every message, also one that is only a sign of life. */
  readonly onMessage?: () => void
  /** A sign of life. */
  readonly onBeat?: (beat: unknown) => void
  /** The pipe was closed, or what comes is no message. Called once. */
  readonly onEnd: (failure: WireError | undefined) => void
}

/** One side of a pipe between two processes: calls the other, is called, and may be told of both in between. */
export class Peer {
  readonly #options: PeerOptions
  readonly #calls = new Map<number, Call>()
  readonly #served = new Map<number, AbortController>()
  #nextId = 1
  #ended: { readonly error: Error } | undefined
  #isOver = false

  constructor(options: PeerOptions) {
    this.#options = options
    const reader = new MessageReader(options.limits)
    options.input.on('data', (piece: Uint8Array) => this.#read(reader, piece))
    for (const event of ['end', 'close', 'error']) options.input.on(event, () => this.#over(undefined))
    // A pipe that breaks while it is written to is found out by reading.
    options.output.on('error', () => this.#over(undefined))
  }

  /** Calls under way, and calls that are served. */
  get busy(): number {
    return this.#calls.size + this.#served.size
  }

  /**
   * Has the other side do something.
   *
   * @throws {InvalidOptionError} If `content` is no plain data.
   * @throws Whatever the handler threw, of the same class; what `end` was given, once it was called.
   */
  async call(method: string, content: unknown, { signal, onEvent }: CallOptions = {}): Promise<unknown> {
    if (this.#ended) throw this.#ended.error
    if (signal?.aborted) throw cancelled(signal)
    const id = this.#nextId++
    const message = writeMessage('options', { kind: 'call', id, method, content })
    const cancel = (): void => this.#send({ kind: 'cancel', id })
    try {
      return await new Promise((resolve, reject) => {
        this.#calls.set(id, { resolve, reject, onEvent })
        signal?.addEventListener('abort', cancel, { once: true })
        this.#write(message)
      })
    } finally {
      this.#calls.delete(id)
      signal?.removeEventListener('abort', cancel)
    }
  }

  /** Says that this side is alive. */
  beat(content: unknown): void {
    this.#send({ kind: 'beat', content })
  }

  /** Ends every call under way and every later one with an error. */
  end(error: Error): void {
    if (this.#ended) return
    this.#ended = { error }
    for (const { reject } of this.#calls.values()) reject(error)
    for (const controller of this.#served.values()) controller.abort()
  }

  #over(failure: WireError | undefined): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#options.onEnd(failure)
  }

  #read(reader: MessageReader, piece: Uint8Array): void {
    if (this.#isOver) return
    try {
      for (const message of reader.take(piece)) this.#dispatch(message)
    } catch (error) {
      this.#over(error instanceof WireError ? error : new WireError('A message failed.', { cause: error }))
    }
  }

  #dispatch(message: unknown): void {
    this.#options.onMessage?.()
    const fields: { kind?: unknown; id?: unknown; method?: unknown; content?: unknown } =
      typeof message === 'object' && message !== null ? message : {}
    const { kind, content } = fields
    const id = typeof fields.id === 'number' ? fields.id : -1
    if (kind === 'beat') this.#options.onBeat?.(content)
    else if (kind === 'call') void this.#serve(id, String(fields.method), content)
    else if (kind === 'cancel') this.#served.get(id)?.abort()
    else this.#settle(kind, id, content)
  }

  #settle(kind: unknown, id: number, content: unknown): void {
    const call = this.#calls.get(id)
    // A call may have ended on this side already.
    if (call === undefined) return
    if (kind === 'event') this.#tell(id, call, content)
    else if (kind === 'result') call.resolve(content)
    else if (kind === 'error') call.reject(readError(content))
    else throw new WireError('A message of an unknown kind.')
  }

  #tell(id: number, call: Call, event: unknown): void {
    try {
      call.onEvent?.(event)
    } catch (error) {
      this.#send({ kind: 'cancel', id })
      call.reject(error)
    }
  }

  async #serve(id: number, method: string, content: unknown): Promise<void> {
    const { handlers, mostCalls } = this.#options
    if (this.#served.size >= mostCalls)
      return this.#over(new WireError(`More than ${mostCalls} calls at once.`))
    const controller = new AbortController()
    this.#served.set(id, controller)
    const tell = (event: unknown): void => this.#send({ kind: 'event', id, content: event })
    try {
      const handler = Object.hasOwn(handlers, method) ? handlers[method] : undefined
      if (handler === undefined) throw new WireError(`There is no ${JSON.stringify(method)} here.`)
      const result = await handler(content, { signal: controller.signal, tell })
      this.#send({ kind: 'result', id, content: result })
    } catch (error) {
      this.#send({ kind: 'error', id, content: writeError(error) })
    } finally {
      this.#served.delete(id)
    }
  }

  #send(message: unknown): void {
    this.#write(writeMessage('result', message))
  }

  #write(pieces: readonly Uint8Array[]): void {
    const { output } = this.#options
    if (this.#isOver || !output.writable) return
    for (const piece of pieces) output.write(piece)
  }
}
