import { expectCount } from '../config-check.js'
import { GraphBuilder } from '../onnx/graph-builder.js'
import type { GraphModel } from '../onnx/model.js'
import { matMul } from '../onnx/operators.js'

/**
 * Builds the comparison of patches with a text: inputs `alignment` [patches, A], 1 patch or more, and `text` [A],
 * all vectors of length 1; output `cosine` [patches], −1 to 1 within rounding. All float32.
 *
 * @param alignmentSize - A.
 * @throws {InvalidOptionError} If `alignmentSize` is no count.
 * @remarks Source: PPLLaVA (arXiv 2411.02327) §3.1. The weights of prompt-guided pooling are the softmax over all
 *   patches of all frames of exp(logit_scale)·cosine.
 */
export function buildRelevance(alignmentSize: number): GraphModel {
  expectCount('alignmentSize', alignmentSize)
  const graph = new GraphBuilder('relevance')
  const alignment = graph.input('alignment', 'float32', ['patches', alignmentSize])
  const text = graph.input('text', 'float32', [alignmentSize])
  graph.output('cosine', matMul(graph, alignment, text), ['patches'])
  return graph.build()
}
