import { type KvCacheType, kvCacheBytes } from '@longtake/core'
import type { DecoderConfig, WeightType } from '@longtake/kernels'
import { matrixElements } from './decode-model.js'

/** Bytes of one matrix element; block-wise types carry one scale for 32 elements. */
const WEIGHT_BYTES: Readonly<Record<WeightType, number>> = { fp32: 4, int8: 1 + 4 / 32, int4: 0.5 + 4 / 32 }

/** Bytes that one step cannot do without: every matrix once, and the keys and values held. */
export function stepBytes(
  config: DecoderConfig,
  weights: WeightType,
  held: number,
  kv: KvCacheType = 'fp32',
): number {
  return matrixElements(config) * WEIGHT_BYTES[weights] + kvCacheBytes(config, held + 1, kv)
}

/** Operations of the matrix products and of causal attention. */
export function stepFlops(config: DecoderConfig, held: number, tokens: number): number {
  const { heads, headDim, layers, hiddenSize, vocabularySize } = config
  const seen = tokens * held + (tokens * (tokens + 1)) / 2
  const attention = 4 * layers * heads * headDim * seen
  const head = vocabularySize * hiddenSize
  return 2 * ((matrixElements(config) - head) * tokens + head) + attention
}
