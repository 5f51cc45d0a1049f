import { checkChoice, checkNumber } from './check.js'
import { InvalidOptionError } from './errors.js'
import { chooseRope } from './extension.js'
import { arrangeInput } from './input.js'
import { KV_CACHE_TYPES, kvCacheBytes } from './kv-cache.js'
import { DEFAULT_KV_CACHE_BYTES } from './limits.js'
import type { PlanOptions, VideoPlan } from './plan-types.js'
import { choosePooling } from './pooling.js'
import { readPooling } from './pooling-request.js'
import { planRemote } from './remote.js'
import type { KvCacheType, ModelSpec, VideoFacts } from './spec.js'
import { checkSpec } from './spec-check.js'
import { contextTokens, textReserve } from './text-reserve.js'

/**
 * Decides everything about watching a video that can be decided before running: which times are read, which frames
 * share a clip, the order of tokens, the RoPE scaling, the KV cache, and what it all costs. Pure: equal arguments give
 * equal plans, and nothing is read or run.
 *
 * @param spec - The checkpoint, see `ModelSpec`.
 * @param video - The video, see `VideoFacts`.
 * @param options - What to change of the defaults.
 * @throws {InvalidOptionError} If an option, the spec or a fact is out of its range, or the KV cache exceeds
 * `memoryBudgetBytes`.
 * @throws {VideoError} `VIDEO_EMPTY` if the video is known to have no pictures.
 */
export function planVideo(spec: ModelSpec, video: VideoFacts, options: PlanOptions = {}): VideoPlan {
  checkSpec(spec)
  if (spec.remote !== undefined) return planRemote({ ...spec, remote: spec.remote }, video, options)
  const request = readPooling(spec, options)
  const { pooled, notes: inputNotes, ...input } = arrangeInput(spec, video, options, request)
  const { pooling, notes: poolingNotes } = choosePooling(spec, pooled, request)
  const { trailingTokens } = pooled
  const visualTokens = (pooling?.tokens ?? pooled.tokens) + trailingTokens
  const text = textReserve(spec, options)
  const context = contextTokens(visualTokens, text)
  const { rope, notes: ropeNotes } = chooseRope(spec, context, options)
  const { kvCache, notes: kvNotes } = chooseKvCache(spec, context, options)
  return {
    ...input,
    notes: [...inputNotes, ...poolingNotes, ...ropeNotes, ...kvNotes],
    pooling,
    visualTokens,
    trailingTokens,
    contextTokens: context,
    maxNewTokens: text.answer,
    rope,
    kvCache,
    prefillChunks: Math.ceil((visualTokens + text.prompt) / text.prefillChunk),
    prefillChunk: text.prefillChunk,
  }
}

function chooseKvCache(
  spec: ModelSpec,
  contextTokens: number,
  options: PlanOptions,
): { kvCache: VideoPlan['kvCache']; notes: readonly string[] } {
  const choices: readonly (KvCacheType | 'auto')[] = ['auto', ...KV_CACHE_TYPES]
  const asked = checkChoice('kvCache', options.kvCache ?? 'auto', choices)
  const budget = options.memoryBudgetBytes
  if (budget !== undefined) checkNumber('memoryBudgetBytes', budget, 'bytes, above 0', (bytes) => bytes > 0)
  const preferred = asked === 'auto' ? spec.defaults.kvCache : asked
  const smaller = asked === 'auto' ? KV_CACHE_TYPES.slice(KV_CACHE_TYPES.indexOf(preferred)) : [preferred]
  const sizes = smaller.map((type) => ({ type, bytes: kvCacheBytes(spec.decoder, contextTokens, type) }))
  const least = sizes.at(-1)!
  const limit = budget ?? (asked === 'auto' ? DEFAULT_KV_CACHE_BYTES : Number.POSITIVE_INFINITY)
  const kvCache = sizes.find(({ bytes }) => bytes <= limit) ?? (budget === undefined ? least : undefined)
  if (kvCache === undefined) {
    const advice = asked === 'auto' ? 'or fewer frames' : 'fewer frames, or a smaller kvCache type'
    const need = `at least ${least.bytes} bytes for ${contextTokens} tokens in ${least.type}, ${advice}`
    throw new InvalidOptionError('memoryBudgetBytes', need, budget)
  }
  const whose = budget === undefined ? `${DEFAULT_KV_CACHE_BYTES / 2 ** 30} GiB` : 'the memory budget'
  const notes = kvCache.type === preferred ? [] : [`The KV cache is ${kvCache.type} to stay within ${whose}.`]
  return { kvCache, notes }
}
