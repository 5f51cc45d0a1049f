import { type Blocks, clipLayer, norm } from '../clip/blocks.js'
import type { ClipTextConfig, ClipTextNames, WeightType } from '../config.js'
import { expectActivation, expectCount, expectMultiple, expectPositive } from '../config-check.js'
import { GraphBuilder, type Value } from '../onnx/graph-builder.js'
import type { GraphModel } from '../onnx/model.js'
import { binary, firstRows, gatherOnePerTable, gatherRows, unitLength } from '../onnx/operators.js'
import { WeightLoader } from '../onnx/weights.js'
import type { TensorSource } from '../tensor-source.js'
import { loadPositions } from './position-table.js'

/**
 * Builds CLIP's text tower with its projection.
 *
 * Inputs: `input_ids` int64 [texts, tokens], 1 to `positions` tokens, ids of 0 to `vocabularySize` − 1; `end` int64
 * [texts], the index of each text's end-of-text token, 0 to tokens − 1. What comes after it is padding: causal
 * attention keeps it from being seen. Output: `text_embedding` float32 [texts, A], each of length 1. More tokens than
 * positions, and ids out of range, fail when the graph runs.
 *
 * Positions come from `embeddings.position_embedding` (rows 0–19) and `embeddings.position_embedding_res` (the rest)
 * where the checkpoint has them, else from `embeddings.position_embedding.weight`, stretched by `stretchPositions`
 * where `positions` is more than its rows.
 *
 * @param weights - The checkpoint.
 * @throws {InvalidOptionError} If the config contradicts itself.
 * @throws {CheckpointError} CHECKPOINT_TENSOR if a tensor is missing or has another shape.
 * @remarks Source: CLIP (arXiv 2103.00020).
 */
export async function buildClipText(
  config: ClipTextConfig,
  weights: TensorSource,
  names: ClipTextNames,
  options: { readonly weights?: WeightType } = {},
): Promise<GraphModel> {
  checkClipText(config)
  const graph = new GraphBuilder('clip_text')
  const loader = new WeightLoader(graph, weights, options.weights)
  const blocks: Blocks = { config, graph, loader }
  const { hiddenSize: width, vocabularySize, projectionSize } = config
  const ids = graph.input('input_ids', 'int64', ['texts', 'tokens'])
  const end = graph.input('end', 'int64', ['texts'])
  const table = loader.tensor(`${names.model}embeddings.token_embedding.weight`, [vocabularySize, width])
  const positions = await loadPositions(loader, weights, `${names.model}embeddings.`, config)
  let stream: Value = binary(graph, 'Add', gatherRows(graph, table, ids), firstRows(graph, positions, ids, 1))
  for (let layer = 0; layer < config.layers; layer++) {
    const groups = { count: 'texts', length: 'tokens', causal: true }
    const layerNames = `${names.model}encoder.layers.${layer}.`
    stream = await graph.within(`layers.${layer}`, () => clipLayer(blocks, stream, layerNames, groups))
  }
  const pooled = await norm(blocks, gatherOnePerTable(graph, stream, end), `${names.model}final_layer_norm`)
  const projected = loader.project(pooled, names.projection, [projectionSize, width])
  graph.output('text_embedding', unitLength(graph, projected), ['texts', projectionSize])
  return graph.build()
}

function checkClipText(config: ClipTextConfig): void {
  expectMultiple('clipText.hiddenSize', config.hiddenSize, config.heads)
  expectCount('clipText.layers', config.layers)
  expectCount('clipText.intermediateSize', config.intermediateSize)
  expectCount('clipText.vocabularySize', config.vocabularySize)
  expectCount('clipText.positions', config.positions)
  expectCount('clipText.projectionSize', config.projectionSize)
  expectActivation('clipText.activation', config.activation)
  expectPositive('clipText.layerNormEpsilon', config.layerNormEpsilon)
}
