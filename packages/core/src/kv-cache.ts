import { checkChoice, checkInteger } from './check.js'
import { MAX_CONTEXT_TOKENS } from './limits.js'
import type { KvCacheType } from './spec.js'

/** Storage types, most precise first. */
export const KV_CACHE_TYPES: readonly KvCacheType[] = ['fp32', 'int8', 'int4']

/** Bits of one stored number. */
const BITS: Readonly<Record<KvCacheType, number>> = { fp32: 32, int8: 8, int4: 4 }

/** Quantised caches carry one fp32 scale per channel, for keys and for values. */
const SCALE_BYTES = 4

/** What the size of a KV cache depends on. */
export interface KvCacheShape {
  readonly layers: number
  readonly kvHeads: number
  readonly headDim: number
}

/**
 * Bytes of a KV cache of fixed capacity: `2 · layers · kvHeads · headDim · tokens` numbers, and for quantised types
 * `2 · layers · kvHeads · headDim` fp32 scales. int4 packs two channels into a byte.
 *
 * @param shape - Layers, key/value heads and head dimension of the decoder.
 * @param tokens - Capacity, 0 to `MAX_CONTEXT_TOKENS`.
 * @throws {InvalidOptionError} If an argument is out of its range.
 */
export function kvCacheBytes(shape: KvCacheShape, tokens: number, type: KvCacheType): number {
  checkInteger('layers', shape.layers, 1, 65_536)
  checkInteger('kvHeads', shape.kvHeads, 1, 65_536)
  checkInteger('headDim', shape.headDim, 1, 65_536)
  checkInteger('tokens', tokens, 0, MAX_CONTEXT_TOKENS)
  checkChoice('kvCache', type, KV_CACHE_TYPES)
  const rows = 2 * shape.layers * shape.kvHeads
  const rowBytes = Math.ceil((shape.headDim * BITS[type]) / 8)
  const scales = type === 'fp32' ? 0 : rows * shape.headDim * SCALE_BYTES
  return rows * rowBytes * tokens + scales
}
