import { CancelledError, EngineError, type VideoFacts, type VideoPlan } from '@longtake/core'
import type { PictureRegion } from '@longtake/kernels'
import type { Picture } from '../video/picture.js'
import type { StoryboardOptions } from '../video/storyboard.js'
import { encodePng } from '../video/thumbnail.js'
import { type Answer, type AnswerResult, startAnswer } from './answer.js'
import type { AskOptions } from './ask-options.js'
import { checkFields, checkInteger } from './check.js'
import type { Pictures } from './pictures.js'
import { WorkQueue } from './queue.js'
import { storyboardContents } from './storyboard-contents.js'
import type { WatchedVideo } from './watched-video.js'

/** What every watched video has. */
export interface AskedParts {
  readonly plan: VideoPlan
  readonly facts: VideoFacts
  readonly pictures: Pictures
  /** Whether the weights of an answer's frames say more of some than of others, so that those are marked. */
  readonly hasWeights: boolean
  /** Whether the frames' relevance is drawn as heat. */
  readonly hasRelevance: boolean
  readonly onClose: (video: WatchedVideo) => void
}

/** Whatever is no signal is refused with the other options, through the answer. */
function signalOf(options: AskOptions | null): AbortSignal | undefined {
  return options?.signal instanceof AbortSignal ? options.signal : undefined
}

/** A watched video whose questions are answered one after the other, whoever answers them. */
export abstract class AskedVideo implements WatchedVideo {
  readonly plan: VideoPlan
  readonly facts: VideoFacts
  readonly timestamps: readonly number[]
  readonly #parts: AskedParts
  readonly #queue = new WorkQueue()
  readonly #answers = new Set<Answer>()
  /** Of the last answer that was completed. */
  #last: AnswerResult | undefined
  #closing: Promise<void> | undefined

  constructor(parts: AskedParts) {
    this.plan = parts.plan
    this.facts = parts.facts
    this.timestamps = parts.pictures.timestamps
    this.#parts = parts
  }

  /** Checks a question at once, and returns the work that answers it when its turn has come. */
  protected abstract prepare(
    question: string,
    options: AskOptions,
    write: (text: string) => void,
    signal: AbortSignal,
  ): () => Promise<AnswerResult>

  /** Frees what is held for questions; none is under way then. */
  protected abstract release(): Promise<void>

  /** The part of a picture that the model sees. */
  protected abstract seenOf(picture: Picture): PictureRegion

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
    const { hasWeights, hasRelevance } = this.#parts
    const { pictures, ...contents } = storyboardContents(this.plan, this.facts, this.#parts.pictures, {
      weights: options.weights ?? (hasWeights ? frames?.map(({ weight }) => weight) : undefined),
      heat: options.weights || !hasRelevance ? undefined : frames?.map(({ relevance = 0 }) => relevance),
    })
    // Few need it, and it is much of the code.
    const { storyboard } = await import('../video/storyboard.js')
    return storyboard(pictures, { ...contents, columns: options.columns })
  }

  async thumbnail(index: number): Promise<Uint8Array> {
    this.#requireOpen()
    return encodePng({ ...this.#picture(index), channels: 3 })
  }

  seen(index: number): PictureRegion {
    return this.seenOf(this.#picture(index))
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
    await this.release()
    this.#parts.onClose(this)
  }

  async #ask(
    question: string,
    options: AskOptions,
    write: (text: string) => void,
    signal: AbortSignal,
  ): Promise<AnswerResult> {
    this.#requireOpen()
    const work = this.prepare(question, options, write, signal)
    try {
      const result = await this.#queue.run(work, signal)
      this.#last = result
      return result
    } catch (error) {
      // Whoever closes the video ends its answers: not the caller's cancellation.
      if (error instanceof CancelledError) this.#requireOpen()
      throw error
    }
  }

  #requireOpen(): void {
    if (this.#closing !== undefined)
      throw new EngineError('ENGINE_CLOSED', 'The video was closed; watch it again.')
  }
}
