import { setTimeout as pause } from 'node:timers/promises'
import { EngineError } from '@longtake/core'
import { cancelled, throwIfAborted } from '../ort/abort.js'
import type { Ending } from './child.js'
import { type CheckedOptions, EngineProcess, type LoadedModel } from './engine.js'
import type { IsolatedState } from './options.js'

/** Pause after the first start that failed, milliseconds; doubled after each further one. */
const FIRST_PAUSE_MILLISECONDS = 250
const LONGEST_PAUSE_MILLISECONDS = 30_000

/** An engine process with its model loaded. */
interface Running {
  readonly engine: EngineProcess
  readonly loaded: LoadedModel
}

/** Keeps one engine process running: where one ends, another is started; where starting fails, after a pause. */
export class Supervisor {
  readonly #id: string
  readonly #options: CheckedOptions
  readonly #closing = new AbortController()
  #running: Promise<Running> | undefined
  /** The process that there is, ready or not. */
  #engine: EngineProcess | undefined
  #status: IsolatedState['status'] = 'starting'
  #restarts = 0
  /** Starts that failed since the last one that did not. */
  #failures = 0
  #lastEnding: string | undefined

  constructor(id: string, options: CheckedOptions) {
    this.#id = id
    this.#options = options
  }

  get state(): IsolatedState {
    return {
      status: this.#status,
      pid: this.#engine?.pid,
      restarts: this.#restarts,
      memoryBytes: this.#engine?.memoryBytes ?? 0,
      ...(this.#lastEnding !== undefined && { lastEnding: this.#lastEnding }),
    }
  }

  /** Starts the first process; a failure is the caller's. */
  async start(signal: AbortSignal | undefined): Promise<Running> {
    const running = await this.#start(signal)
    this.#running = Promise.resolve(running)
    return running
  }

  /**
   * The process that runs, or the next one.
   *
   * @throws {EngineError} `ENGINE_CRASHED` if that one ends while it starts; whatever `load` throws.
   */
  async engine(signal: AbortSignal | undefined): Promise<EngineProcess> {
    this.requireOpen()
    throwIfAborted(signal)
    // The pause before a start does not keep this process alive; who waits for it does.
    const hold = setInterval(() => {}, LONGEST_PAUSE_MILLISECONDS)
    const { promise, stop } = whenAborted(signal)
    try {
      const running = await Promise.race([this.#running, promise])
      this.requireOpen()
      return running!.engine
    } finally {
      stop()
      clearInterval(hold)
    }
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#change('closed')
    const engine = this.#engine
    await engine?.close()
    this.#engine = undefined
  }

  requireOpen(): void {
    if (this.#closing.signal.aborted)
      throw new EngineError('ENGINE_CLOSED', 'The model was closed; load it again.')
  }

  async #start(signal: AbortSignal | undefined): Promise<Running> {
    this.requireOpen()
    const engine = new EngineProcess(this.#options)
    this.#engine = engine
    this.#change(this.#status)
    let isReady = false
    void engine.ended.then((ending) => this.#ended(engine, ending, isReady))
    try {
      const loaded = await engine.load(this.#id, signal)
      isReady = true
      this.#failures = 0
      this.#change('ready')
      return { engine, loaded }
    } catch (error) {
      await engine.close()
      throw error
    }
  }

  #ended(engine: EngineProcess, { message, stderr }: Ending, wasReady: boolean): void {
    this.#lastEnding = stderr === '' ? message : `${message} ${stderr}`
    if (this.#engine === engine) this.#engine = undefined
    if (wasReady && !this.#closing.signal.aborted) this.#restart()
  }

  #restart(): void {
    this.#restarts++
    this.#change('restarting')
    const running = this.#startAfterPause()
    this.#running = running
    running.catch((error) => {
      if (this.#closing.signal.aborted) return
      this.#failures++
      this.#lastEnding = error instanceof Error ? error.message : String(error)
      this.#restart()
    })
  }

  async #startAfterPause(): Promise<Running> {
    const pauseMilliseconds = FIRST_PAUSE_MILLISECONDS * 2 ** (this.#failures - 1)
    if (this.#failures > 0) {
      const milliseconds = Math.min(pauseMilliseconds, LONGEST_PAUSE_MILLISECONDS)
      const { signal } = this.#closing
      await pause(milliseconds, undefined, { ref: false, signal }).catch(() => {})
    }
    return this.#start(this.#closing.signal)
  }

  #change(status: IsolatedState['status']): void {
    if (this.#status === 'closed') return
    this.#status = status
    this.#options.onState?.(this.state)
  }
}

/** Rejects when the signal fires, until it is stopped. */
function whenAborted(signal: AbortSignal | undefined) {
  let stop = (): void => {}
  const promise = new Promise<never>((_, reject) => {
    if (signal === undefined) return
    const abort = (): void => reject(cancelled(signal))
    signal.addEventListener('abort', abort, { once: true })
    stop = () => signal.removeEventListener('abort', abort)
  })
  return { promise, stop }
}
