import { EngineError } from '@longtake/core'
import type { Context } from './context.js'
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
    if (ids.length < maxTokens) {
      logits = (await context.feed(await models.embed([id], signal), { signal, mode: 'answer' })).logits
    }
  }
  write(text.end())
  return { ids, finishReason }
}
