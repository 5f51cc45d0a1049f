import { InvalidOptionError } from '@longtake/core'
import type { VisionConfig, WeightType } from '../config.js'
import {
  expectActivation,
  expectCount,
  expectMultiple,
  expectOneOf,
  expectPositive,
} from '../config-check.js'
import { multiply } from '../onnx/dimensions.js'
import { GraphBuilder, type Value } from '../onnx/graph-builder.js'
import type { Dimension, GraphModel } from '../onnx/model.js'
import {
  binary,
  dropFront,
  layerNorm,
  padFront,
  patchConvolution,
  reshape,
  transpose,
} from '../onnx/operators.js'
import { WeightLoader } from '../onnx/weights.js'
import type { TensorSource } from '../tensor-source.js'
import { adapterLayer, mixBranch } from './bt-adapter.js'
import { encoderLayer, type Tower, tokensPerFrame } from './layer.js'

/** Colour channels of a picture. */
const CHANNELS = 3

/**
 * Builds a CLIP or SigLIP vision tower, CLIP's with LanguageBind's attention over time or the BT-Adapter where the config has them.
 *
 * Dimensions: `F` frames, `S` picture side, `P` patch side, `T` tokens per frame, `D` width.
 *
 * The graph's input is `pixel_values` [F, 3, S, S], float32, preprocessed; its output `features` [F, T, D] is the
 * hidden state at `featureLayer`, before any final norm, T = ⌊S/P⌋² with the class token first where it is kept.
 * With N = `temporalFrames` above 0, F is any multiple of N, and each run of N frames is one clip: frame `i·N + s`
 * has slot `s`. With `btAdapter` all F frames of a run are one clip, in time order, 1 to `btAdapter.frames` of them; more
 * fail when the graph runs. Layers after the selected one, and the branch's beside them, are neither read nor computed.
 *
 * @param weights - The checkpoint.
 * @param prefix - Before `embeddings.…`, `pre_layrnorm.…`, `encoder.layers.{i}.…` and `btadapter_…`, with its final
 *   dot; such as `video_tower.vision_model.`.
 * @throws {InvalidOptionError} If the config contradicts itself.
 * @throws {CheckpointError} CHECKPOINT_TENSOR if a tensor is missing or has another shape.
 * @remarks Source: CLIP (arXiv 2103.00020), SigLIP (arXiv 2303.15343), LanguageBind (arXiv 2310.01852) §3.2; the order of temporal embedding,
 *   temporal attention and spatial block as in LanguageBind's released video tower.
 */
export async function buildVisionEncoder(
  config: VisionConfig,
  weights: TensorSource,
  prefix: string,
  options: { readonly weights?: WeightType } = {},
): Promise<GraphModel> {
  checkVisionConfig(config)
  const graph = new GraphBuilder('vision_encoder')
  const tower: Tower = { config, prefix, graph, loader: new WeightLoader(graph, weights, options.weights) }
  const { hiddenSize, imageSize, temporalFrames } = config
  const frames: Dimension = temporalFrames > 0 ? multiply(temporalFrames, 'clips') : 'frames'
  const pixels = graph.input('pixel_values', 'float32', [frames, CHANNELS, imageSize, imageSize])
  let hidden =
    config.kind === 'siglip' ? await embedSiglipPatches(tower, pixels) : await embedPatches(tower, pixels)
  let branch: Value | undefined
  for (let layer = 0; layer < selectedLayer(config); layer++) {
    hidden = await graph.within(`layers.${layer}`, () => encoderLayer(tower, hidden, layer))
    branch = await graph.within(`branch.${layer}`, () => adapterLayer(tower, hidden, branch, layer))
  }
  const tokens = tokensPerFrame(config)
  const trunk = reshape(graph, hidden, [frames, tokens, hiddenSize])
  const whole = branch === undefined ? trunk : mixBranch(graph, trunk, branch)
  const dropped = config.keepClassToken || config.kind === 'siglip' ? 0 : 1
  graph.output('features', dropped === 0 ? whole : dropFront(graph, whole, 1, 1), [
    frames,
    tokens - dropped,
    hiddenSize,
  ])
  return graph.build()
}

/** Number of layers that are computed: `featureLayer` counted from the front. */
function selectedLayer({ featureLayer, layers }: VisionConfig): number {
  return featureLayer < 0 ? layers + 1 + featureLayer : featureLayer
}

/** Pixels to the stream [F·(1 + cells), D]: patches, class token, positions, first norm. */
async function embedPatches({ graph, loader, config, prefix }: Tower, pixels: Value): Promise<Value> {
  const { hiddenSize: width, patchSize, imageSize } = config
  const cells = (imageSize / patchSize) ** 2
  const frames = pixels.dims[0]!
  const names = `${prefix}embeddings.`
  const kernel = [width, CHANNELS, patchSize, patchSize]
  const convolved = patchConvolution(graph, pixels, loader.tensor(`${names}patch_embedding.weight`, kernel))
  const patches = transpose(graph, reshape(graph, convolved, [frames, width, cells]), [0, 2, 1])
  // The class token is the same for every frame, so it joins the positions and patches get a zero before them.
  const offsets = Float32Array.from(
    await loader.read(`${names}position_embedding.weight`, [cells + 1, width]),
  )
  const classToken = await loader.read(`${names}class_embedding`, [width])
  for (let channel = 0; channel < width; channel++) offsets[channel]! += classToken[channel]!
  const added = graph.node(
    'Add',
    [padFront(graph, patches, 1, 1), graph.floats(`${names}offsets`, [1, cells + 1, width], offsets)],
    [{ type: 'float32', dims: [frames, cells + 1, width] }],
  )[0]
  const [weight, bias] = [
    loader.tensor(`${prefix}pre_layrnorm.weight`, [width]),
    loader.tensor(`${prefix}pre_layrnorm.bias`, [width]),
  ]
  const normed = layerNorm(graph, added, weight, bias, config.layerNormEpsilon)
  return reshape(graph, normed, [multiply(frames, cells + 1), width])
}

/** Pixels to the stream [F·cells, D]: patches with their bias, positions. */
async function embedSiglipPatches({ graph, loader, config, prefix }: Tower, pixels: Value): Promise<Value> {
  const { hiddenSize: width, patchSize } = config
  const cells = tokensPerFrame(config)
  const frames = pixels.dims[0]!
  const names = `${prefix}embeddings.`
  const convolved = patchConvolution(
    graph,
    pixels,
    loader.tensor(`${names}patch_embedding.weight`, [width, CHANNELS, patchSize, patchSize]),
    loader.tensor(`${names}patch_embedding.bias`, [width]),
  )
  const patches = transpose(graph, reshape(graph, convolved, [frames, width, cells]), [0, 2, 1])
  const positions = loader.tensor(`${names}position_embedding.weight`, [cells, width])
  return reshape(graph, binary(graph, 'Add', patches, positions), [multiply(frames, cells), width])
}

function checkVisionConfig(config: VisionConfig): void {
  expectMultiple('vision.hiddenSize', config.hiddenSize, config.heads)
  checkKind(config)
  expectCount('vision.layers', config.layers)
  expectCount('vision.intermediateSize', config.intermediateSize)
  expectCount('vision.temporalFrames', config.temporalFrames, 0)
  expectActivation('vision.activation', config.activation)
  expectPositive('vision.layerNormEpsilon', config.layerNormEpsilon)
  checkAdapter(config)
  const { featureLayer, layers } = config
  if (Number.isInteger(featureLayer) && featureLayer >= -layers - 1 && featureLayer <= layers) return
  throw new InvalidOptionError(
    'vision.featureLayer',
    `a whole number from ${-layers - 1} to ${layers}`,
    featureLayer,
  )
}

function checkKind({ kind = 'clip', imageSize, patchSize, ...config }: VisionConfig): void {
  expectOneOf('vision.kind', kind, ['clip', 'siglip'])
  if (kind === 'clip') {
    expectMultiple('vision.imageSize', imageSize, patchSize)
    return
  }
  expectCount('vision.patchSize', patchSize)
  expectCount('vision.imageSize', imageSize, patchSize)
  if (config.temporalFrames > 0)
    throw new InvalidOptionError('vision.temporalFrames', '0 in a SigLIP tower', config.temporalFrames)
  if (config.keepClassToken)
    throw new InvalidOptionError('vision.keepClassToken', 'false in a SigLIP tower', config.keepClassToken)
  if (config.btAdapter !== undefined)
    throw new InvalidOptionError('vision.btAdapter', 'nothing in a SigLIP tower', config.btAdapter)
}

function checkAdapter({ btAdapter, layers, temporalFrames }: VisionConfig): void {
  if (btAdapter === undefined) return
  expectCount('vision.btAdapter.depth', btAdapter.depth)
  expectCount('vision.btAdapter.frames', btAdapter.frames)
  if (btAdapter.depth > layers) {
    throw new InvalidOptionError('vision.btAdapter.depth', `at most ${layers}, the layers`, btAdapter.depth)
  }
  if (temporalFrames > 0) {
    throw new InvalidOptionError('vision.temporalFrames', '0 beside a BT-Adapter', temporalFrames)
  }
}
