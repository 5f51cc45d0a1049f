import type { ProjectorConfig, WeightType } from './config.js'
import type { GraphModel } from './onnx/model.js'
import type { TensorSource } from './tensor-source.js'

/**
 * Projector: input `features` [frames, tokens, inputSize], output `visual_tokens` [frames, tokens, outputSize].
 * `layers` names the two linear layers, such as `multi_modal_projector.linear_1` and `….linear_2`.
 */
export async function buildProjector(
  config: ProjectorConfig,
  weights: TensorSource,
  layers: readonly [string, string],
  options: { readonly weights?: WeightType } = {},
): Promise<GraphModel> {
  throw new Error([config, weights, layers, options].join())
}
