import { CancelledError } from '@longtake/core'
import type { AnswerTrace } from './trace.js'

/** One sampled picture, and how much the answer rests on it; of models behind an API, what was sent of it. */
export interface FrameWeight {
  /** Place among the sampled frames, in time order. */
  readonly index: number
  /** Seconds, on the video's own clock. */
  readonly timestamp: number
  /** 0 to 1; the weights of all frames add up to 1. */
  readonly weight: number
  /**
   * With guided pooling: the guide's share of the frame, 0 to 1; all frames add up to 1. What the question seems to
   * be about, before anything is read.
   */
  readonly relevance?: number
}

export interface AnswerUsage {
  /** Tokens that the question's context held: text and video together. */
  readonly promptTokens: number
  /** Tokens of the video among them, after pooling; of models behind an API an estimate. */
  readonly visualTokens: number
  readonly completionTokens: number
}

/**
 * Milliseconds. `open` to `prefill` are what watching took, once; the others count from the question. With guided
 * pooling the context depends on the question: then `prefill` is 0, and `firstToken` counts the guide, the pooling and
 * taking the tokens in.
 */
export interface AnswerTimings {
  readonly open: number
  readonly decode: number
  readonly encode: number
  readonly prefill: number
  /** Until the first token was chosen, questions before it in the queue not counted. */
  readonly firstToken: number
  /** Until the answer was complete, questions before it in the queue not counted. */
  readonly total: number
}

/** What an answer settles with. */
export interface AnswerResult {
  readonly text: string
  /** Every sampled frame, in time order. */
  readonly frames: readonly FrameWeight[]
  readonly usage: AnswerUsage
  readonly timings: AnswerTimings
  /** `stop`: the model ended, or a stop string came. `length`: `maxTokens` or the planned context was reached. */
  readonly finishReason: 'stop' | 'length'
  /** What the user should know of this answer, such as that the guide read the question in parts. */
  readonly notes: readonly string[]
  /** How the answer came about, when it was asked for and visual tokens are pooled. */
  readonly trace?: AnswerTrace
}

/**
 * An answer while it comes: iterate it for pieces of text, await it for the whole with its evidence, or both.
 *
 * Leaving the iteration early cancels the answer. Failures reach every iteration and every await; an answer that
 * nobody looks at fails silently.
 */
export interface Answer extends AsyncIterable<string>, PromiseLike<AnswerResult> {
  /** Ends the answer; it then rejects with `CancelledError`. Does nothing once it is complete. */
  cancel(): void
}

/** Writes pieces of text, and settles with the result. */
export type AnswerWork = (write: (text: string) => void, signal: AbortSignal) => Promise<AnswerResult>

/** Starts `work` at once and streams what it writes. `signal` is the caller's own. */
export function startAnswer(work: AnswerWork, signal?: AbortSignal): Answer {
  return new StreamedAnswer(work, signal)
}

class StreamedAnswer implements Answer {
  readonly #pieces: string[] = []
  readonly #result: Promise<AnswerResult>
  readonly #controller = new AbortController()
  #ended = false
  #changed = makeDeferred()

  constructor(work: AnswerWork, signal: AbortSignal | undefined) {
    const abort = (): void => this.#controller.abort(signal?.reason)
    if (signal?.aborted) abort()
    signal?.addEventListener('abort', abort, { once: true })
    this.#result = work((text) => this.#write(text), this.#controller.signal).finally(() => {
      signal?.removeEventListener('abort', abort)
      this.#ended = true
      this.#wake()
    })
    // Whoever awaits or iterates gets the failure; nobody else must fall over it.
    this.#result.catch(() => {})
  }

  // biome-ignore lint/suspicious/noThenProperty: an answer is awaited like a promise, by design
  then<R = AnswerResult, E = never>(
    onfulfilled?: ((result: AnswerResult) => R | PromiseLike<R>) | null,
    onrejected?: ((reason: unknown) => E | PromiseLike<E>) | null,
  ): Promise<R | E> {
    return this.#result.then(onfulfilled, onrejected)
  }

  cancel(): void {
    this.#controller.abort(new CancelledError())
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string, void, undefined> {
    let complete = false
    try {
      for (let next = 0; ; ) {
        while (next < this.#pieces.length) yield this.#pieces[next++]!
        if (this.#ended) break
        await this.#changed.promise
      }
      complete = true
      await this.#result
    } finally {
      if (!complete) this.cancel()
    }
  }

  #write(text: string): void {
    if (text === '') return
    this.#pieces.push(text)
    this.#wake()
  }

  #wake(): void {
    const { resolve } = this.#changed
    this.#changed = makeDeferred()
    resolve()
  }
}

function makeDeferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => {}
  const promise = new Promise<void>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
