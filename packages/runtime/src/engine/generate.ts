import { EngineError } from '@longtake/core'
import type { AttentionMap, Context } from './context.js'
import type { Models } from './models.js'
import type { Sampler } from './sampler.js'
import type { TextStream } from './text-stream.js'

export interface GenerateOptions {
  readonly sampler: Sampler
  readonly text: TextStream
  /** Most tokens to generate, 1 or more; there must be room for them. */
  readonly maxTokens: number
  /** Tokens that end the answer. */
  readonly eosTokenIds: readonly number[]
  readonly write: (text: string) => void
  readonly onFirstToken?: () => void
  readonly signal?: AbortSignal | undefined
}

export interface Generated {
  /** Without the token that ended the answer. */
  readonly ids: readonly number[]
  readonly finishReason: 'stop' | 'length'
}

/** What the question's last token gave: the first token's logits, and what it attended to. */
export interface QuestionResult {
  readonly logits: Float32Array
  readonly attention: readonly AttentionMap[]
}

/**
 * Takes a question in. Its last token runs alone, because only its attention is of interest.
 *
 * @param ids - The prompt after the video; at least one token.
 */
export async function feedQuestion(
  models: Models,
  context: Context,
  ids: readonly number[],
  signal?: AbortSignal,
): Promise<QuestionResult> {
  const embeds = await models.embed(ids, signal)
  const width = embeds.length / ids.length
  const start = context.length
  try {
    if (ids.length > 1) await context.feed(embeds.subarray(0, embeds.length - width), { signal })
    return await context.feed(embeds.subarray(embeds.length - width), {
      signal,
      want: { logits: 'last', attention: true },
    })
  } catch (error) {
    context.rewind(start)
    throw error
  }
}

/**
 * Generates an answer token by token.
 *
 * @throws {EngineError} `ENGINE_FAILED` if the logits are not numbers.
 * @throws {CancelledError} If the signal fires, within one step.
 */
export async function generate(
  models: Models,
  context: Context,
  first: Float32Array,
  { sampler, text, maxTokens, eosTokenIds, write, onFirstToken, signal }: GenerateOptions,
): Promise<Generated> {
  const ids: number[] = []
  let logits = first
  let finishReason: Generated['finishReason'] = 'length'
  while (ids.length < maxTokens) {
    const id = sampler(logits)
    if (!Number.isFinite(logits[id])) throw new EngineError('ENGINE_FAILED', 'The model computed no numbers.')
    if (ids.length === 0) onFirstToken?.()
    if (eosTokenIds.includes(id)) {
      finishReason = 'stop'
      break
    }
    ids.push(id)
    write(text.push(id))
    if (text.stopped) {
      finishReason = 'stop'
      break
    }
    // The last token's own successor is not wanted.
    if (ids.length < maxTokens)
      logits = (await context.feed(await models.embed([id], signal), { signal })).logits
  }
  write(text.end())
  return { ids, finishReason }
}
