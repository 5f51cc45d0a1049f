import type { ProjectorConfig, WeightType } from './config.js'
import { expectActivation, expectCount } from './config-check.js'
import { activate } from './onnx/fused.js'
import { GraphBuilder } from './onnx/graph-builder.js'
import type { GraphModel } from './onnx/model.js'
import { WeightLoader } from './onnx/weights.js'
import type { TensorSource } from './tensor-source.js'

/**
 * Builds the projector from the tower's width to the decoder's: Linear, activation, Linear, each with a bias.
 *
 * The graph's input is `features` [frames, tokens, inputSize], its output `visual_tokens`
 * [frames, tokens, outputSize], both float32.
 *
 * @param layers - Names of the two linear layers before `.weight` and `.bias`, such as
 *   `multi_modal_projector.linear_1` and `multi_modal_projector.linear_2`.
 * @throws {InvalidOptionError} If a size is no count, or the activation is unknown.
 * @throws {CheckpointError} CHECKPOINT_TENSOR if a tensor is missing or has another shape.
 */
export async function buildProjector(
  config: ProjectorConfig,
  weights: TensorSource,
  [first, second]: readonly [string, string],
  options: { readonly weights?: WeightType } = {},
): Promise<GraphModel> {
  const { inputSize, outputSize, activation } = config
  expectCount('projector.inputSize', inputSize)
  expectCount('projector.outputSize', outputSize)
  expectActivation('projector.activation', activation)
  const graph = new GraphBuilder('projector')
  const loader = new WeightLoader(graph, weights, options.weights)
  const features = graph.input('features', 'float32', ['frames', 'tokens', inputSize])
  const wide = loader.linear(features, first, { inputs: inputSize, outputs: outputSize })
  const active = activate(graph, wide, activation)
  const projected = loader.linear(active, second, { inputs: outputSize, outputs: outputSize })
  graph.output('visual_tokens', projected, ['frames', 'tokens', outputSize])
  return graph.build()
}
