import type { VideoFacts, VideoPlan } from '@longtake/core'
import { EngineError } from '@longtake/core'
import type { PictureRegion } from '@longtake/kernels'
import { type Answer, type AnswerResult, startAnswer } from '../engine/answer.js'
import { type AskOptions, checkAsk } from '../engine/ask-options.js'
import { checkFields, checkInteger } from '../engine/check.js'
import type { WatchedVideo } from '../engine/watched-video.js'
import type { StoryboardOptions } from '../video/index.js'
import type { EngineProcess } from './engine.js'
import type { AskContent, StoryboardContent, ThumbnailContent } from './engine-process.js'

/** What an engine says of a video it has watched. */
export interface WatchedContent {
  readonly id: number
  readonly plan: VideoPlan
  readonly facts: VideoFacts
  readonly timestamps: readonly number[]
  /** Of each sampled picture. */
  readonly seen: readonly PictureRegion[]
}

export interface IsolatedVideoOptions {
  /** Seconds that an answer may take; undefined: as long as it takes. */
  readonly askSeconds: number | undefined
  /** Gives back what was opened for the video. */
  readonly release: () => Promise<void>
}

/** A video that an engine process holds. It ends with the process. */
export class IsolatedVideo implements WatchedVideo {
  readonly plan: VideoPlan
  readonly facts: VideoFacts
  readonly timestamps: readonly number[]
  readonly #engine: EngineProcess
  readonly #watched: WatchedContent
  readonly #askSeconds: number | undefined
  readonly #release: () => Promise<void>
  #closing: Promise<void> | undefined

  constructor(engine: EngineProcess, watched: WatchedContent, { askSeconds, release }: IsolatedVideoOptions) {
    this.plan = watched.plan
    this.facts = watched.facts
    this.timestamps = watched.timestamps
    this.#engine = engine
    this.#watched = watched
    this.#askSeconds = askSeconds
    this.#release = release
  }

  ask(question: string, options: AskOptions = {}): Answer {
    const signal = options?.signal instanceof AbortSignal ? options.signal : undefined
    return startAnswer((write, linked) => this.#ask(question, options, write, linked), signal)
  }

  async storyboard(
    options: Partial<Pick<StoryboardOptions, 'weights' | 'columns'>> = {},
  ): Promise<Uint8Array> {
    this.#requireOpen()
    checkFields(options, ['weights', 'columns'])
    const content: StoryboardContent = { video: this.#watched.id, options }
    return (await this.#engine.call('storyboard', content)) as Uint8Array
  }

  async thumbnail(index: number): Promise<Uint8Array> {
    this.#requireOpen()
    const content: ThumbnailContent = { video: this.#watched.id, index: this.#place(index) }
    return (await this.#engine.call('thumbnail', content)) as Uint8Array
  }

  seen(index: number): PictureRegion {
    return this.#watched.seen[this.#place(index)]!
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #ask(question: string, options: AskOptions, write: (text: string) => void, signal: AbortSignal) {
    this.#requireOpen()
    checkAsk(question, options)
    const { signal: _, ...sent } = options
    const content: AskContent = { video: this.#watched.id, question, options: sent }
    const onEvent = (text: unknown): void => write(String(text))
    const call = { signal, onEvent, deadlineSeconds: this.#askSeconds }
    return (await this.#engine.call('ask', content, call)) as AnswerResult
  }

  async #close(): Promise<void> {
    // An engine that is gone holds nothing any more.
    await this.#engine.call('forget', this.#watched.id).catch(() => {})
    await this.#release()
  }

  #place(index: number): number {
    return checkInteger('index', index, 0, this.timestamps.length - 1)
  }

  #requireOpen(): void {
    if (this.#closing !== undefined)
      throw new EngineError('ENGINE_CLOSED', 'The video was closed; watch it again.')
  }
}
