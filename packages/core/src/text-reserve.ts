import { checkInteger } from './check.js'
import { InvalidOptionError } from './errors.js'
import {
  DEFAULT_PREFILL_CHUNK,
  DEFAULT_TEXT_SHARE,
  DEFAULT_TEXT_TOKENS,
  MAX_CONTEXT_TOKENS,
  MAX_PREFILL_CHUNK,
  MAX_TEXT_TOKENS,
} from './limits.js'
import type { PlanOptions } from './plan-types.js'
import type { ModelSpec } from './spec.js'

/** Tokens that are kept for text, and how many are taken in at once. */
export interface TextReserve {
  readonly prompt: number
  readonly answer: number
  readonly prefillChunk: number
}

/** @throws {InvalidOptionError} If an option is out of its range. */
export function textReserve(spec: ModelSpec, options: PlanOptions): TextReserve {
  const share = Math.max(Math.floor(spec.context.trainedLength * DEFAULT_TEXT_SHARE), 1)
  const reserve = Math.min(DEFAULT_TEXT_TOKENS, share)
  const chunk = options.prefillChunk ?? DEFAULT_PREFILL_CHUNK
  return {
    prompt: checkInteger('promptTokens', options.promptTokens ?? reserve, 0, MAX_TEXT_TOKENS),
    answer: checkInteger('maxNewTokens', options.maxNewTokens ?? reserve, 1, MAX_TEXT_TOKENS),
    prefillChunk: checkInteger('prefillChunk', chunk, 1, MAX_PREFILL_CHUNK),
  }
}

/**
 * Capacity of a context, tokens.
 *
 * @throws {InvalidOptionError} If it is more than any context holds.
 */
export function contextTokens(visual: number, { prompt, answer }: TextReserve): number {
  const context = visual + prompt + answer
  if (context <= MAX_CONTEXT_TOKENS) return context
  throw new InvalidOptionError('frames', `frames and text of at most ${MAX_CONTEXT_TOKENS} tokens`, context)
}
