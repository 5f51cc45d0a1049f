import type { VisionConfig, WeightType } from '../config.js'
import type { GraphModel } from '../onnx/model.js'
import type { TensorSource } from '../tensor-source.js'

/** Vision tower: input `pixel_values` [frames, 3, S, S], output `features` [frames, tokens, hiddenSize]. */
export async function buildVisionEncoder(
  config: VisionConfig,
  weights: TensorSource,
  prefix: string,
  options: { readonly weights?: WeightType } = {},
): Promise<GraphModel> {
  throw new Error([config, weights, prefix, options].join())
}
