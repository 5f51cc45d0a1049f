import type { PoolingMethod } from '@longtake/core'
import { expectOneOf } from '../config-check.js'
import { GraphBuilder, type Value } from '../onnx/graph-builder.js'
import type { GraphModel } from '../onnx/model.js'
import {
  binary,
  gatherRows,
  matMul,
  reduce,
  refuseEmpty,
  softmax,
  squeeze,
  unsqueeze,
} from '../onnx/operators.js'

const METHODS: readonly Exclude<PoolingMethod, 'none'>[] = ['average', 'max', 'guided']

/** Smallest normal float32: stands for temperatures that float32 cannot tell from 0. */
const SMALLEST_TEMPERATURE = 2 ** -126

/**
 * Builds the pooling of visual tokens within windows.
 *
 * Dimensions: `n` tokens, `D` width, `k` tokens of a window, 1 or more.
 *
 * Inputs: `tokens` float32 [n, D]; `members` int64 [windows, k], indices of each window's tokens, 0 to n − 1; windows
 * may share tokens. For `guided` also `weights` float32 [n], larger where a token matters more, and `temperature`
 * float32 [], above 0. Output: `pooled` float32 [windows, D]. Indices out of range and windows without tokens fail when
 * the graph runs; no windows at all give [0, D].
 *
 * A pooled token is the mean of its window's (`average`), their largest value channel by channel (`max`), or their sum
 * with the weights softmax(weights / temperature) over the window (`guided`).
 *
 * @throws {InvalidOptionError} If `method` is none of the three.
 * @remarks A run holds windows·k·D numbers, so feed many windows in parts. Source: PPLLaVA (arXiv 2411.02327) §3.2.
 */
export function buildPooling(method: Exclude<PoolingMethod, 'none'>): GraphModel {
  expectOneOf('method', method, METHODS)
  const graph = new GraphBuilder(`pooling_${method}`)
  const tokens = graph.input('tokens', 'float32', ['patches', 'width'])
  const given = graph.input('members', 'int64', ['windows', 'members'])
  const members = refuseEmpty(graph, given, 1)
  const gathered = gatherRows(graph, tokens, members)
  const pooled =
    method === 'guided'
      ? matMul(graph, unsqueeze(graph, guidedWeights(graph, members), 1), gathered)
      : reduce(graph, method === 'max' ? 'ReduceMax' : 'ReduceMean', gathered, [1], true)
  graph.output('pooled', squeeze(graph, pooled, 1), ['windows', 'width'])
  return graph.build()
}

/** Weights of a window's members, [windows, k]; each row adds up to 1. */
function guidedWeights(graph: GraphBuilder, members: Value): Value {
  const weights = graph.input('weights', 'float32', ['patches'])
  const temperature = graph.input('temperature', 'float32', [])
  const own = gatherRows(graph, weights, members)
  // Differences first: near-equal weights differ exactly in float32, and their quotients would not.
  const below = binary(graph, 'Sub', own, reduce(graph, 'ReduceMax', own, [1], true))
  const smallest = graph.floats('smallest', [], Float32Array.of(SMALLEST_TEMPERATURE))
  return softmax(graph, binary(graph, 'Div', below, binary(graph, 'Max', temperature, smallest)))
}
