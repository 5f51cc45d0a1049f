import type { KvCacheType } from '@longtake/core'
import type { TensorType } from '../onnx/model.js'

/** How GroupQueryAttention stores a cache: element type, bits of one number, and its largest quantised value. */
export interface KvStorage {
  readonly type: TensorType
  readonly bits: 32 | 8 | 4
}

/** Two 4-bit numbers share a byte, so int4 travels as uint8. */
export const KV_STORAGE: Readonly<Record<KvCacheType, KvStorage>> = {
  fp32: { type: 'float32', bits: 32 },
  int8: { type: 'int8', bits: 8 },
  int4: { type: 'uint8', bits: 4 },
}

/** Last size of a cache tensor: elements that hold `headDim` numbers. */
export function storedHeadDim(kv: KvCacheType, headDim: number): number {
  return KV_STORAGE[kv].bits === 4 ? headDim / 2 : headDim
}
