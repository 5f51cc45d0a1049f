import type { PoolingPlan, VideoPlan } from '@longtake/core'
import type { FeatureReader } from '../features/types.js'
import type { Context } from './context.js'
import { type GuideReading, readGuide } from './guide.js'
import type { Models } from './models.js'
import { poolFeatures } from './pool.js'
import { makePrefix, openContext } from './prefix.js'
import type { VideoFeatures } from './video-features.js'

/** A context that holds the prompt up to the question, and the video. */
export interface VideoReading {
  readonly context: Context
  /** What the guide said; absent without one. */
  readonly guide?: GuideReading
  /** What the user should know of it. */
  readonly notes: readonly string[]
  /** Ends the question: the next one finds everything as it was. */
  release(): void
}

/** Puts questions to a watched video, one at a time. */
export interface Conversation {
  /** @throws {CancelledError} If the signal fires; nothing is left then. */
  read(question: string, signal: AbortSignal): Promise<VideoReading>
  close(): Promise<void>
}

/** The video's tokens do not depend on the question: one KV prefix serves all. */
export class SharedContext implements Conversation {
  readonly #context: Context
  readonly #length: number

  /** @param context - Holds the prefix; belongs to the conversation from now on. */
  constructor(context: Context) {
    this.#context = context
    this.#length = context.length
  }

  async read(): Promise<VideoReading> {
    return { context: this.#context, notes: [], release: () => this.#context.rewind(this.#length) }
  }

  async close(): Promise<void> {
    this.#context.close()
  }
}

/** What guided questions need of a watched video. */
export interface GuidedParts {
  readonly models: Models
  readonly plan: VideoPlan
  readonly pooling: PoolingPlan
  /** Prompt before the video, tokens. */
  readonly before: readonly number[]
  readonly features: VideoFeatures
  readonly memoryBudgetBytes: number | undefined
  /** Gives back what else is held, such as the open video. */
  readonly release: () => Promise<void>
}

/** Embeddings of a prefix that was pooled for a question. */
interface PooledPrefix {
  readonly guide: GuideReading
  /** `[tokens, D]` */
  readonly embeds: Float32Array
}

/** The question decides how the video's tokens are pooled: features are kept, and each question has its own context. */
export class GuidedContext implements Conversation {
  readonly #parts: GuidedParts
  /** The last question's, because the same one may come again. */
  #last: { readonly question: string; readonly prefix: PooledPrefix } | undefined

  constructor(parts: GuidedParts) {
    this.#parts = parts
  }

  async read(question: string, signal: AbortSignal): Promise<VideoReading> {
    const { models, plan, features, memoryBudgetBytes } = this.#parts
    const known = this.#last?.question === question ? this.#last.prefix : undefined
    // The one before is not needed while the next is made.
    if (known === undefined) this.#last = undefined
    const noted = features.notes.length
    const prefix = known ?? (await features.use((reader) => this.#pool(reader, question, signal), signal))
    this.#last = { question, prefix }
    const { context } = await openContext(models, plan, prefix.embeds, memoryBudgetBytes, { signal })
    return {
      context,
      guide: prefix.guide,
      notes: [...features.notes.slice(noted), ...noteSegments(prefix.guide)],
      release: () => context.close(),
    }
  }

  async close(): Promise<void> {
    this.#last = undefined
    try {
      await this.#parts.features.close()
    } finally {
      await this.#parts.release()
    }
  }

  async #pool(reader: FeatureReader, question: string, signal: AbortSignal): Promise<PooledPrefix> {
    const { models, plan, pooling, before } = this.#parts
    const guide = await readGuide(models, reader, pooling, question, signal)
    const prefix = await makePrefix(models, plan, before, signal)
    await poolFeatures(
      { models, features: reader, pooling, relevance: guide.relevance, signal },
      prefix.visual,
    )
    return { guide, embeds: prefix.embeds }
  }
}

function noteSegments({ segments, textTokens }: GuideReading): string[] {
  if (segments < 2) return []
  return [
    `The question has ${textTokens} tokens, more than the text guide has positions: it read it in ${segments} equal parts, and their mean guides the pooling.`,
  ]
}
