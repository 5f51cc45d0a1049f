import { InvalidOptionError } from '@longtake/core'
import type { GridResizeConfig } from '../config.js'
import { expectCount } from '../config-check.js'
import { multiply } from '../onnx/dimensions.js'
import { GraphBuilder, type Value } from '../onnx/graph-builder.js'
import type { GraphModel } from '../onnx/model.js'
import { matMul, reshape } from '../onnx/operators.js'

/**
 * Builds the bilinear step from one grid of a frame's tokens to a smaller one.
 *
 * The graph's input is `tokens` [frames, rows·columns, width], row by row, its output `resized`
 * [frames, rows'·columns', width], both float32. Samples are taken at the centres of the new cells, from the two
 * nearest old ones along each axis (align_corners false, no antialias).
 *
 * @throws {InvalidOptionError} If a size is no count, or the new grid is larger than the old one.
 * @remarks Source: LLaVA-OneVision (arXiv 2408.03326), §3.2.
 */
export function buildGridResize({ width, from, to }: GridResizeConfig): GraphModel {
  expectCount('gridResize.width', width)
  for (const axis of [0, 1] as const) checkSizes(from[axis], to[axis])
  const graph = new GraphBuilder('grid_resize')
  const [rows, columns] = from
  const [newRows, newColumns] = to
  const tokens = graph.input('tokens', 'float32', ['frames', rows * columns, width])
  const byRow = reshape(graph, tokens, ['frames', rows, columns * width])
  const tall = matMul(graph, weights(graph, 'rows', rows, newRows), byRow)
  const byColumn = reshape(graph, tall, [multiply('frames', newRows), columns, width])
  const resized = matMul(graph, weights(graph, 'columns', columns, newColumns), byColumn)
  const dims = ['frames', newRows * newColumns, width]
  graph.output('resized', reshape(graph, resized, dims), dims)
  return graph.build()
}

/** What each new cell [to] takes of each old one [from] along one axis; every row adds up to 1. */
function weights(graph: GraphBuilder, name: string, from: number, to: number): Value {
  const matrix = new Float32Array(to * from)
  for (let cell = 0; cell < to; cell++) {
    const centre = Math.max(((cell + 0.5) * from) / to - 0.5, 0)
    const first = Math.min(Math.floor(centre), from - 1)
    const second = Math.min(first + 1, from - 1)
    const share = centre - first
    matrix[cell * from + first]! += 1 - share
    matrix[cell * from + second]! += share
  }
  return graph.floats(name, [to, from], matrix)
}

function checkSizes(from: number, to: number): void {
  expectCount('gridResize.from', from)
  expectCount('gridResize.to', to)
  if (to > from) throw new InvalidOptionError('gridResize.to', `at most ${from}`, to)
}
