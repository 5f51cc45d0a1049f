import { EngineError } from '@longtake/core'
import { type PictureRegion, seenRegion } from '@longtake/kernels'
import type { Picture } from '../video/picture.js'
import type { AnswerResult } from './answer.js'
import { answerQuestion } from './answer-question.js'
import { type AskOptions, checkAsk } from './ask-options.js'
import { type AskedParts, AskedVideo } from './asked-video.js'
import type { Conversation } from './conversation.js'
import type { Models } from './models.js'
import type { WatchTimings } from './watch-options.js'

/** What a video that was watched by a model of this process is made of. */
export interface WatchedParts extends Omit<AskedParts, 'hasWeights' | 'hasRelevance'> {
  readonly models: Models
  readonly conversation: Conversation
  /** Tokens before the question: prompt and video. */
  readonly prefixTokens: number
  readonly timings: WatchTimings
}

/** A video that was watched by a model of this process. */
export class OpenWatchedVideo extends AskedVideo {
  readonly #parts: WatchedParts

  constructor(parts: WatchedParts) {
    super({ ...parts, hasWeights: true, hasRelevance: parts.plan.pooling?.method === 'guided' })
    this.#parts = parts
  }

  protected override prepare(
    question: string,
    options: AskOptions,
    write: (text: string) => void,
    signal: AbortSignal,
  ): () => Promise<AnswerResult> {
    const ask = checkAsk(question, options)
    const ids = this.#parts.models.checkpoint.encodeQuestion(ask.question)
    const room = this.#roomAfter(ids.after.length)
    const { plan, timestamps } = this
    const { models, conversation, timings } = this.#parts
    const work = { models, plan, timestamps, timings, conversation, ask, ids, room, write, signal }
    return () => answerQuestion(work)
  }

  protected override release(): Promise<void> {
    return this.#parts.conversation.close()
  }

  protected override seenOf({ width, height }: Picture): PictureRegion {
    return seenRegion(width, height, this.#parts.models.checkpoint.model.image)
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
}
