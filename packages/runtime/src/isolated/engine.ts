import type { ModelSpec } from '@longtake/core'
import { CancelledError, EngineError } from '@longtake/core'
import type { Longtake } from '../engine/longtake.js'
import { Child, type Ending } from './child.js'
import type { LoadContent } from './engine-process.js'
import { childEnvironment } from './environment.js'
import { ENGINE_MESSAGES, MOST_ENGINE_CALLS } from './limits.js'
import type { checkIsolated } from './options.js'
import type { CallOptions } from './peer.js'
import { LentSources } from './sources.js'

/** Silence after which a process counts as hung, seconds. */
const HANG_SECONDS = 30
/** The same while a model is loaded, and where each run holds the event loop. */
const BUSY_HANG_SECONDS = 600
/** What `close` waits for work to end before the process is ended, seconds. */
const CLOSE_SECONDS = 10

/** What an engine says of the model it has loaded. */
export interface LoadedModel {
  readonly spec: ModelSpec
  readonly weights: Longtake['weights']
  readonly backend: Longtake['backend']
}

export type CheckedOptions = ReturnType<typeof checkIsolated>

/** A call to an engine, and how long it may take. */
export interface EngineCall extends CallOptions {
  /** Seconds; undefined: as long as it takes. */
  readonly deadlineSeconds?: number | undefined
}

/** One engine process, from its start to its end. */
export class EngineProcess {
  /** What it may read. */
  readonly sources = new LentSources()
  readonly #options: CheckedOptions
  readonly #child: Child

  constructor(options: CheckedOptions) {
    this.#options = options
    const { limits, environment } = options
    this.#child = new Child({
      name: 'The engine process',
      program: new URL('./engine-process.js', import.meta.url),
      runtimeOptions: [],
      environment: childEnvironment(process.env, environment),
      handlers: this.sources.handlers,
      limits: ENGINE_MESSAGES,
      mostCalls: MOST_ENGINE_CALLS,
      hangSeconds: Math.min(limits.loadSeconds, BUSY_HANG_SECONDS),
      memoryBytes: limits.memoryBytes,
    })
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  get memoryBytes(): number {
    return this.#child.memoryBytes
  }

  get ended(): Promise<Ending> {
    return this.#child.ended
  }

  /** @throws Whatever `load` throws there. */
  async load(id: string, signal: AbortSignal | undefined): Promise<LoadedModel> {
    const { sent, limits, videos, onBuild, onPull } = this.#options
    const decoder = {
      hangSeconds: limits.hangSeconds ?? HANG_SECONDS,
      memoryBytes: limits.decoderMemoryBytes,
    }
    const content: LoadContent = { id, options: sent, decoder, videos }
    const onEvent = (event: unknown): void => {
      const { build, pull } = event as { build?: unknown; pull?: unknown }
      if (build !== undefined) onBuild?.(build as Parameters<NonNullable<typeof onBuild>>[0])
      else onPull?.(pull as Parameters<NonNullable<typeof onPull>>[0])
    }
    const deadlineSeconds = limits.loadSeconds
    const loaded = (await this.call('load', content, { signal, onEvent, deadlineSeconds })) as LoadedModel
    const slowest = loaded.backend.name === 'portable' ? BUSY_HANG_SECONDS : HANG_SECONDS
    this.#child.expectLifeWithin(limits.hangSeconds ?? slowest)
    return loaded
  }

  /**
   * Has the engine do something.
   *
   * @throws {EngineError} `ENGINE_CRASHED` if the process ended meanwhile; `ENGINE_TIMEOUT` after the deadline.
   * @throws {CancelledError} If the signal fires; if the engine does not end the work then, it is ended.
   */
  async call(method: string, content: unknown, options: EngineCall = {}): Promise<unknown> {
    const { signal, onEvent, deadlineSeconds } = options
    const stop = new AbortController()
    const cancel = (): void => stop.abort(signal?.reason)
    if (signal?.aborted) cancel()
    signal?.addEventListener('abort', cancel, { once: true })
    let isLate = false
    const beLate = (): void => {
      isLate = true
      stop.abort()
    }
    const deadline = deadlineSeconds === undefined ? undefined : setTimeout(beLate, deadlineSeconds * 1000)
    const hasEnded = new AbortController()
    stop.signal.addEventListener('abort', () => this.#endIfStuck(hasEnded.signal), { once: true })
    try {
      return await this.#child.call(method, content, { signal: stop.signal, onEvent })
    } catch (error) {
      if (isLate) throw new EngineError('ENGINE_TIMEOUT', `It took more than ${deadlineSeconds} s.`)
      if (signal?.aborted) throw new CancelledError(undefined, { cause: signal.reason })
      throw error
    } finally {
      hasEnded.abort()
      clearTimeout(deadline)
      signal?.removeEventListener('abort', cancel)
    }
  }

  /** Lets work end and the process with it. */
  async close(): Promise<void> {
    const late = setTimeout(() => this.kill('it did not close'), CLOSE_SECONDS * 1000)
    // One that is gone is closed.
    await this.#child.call('close', undefined).catch(() => {})
    clearTimeout(late)
    await this.#child.close(CLOSE_SECONDS)
  }

  kill(why: string): void {
    this.#child.kill('hang', why)
  }

  /** Work that was cancelled and goes on holds the engine: it is taken for hung. */
  #endIfStuck(hasEnded: AbortSignal): void {
    const { cancelSeconds } = this.#options.limits
    const why = `cancelled work went on for ${cancelSeconds} s`
    const late = setTimeout(() => this.kill(why), cancelSeconds * 1000)
    hasEnded.addEventListener('abort', () => clearTimeout(late), { once: true })
  }
}
