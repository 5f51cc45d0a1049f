import { CancelledError, EngineError, type VideoFacts, type VideoPlan } from '@longtake/core'
import { type Picture, type StoryboardOptions, storyboard } from '../video/index.js'
import { type Answer, type AnswerResult, type FrameWeight, startAnswer } from './answer.js'
import { type AskOptions, type CheckedAsk, checkAsk } from './ask-options.js'
import { checkFields } from './check.js'
import type { AttentionMap, Context } from './context.js'
import { generate } from './generate.js'
import type { Models } from './models.js'
import { WorkQueue } from './queue.js'
import { weighFrames } from './relevance.js'
import { makeSampler } from './sampler.js'
import { TextStream } from './text-stream.js'
import type { WatchTimings } from './watch-options.js'

/** A video that was watched: its tokens are in a KV cache, ready for any number of questions. */
export interface WatchedVideo extends AsyncDisposable {
  readonly plan: VideoPlan
  readonly facts: VideoFacts
  /**
   * Asks a question. Every question is answered from the video alone, not from earlier questions; questions asked
   * at once are answered one after the other.
   *
   * @param question - Text; it is never read as special tokens.
   * @returns At once. Failures, such as an empty question (`INVALID_OPTION`), one that does not fit
   *   (`CONTEXT_TOO_LONG`), a cancellation (`CANCELLED`) or a closed video (`ENGINE_CLOSED`), come from the answer.
   */
  ask(question: string, options?: AskOptions): Answer
  /**
   * Draws a contact sheet of the sampled frames with their times; the frames that the last answer rests on are marked.
   *
   * @param options - `weights`: one for each frame instead of the last answer's; `columns`: frames in a row.
   * @returns A PNG file.
   * @throws {InvalidOptionError} If `columns` or a weight is out of its range; `ShapeError` if there are not as many
   *   weights as frames.
   * @throws {EngineError} `ENGINE_CLOSED` after `close()`.
   */
  storyboard(options?: Partial<Pick<StoryboardOptions, 'weights' | 'columns'>>): Promise<Uint8Array>
  /** Cancels questions under way and frees the KV cache; repeated calls wait for the same end. */
  close(): Promise<void>
}

/** What a watched video is made of. */
export interface WatchedParts {
  readonly models: Models
  readonly plan: VideoPlan
  readonly facts: VideoFacts
  /** Holds the prefix: prompt before the video, and the video. */
  readonly context: Context
  /** When each frame begins, seconds. */
  readonly timestamps: readonly number[]
  readonly thumbnails: readonly Picture[]
  readonly timings: WatchTimings
  readonly onClose: (video: WatchedVideo) => void
}

/** Whatever is no signal is refused with the other options, through the answer. */
function signalOf(options: AskOptions | null): AbortSignal | undefined {
  return options?.signal instanceof AbortSignal ? options.signal : undefined
}

export class OpenWatchedVideo implements WatchedVideo {
  readonly plan: VideoPlan
  readonly facts: VideoFacts
  readonly #parts: WatchedParts
  readonly #prefixLength: number
  readonly #queue = new WorkQueue()
  readonly #answers = new Set<Answer>()
  /** Of the last answer that was completed. */
  #weights: readonly number[] | undefined
  #closing: Promise<void> | undefined

  constructor(parts: WatchedParts) {
    this.plan = parts.plan
    this.facts = parts.facts
    this.#parts = parts
    this.#prefixLength = parts.context.length
  }

  ask(question: string, options: AskOptions = {}): Answer {
    const answer: Answer = startAnswer(
      (write, signal) => this.#ask(question, options, write, signal),
      signalOf(options),
    )
    this.#answers.add(answer)
    const forget = (): void => void this.#answers.delete(answer)
    answer.then(forget, forget)
    return answer
  }

  async storyboard(
    options: Partial<Pick<StoryboardOptions, 'weights' | 'columns'>> = {},
  ): Promise<Uint8Array> {
    this.#requireOpen()
    checkFields(options, ['weights', 'columns'])
    const { thumbnails, timestamps } = this.#parts
    return storyboard(thumbnails, {
      timestamps,
      weights: options.weights ?? this.#weights,
      columns: options.columns,
    })
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    for (const answer of this.#answers) answer.cancel()
    await this.#queue.idle()
    this.#parts.context.close()
    this.#parts.onClose(this)
  }

  async #ask(
    question: string,
    options: AskOptions,
    write: (text: string) => void,
    signal: AbortSignal,
  ): Promise<AnswerResult> {
    this.#requireOpen()
    const ask = checkAsk(question, options)
    const ids = this.#parts.models.checkpoint.encodeQuestion(ask.question).after
    const room = this.#roomAfter(ids.length)
    try {
      return await this.#queue.run(() => this.#answer(ask, ids, room, write, signal), signal)
    } catch (error) {
      // Whoever closes the video ends its answers: not the caller's cancellation.
      if (error instanceof CancelledError) this.#requireOpen()
      throw error
    }
  }

  async #answer(
    ask: CheckedAsk,
    ids: readonly number[],
    room: number,
    write: (text: string) => void,
    signal: AbortSignal,
  ): Promise<AnswerResult> {
    const { models, context, timings } = this.#parts
    const start = performance.now()
    let firstToken = 0
    try {
      const embeds = await models.embed(ids, signal)
      const asked = await context.feed(embeds, { signal, mode: 'answer', attention: true })
      const frames = this.#weigh(asked.attention)
      let text = ''
      const generated = await generate(models, context, asked.logits, {
        sampler: makeSampler(ask.sampling),
        text: new TextStream(models.checkpoint.decode, ask.stops),
        maxTokens: Math.min(ask.maxTokens ?? this.plan.maxNewTokens, room),
        eosTokenIds: models.checkpoint.model.eosTokenIds,
        write: (piece) => {
          text += piece
          write(piece)
        },
        onFirstToken: () => {
          firstToken = performance.now() - start
        },
        signal,
      })
      this.#weights = frames.map(({ weight }) => weight)
      return {
        text,
        frames,
        usage: {
          promptTokens: this.#prefixLength + ids.length,
          visualTokens: this.plan.visualTokens,
          completionTokens: generated.ids.length,
        },
        timings: { ...timings, firstToken, total: performance.now() - start },
        finishReason: generated.finishReason,
      }
    } finally {
      context.rewind(this.#prefixLength)
    }
  }

  #weigh(attention: readonly AttentionMap[]): FrameWeight[] {
    const { evidenceLayer } = this.#parts.models.checkpoint.model
    const layers = attention.filter((_, layer) => layer === (evidenceLayer ?? layer))
    const visualStart = this.#prefixLength - this.plan.visualTokens
    return weighFrames(this.plan, layers, visualStart, this.#parts.timestamps)
  }

  /** Tokens that an answer may have after a question. */
  #roomAfter(questionTokens: number): number {
    const free = this.plan.contextTokens - this.#prefixLength
    if (questionTokens >= free) {
      throw new EngineError(
        'CONTEXT_TOO_LONG',
        `The question takes ${questionTokens} tokens of ${free} that the plan leaves beside the video, none for an answer. ` +
          'Shorten it, or watch with a larger promptTokens.',
      )
    }
    return free - questionTokens
  }

  #requireOpen(): void {
    if (this.#closing !== undefined)
      throw new EngineError('ENGINE_CLOSED', 'The video was closed; watch it again.')
  }
}
