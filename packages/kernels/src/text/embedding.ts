import type { DecoderConfig, DecoderNames } from '../config.js'
import type { GraphModel } from '../onnx/model.js'
import type { TensorSource } from '../tensor-source.js'

/** Token embedding: input `input_ids` int64 [sequence], output `embeds` [sequence, hiddenSize]. */
export async function buildEmbedding(
  config: DecoderConfig,
  weights: TensorSource,
  names: DecoderNames,
): Promise<GraphModel> {
  throw new Error([config, weights, names].join())
}
