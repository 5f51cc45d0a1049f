import type { Asked, Evidence, Step, Told, WatchedFacts } from './messages.js'

/** Something that went wrong in the worker, or with it. */
export class Failure extends Error {
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** What work tells on its way. */
export interface Following {
  readonly onStep?: (step: Step) => void
  readonly onText?: (text: string) => void
  /** Ends the work, which then fails as cancelled. */
  readonly signal: AbortSignal
}

/** A watched video, and what the worker's memory was then. */
export interface Watched {
  readonly facts: WatchedFacts
  readonly wasmBytes: number
}

/** The model in a worker, so that the page stays quick. One piece of work at a time. */
export class Engine {
  readonly #worker = new Worker(new URL('./worker/main.ts', import.meta.url), { type: 'module' })
  #told: (told: Told) => void = () => {}

  constructor() {
    this.#worker.onmessage = ({ data }: MessageEvent<Told>) => this.#told(data)
    this.#worker.onerror = ({ message }) =>
      this.#told({ kind: 'failed', code: 'WORKER', message: message || 'The worker could not be started.' })
  }

  async load(following: Following): Promise<void> {
    const checkpoint = new URL('checkpoint/', document.baseURI).href
    await this.#ask({ kind: 'load', checkpoint }, 'loaded', following)
  }

  watch(video: Blob, following: Following): Promise<Watched> {
    return this.#ask({ kind: 'watch', video }, 'watched', following)
  }

  async answer(question: string, following: Following): Promise<Evidence> {
    return (await this.#ask({ kind: 'ask', question }, 'answered', following)).evidence
  }

  #ask<K extends Told['kind']>(
    asked: Asked,
    end: K,
    { onStep, onText, signal }: Following,
  ): Promise<Extract<Told, { kind: K }>> {
    const stop = (): void => this.#worker.postMessage({ kind: 'stop' } satisfies Asked)
    return new Promise<Extract<Told, { kind: K }>>((resolve, reject) => {
      if (signal.aborted) return reject(new Failure('CANCELLED', 'It was stopped.'))
      signal.addEventListener('abort', stop)
      this.#told = (told) => {
        if (told.kind === 'step') onStep?.(told.step)
        else if (told.kind === 'text') onText?.(told.text)
        else if (told.kind === 'failed') reject(new Failure(told.code, told.message))
        else if (told.kind === end) resolve(told as Extract<Told, { kind: K }>)
      }
      this.#worker.postMessage(asked)
    }).finally(() => signal.removeEventListener('abort', stop))
  }
}
