import type { DecoderConfig, DecoderNames } from '../config.js'
import { expectCount } from '../config-check.js'
import { GraphBuilder } from '../onnx/graph-builder.js'
import type { GraphModel } from '../onnx/model.js'
import { gatherRows } from '../onnx/operators.js'
import { WeightLoader } from '../onnx/weights.js'
import type { TensorSource } from '../tensor-source.js'

/**
 * Builds the token embedding: input `input_ids` int64 [sequence], output `embeds` float32 [sequence, hiddenSize].
 *
 * Ids of 0 to `vocabularySize` − 1; others fail when the graph runs. Visual tokens are written over the rows of
 * their placeholders afterwards.
 *
 * @throws {CheckpointError} CHECKPOINT_TENSOR if the table is missing or has another shape.
 */
export async function buildEmbedding(
  config: Pick<DecoderConfig, 'hiddenSize' | 'vocabularySize'>,
  weights: TensorSource,
  names: Pick<DecoderNames, 'model'>,
): Promise<GraphModel> {
  const { hiddenSize, vocabularySize } = config
  expectCount('decoder.hiddenSize', hiddenSize)
  expectCount('decoder.vocabularySize', vocabularySize)
  const graph = new GraphBuilder('embedding')
  const loader = new WeightLoader(graph, weights)
  const ids = graph.input('input_ids', 'int64', ['sequence'])
  const table = await loader.tensor(`${names.model}embed_tokens.weight`, [vocabularySize, hiddenSize])
  graph.output('embeds', gatherRows(graph, table, ids), ['sequence', hiddenSize])
  return graph.build()
}
