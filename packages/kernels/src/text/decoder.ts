import type { KvCacheType } from '@longtake/core'
import type { DecoderConfig, DecoderNames, WeightType } from '../config.js'
import type { GraphModel } from '../onnx/model.js'
import type { TensorSource } from '../tensor-source.js'

export interface DecoderOptions {
  /** Storage of the cache; default `fp32`. */
  readonly kv?: KvCacheType
  /** Storage of the matrices; default `fp32`. */
  readonly weights?: WeightType
  /** Logits of the last position, or of every position; default `last`. */
  readonly logits?: 'last' | 'all'
  /** Adds the outputs `attention.{i}`; default false. */
  readonly attention?: boolean
}

export async function buildDecoder(
  config: DecoderConfig,
  weights: TensorSource,
  names: DecoderNames,
  options: DecoderOptions = {},
): Promise<GraphModel> {
  throw new Error([config, weights, names, options].join())
}
