import { CancelledError, EngineError, type VideoFacts, type VideoPlan } from '@longtake/core'
import { type PictureRegion, seenRegion } from '@longtake/kernels'
import { encodePng, type Picture, type StoryboardOptions, storyboard } from '../video/index.js'
import { type Answer, type AnswerResult, startAnswer } from './answer.js'
import { answerQuestion } from './answer-question.js'
import { type AskOptions, checkAsk } from './ask-options.js'
import { checkFields, checkInteger } from './check.js'
import type { Conversation } from './conversation.js'
import type { Models } from './models.js'
import type { Pictures } from './pictures.js'
import { WorkQueue } from './queue.js'
import { storyboardContents } from './storyboard-contents.js'
import type { WatchTimings } from './watch-options.js'

/**
 * A video that was watched, ready for any number of questions: its tokens are in a KV cache, or where the question
 * decides which tokens enter the context, its features are kept.
 */
export interface WatchedVideo extends AsyncDisposable {
  readonly plan: VideoPlan
  readonly facts: VideoFacts
  /** When each sampled picture begins, `[F]` seconds. */
  readonly timestamps: readonly number[]
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
   * Draws a contact sheet of the sampled frames with their times, of still images each one once; those that the last
   * answer rests on are marked.
   *
   * @param options - `weights`: one for each frame instead of the last answer's; `columns`: frames in a row.
   * @returns A PNG file.
   * @throws {InvalidOptionError} If `columns` or a weight is out of its range; `ShapeError` if there are not as many
   *   weights as frames.
   * @throws {EngineError} `ENGINE_CLOSED` after `close()`.
   */
  storyboard(options?: Partial<Pick<StoryboardOptions, 'weights' | 'columns'>>): Promise<Uint8Array>
  /**
   * A sampled picture, small: at most 320 pixels a side, smaller where there are many.
   *
   * @param index - Place among the sampled frames, in time order.
   * @returns A PNG file.
   * @throws {InvalidOptionError} If there is no such frame.
   * @throws {EngineError} `ENGINE_CLOSED` after `close()`.
   */
  thumbnail(index: number): Promise<Uint8Array>
  /**
   * The part of a sampled picture that the encoder sees, on which its patches lie.
   *
   * @param index - Place among the sampled frames, in time order.
   * @returns Shares of the picture's width and height.
   * @throws {InvalidOptionError} If there is no such frame.
   */
  seen(index: number): PictureRegion
  /** Cancels questions under way and frees what is held for them; repeated calls wait for the same end. */
  close(): Promise<void>
}

/** What a watched video is made of. */
export interface WatchedParts {
  readonly models: Models
  readonly plan: VideoPlan
  readonly facts: VideoFacts
  readonly conversation: Conversation
  /** Tokens before the question: prompt and video. */
  readonly prefixTokens: number
  readonly pictures: Pictures
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
  readonly timestamps: readonly number[]
  readonly #parts: WatchedParts
  readonly #queue = new WorkQueue()
  readonly #answers = new Set<Answer>()
  /** Of the last answer that was completed. */
  #last: AnswerResult | undefined
  #closing: Promise<void> | undefined

  constructor(parts: WatchedParts) {
    this.plan = parts.plan
    this.facts = parts.facts
    this.timestamps = parts.pictures.timestamps
    this.#parts = parts
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
    const frames = this.#last?.frames
    const isGuided = this.plan.pooling?.method === 'guided'
    const { pictures, ...contents } = storyboardContents(this.plan, this.facts, this.#parts.pictures, {
      weights: options.weights ?? frames?.map(({ weight }) => weight),
      heat: options.weights || !isGuided ? undefined : frames?.map(({ relevance = 0 }) => relevance),
    })
    return storyboard(pictures, { ...contents, columns: options.columns })
  }

  async thumbnail(index: number): Promise<Uint8Array> {
    this.#requireOpen()
    return encodePng({ ...this.#picture(index), channels: 3 })
  }

  seen(index: number): PictureRegion {
    const { width, height } = this.#picture(index)
    return seenRegion(width, height, this.#parts.models.checkpoint.model.image)
  }

  #picture(index: number): Picture {
    const { thumbnails } = this.#parts.pictures
    return thumbnails[checkInteger('index', index, 0, thumbnails.length - 1)]!
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
    await this.#parts.conversation.close()
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
    const ids = this.#parts.models.checkpoint.encodeQuestion(ask.question)
    const room = this.#roomAfter(ids.after.length)
    const { plan, timestamps } = this
    const { models, conversation, timings } = this.#parts
    try {
      const work = { models, plan, timestamps, timings, conversation, ask, ids, room, write, signal }
      const result = await this.#queue.run(() => answerQuestion(work), signal)
      this.#last = result
      return result
    } catch (error) {
      // Whoever closes the video ends its answers: not the caller's cancellation.
      if (error instanceof CancelledError) this.#requireOpen()
      throw error
    }
  }

  /** Tokens that an answer may have after a question. */
  #roomAfter(questionTokens: number): number {
    const free = this.plan.contextTokens - this.#parts.prefixTokens
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
