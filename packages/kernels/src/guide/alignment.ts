import type { AlignmentConfig, AlignmentNames, WeightType } from '../config.js'
import { expectCount, expectPositive } from '../config-check.js'
import { GraphBuilder } from '../onnx/graph-builder.js'
import type { GraphModel } from '../onnx/model.js'
import { layerNorm, sizeOf, slice, unitLength } from '../onnx/operators.js'
import { WeightLoader } from '../onnx/weights.js'
import type { TensorSource } from '../tensor-source.js'

/**
 * Builds the way of visual features into the space that pictures and texts share: norm, projection without a bias,
 * length 1.
 *
 * Dimensions: `Dv` width of the features, `A` width of the shared space.
 *
 * The graph's input is `features` [frames, tokens, Dv] as the vision encoder gives them, its output `alignment`
 * [frames, patches, A], both float32; patches are the tokens without the class token, if the config has one. A patch
 * that projects to 0 stays 0.
 *
 * @param weights - The checkpoint.
 * @throws {InvalidOptionError} If a size is no count, or the epsilon is not above 0.
 * @throws {CheckpointError} CHECKPOINT_TENSOR if a tensor is missing or has another shape.
 * @remarks Source: PPLLaVA (arXiv 2411.02327) §3.1; CLIP (arXiv 2103.00020).
 */
export async function buildAlignment(
  config: AlignmentConfig,
  weights: TensorSource,
  names: AlignmentNames,
  options: { readonly weights?: WeightType } = {},
): Promise<GraphModel> {
  const { inputSize, alignmentSize, layerNormEpsilon, classToken } = config
  expectCount('alignment.inputSize', inputSize)
  expectCount('alignment.alignmentSize', alignmentSize)
  expectPositive('alignment.layerNormEpsilon', layerNormEpsilon)
  const graph = new GraphBuilder('alignment')
  const loader = new WeightLoader(graph, weights, options.weights)
  const features = graph.input('features', 'float32', [
    'frames',
    classToken ? 'tokens' : 'patches',
    inputSize,
  ])
  const step = graph.integers([1])
  const bounds = { axis: 1, from: step, to: sizeOf(graph, features, 1), step, size: 'patches' }
  const patches = classToken ? slice(graph, features, bounds) : features
  const weight = loader.tensor(`${names.norm}.weight`, [inputSize])
  const bias = loader.tensor(`${names.norm}.bias`, [inputSize])
  const normed = layerNorm(graph, patches, weight, bias, layerNormEpsilon)
  const projected = loader.project(normed, names.projection, [alignmentSize, inputSize])
  graph.output('alignment', unitLength(graph, projected), ['frames', 'patches', alignmentSize])
  return graph.build()
}
