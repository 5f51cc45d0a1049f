import { DEFAULT_KV_CACHE_BYTES, EngineError, kvCacheBytes, type VideoPlan } from '@longtake/core'
import { allocateFloats } from './allocate.js'
import { Context, type FeedOptions } from './context.js'
import { breakLines } from './encoder-plan.js'
import { KvCache } from './kv-cache.js'
import type { Models } from './models.js'
import { exampleText } from './text-example.js'

/** Embeddings of everything before the question: the prompt's beginning, then the video. */
export interface Prefix {
  /** `[tokens, D]` */
  readonly embeds: Float32Array
  /** The frames' part of `embeds`, to be filled in. */
  readonly visual: Float32Array
  /** `[V, D]`: `visual` and the tokens that follow it. */
  readonly visualTokens: Float32Array
}

/** Makes a video's prefix, with zeros where the frames go; line breaks are there. */
export async function makePrefix(
  models: Models,
  plan: VideoPlan,
  before: readonly number[],
  signal?: AbortSignal,
): Promise<Prefix> {
  const text = await models.embed(before, signal)
  const { spec } = models.checkpoint.model
  const size = plan.visualTokens * spec.decoder.hiddenSize
  const embeds = allocateFloats(text.length + size, 'Visual tokens')
  embeds.set(text)
  const newline = await models.newline()
  const end = embeds.length - plan.trailingTokens * spec.decoder.hiddenSize
  for (let at = end; at < embeds.length; at += newline.length) embeds.set(newline, at)
  const visual = embeds.subarray(text.length, end)
  breakLines(spec, plan, newline, visual)
  return {
    embeds,
    visual,
    visualTokens: embeds.subarray(text.length),
  }
}

/**
 * Fills a new context with a video's prefix.
 *
 * A quantised cache is filled in fp32 first and compressed once, with scales taken from the whole prefix, which is
 * both faster and closer to fp32. An example of text goes through the decoder after it and has a say in the scales,
 * because questions and answers are stored with them too; it is forgotten then. Where `memoryBudgetBytes`, 5 GiB if it is
 * not given, does not hold both caches, only the first chunk and the example are, and later chunks are quantised with their scales; that
 * fp32 cache is all that may stand above the budget, once.
 *
 * @param prefix - `[tokens, D]`
 * @throws {EngineError} `CONTEXT_TOO_LONG` if the plan leaves no room after the prefix.
 * @throws {CancelledError} If the signal fires, within one chunk; everything is freed then.
 */
export async function openContext(
  models: Models,
  plan: VideoPlan,
  prefix: Float32Array,
  memoryBudgetBytes: number | undefined,
  options: FeedOptions = {},
): Promise<{ context: Context; logits: Float32Array }> {
  const { decoder } = models.checkpoint.model.spec
  const tokens = prefix.length / decoder.hiddenSize
  const { contextTokens, kvCache, prefillChunk, rope } = plan
  requireRoom(plan, tokens)
  const direct = kvCache.type === 'fp32'
  const text = direct ? new Float32Array(0) : await exampleText(models, options.signal)
  const textTokens = text.length / decoder.hiddenSize
  const bothBytes = kvCacheBytes(decoder, tokens + textTokens, 'fp32') + kvCache.bytes
  const whole = direct || bothBytes <= (memoryBudgetBytes ?? DEFAULT_KV_CACHE_BYTES)
  const first = whole ? tokens : Math.min(tokens, prefillChunk)
  const cache = new KvCache(models.backend, decoder, 'fp32', direct ? contextTokens : first + textTokens)
  // The example may reach further than the conversation will.
  const positions = Math.max(contextTokens, cache.capacity)
  const context = new Context(models, rope, prefillChunk, cache, positions)
  try {
    const head = await context.feed(prefix.subarray(0, first * decoder.hiddenSize), options)
    if (direct) return { context, logits: head.logits }
    await context.feed(text, { signal: options.signal })
    await context.compress(kvCache.type, contextTokens, first, options.signal)
    if (first === tokens) return { context, logits: head.logits }
    const onTokens = (done: number): void => options.onTokens?.(first + done)
    const tail = await context.feed(prefix.subarray(first * decoder.hiddenSize), { ...options, onTokens })
    return { context, logits: joinLogits(head.logits, tail.logits, options) }
  } catch (error) {
    context.close()
    throw error
  }
}

/** @throws {EngineError} `CONTEXT_TOO_LONG` if the plan leaves no room after a prefix of so many tokens. */
export function requireRoom({ contextTokens, visualTokens }: VideoPlan, tokens: number): void {
  if (tokens < contextTokens) return
  const room = `The prompt around the video needs ${tokens - visualTokens} tokens and a question`
  throw new EngineError(
    'CONTEXT_TOO_LONG',
    `${room}; ${contextTokens - visualTokens} are planned. Raise promptTokens.`,
  )
}

function joinLogits(head: Float32Array, tail: Float32Array, { mode }: FeedOptions): Float32Array {
  if (mode !== 'inspect') return tail
  const joined = new Float32Array(head.length + tail.length)
  joined.set(head)
  joined.set(tail, head.length)
  return joined
}
