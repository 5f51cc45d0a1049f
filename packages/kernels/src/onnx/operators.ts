import { ShapeError } from '@longtake/core'
import { broadcast, multiply, sameDims, solve } from './dimensions.js'
import { expectDims, type GraphBuilder, type Value } from './graph-builder.js'
import type { Dimension, TensorType } from './model.js'
import type { Attribute } from './proto.js'

/** Element-wise operators of two values, with broadcasting. */
export type BinaryOperator = 'Add' | 'Sub' | 'Mul' | 'Div'

/** Element-wise operators of one value that keep type and shape. */
export type UnaryOperator = 'Abs' | 'Round' | 'Sigmoid'

/** `a ∘ b`, element by element; the shorter shape is stretched as ONNX does. */
export function binary(graph: GraphBuilder, op: BinaryOperator, a: Value, b: Value): Value {
  const name = graph.nextName(op)
  if (a.type !== b.type) throw new ShapeError(`${name} (${b.name})`, a.type, b.type)
  return graph.node(op, [a, b], [{ type: a.type, dims: broadcast(`${name} (${b.name})`, a.dims, b.dims) }])[0]
}

export function unary(graph: GraphBuilder, op: UnaryOperator, x: Value): Value {
  return graph.node(op, [x], [x])[0]
}

/** Gives the same elements another shape. One size of `dims` may be named; it is worked out when the graph runs. */
export function reshape(graph: GraphBuilder, x: Value, dims: readonly Dimension[]): Value {
  if (sameDims(x.dims, dims)) return x
  const name = graph.nextName('Reshape')
  if (multiply(...x.dims) !== multiply(...dims)) {
    throw new ShapeError(`${name} (${x.name})`, `as many elements as [${dims.join(', ')}]`, x.dims)
  }
  const named = dims.filter((dim) => typeof dim === 'string')
  if (named.length > 1) throw new ShapeError(name, 'at most one size that is known only at run time', dims)
  const target = graph.integers(dims.map((dim) => (typeof dim === 'string' ? -1 : dim)))
  return graph.node('Reshape', [x, target], [{ type: x.type, dims }])[0]
}

/** Reorders the axes: axis `k` of the result is axis `order[k]` of `x`. */
export function transpose(graph: GraphBuilder, x: Value, order: readonly number[]): Value {
  const name = graph.nextName('Transpose')
  if ([...order].sort().join() !== x.dims.map((_, axis) => axis).join()) {
    throw new ShapeError(`${name} (${x.name})`, `axes in the order [${order.join(', ')}]`, x.dims)
  }
  const dims = order.map((axis) => x.dims[axis]!)
  return graph.node('Transpose', [x], [{ type: x.type, dims }], { attributes: { perm: order } })[0]
}

/** Puts `count` zeros before the first element along `axis`. */
export function padFront(graph: GraphBuilder, x: Value, axis: number, count: number): Value {
  const size = x.dims[axis]
  const name = graph.nextName('Pad')
  if (typeof size !== 'number') throw new ShapeError(`${name} (${x.name})`, 'a known size to pad', x.dims)
  const pads = graph.integers([...x.dims.map((_, at) => (at === axis ? count : 0)), ...x.dims.map(() => 0)])
  const dims = x.dims.with(axis, size + count)
  return graph.node('Pad', [x, pads], [{ type: x.type, dims }])[0]
}

/** Elements `start` up to the end of `axis`, with a size that is known now. */
export function dropFront(graph: GraphBuilder, x: Value, axis: number, start: number): Value {
  const size = x.dims[axis]
  const name = graph.nextName('Slice')
  if (typeof size !== 'number' || size < start) {
    throw new ShapeError(`${name} (${x.name})`, `a known size of at least ${start} on axis ${axis}`, x.dims)
  }
  const bounds = [[start], [size], [axis]].map((items) => graph.integers(items))
  return graph.node('Slice', [x, ...bounds], [{ type: x.type, dims: x.dims.with(axis, size - start) }])[0]
}

/** The last element along `axis`; the axis stays, with size 1. */
export function lastAlong(graph: GraphBuilder, x: Value, axis: number): Value {
  const attributes = { axis }
  const dims = x.dims.with(axis, 1)
  return graph.node('Gather', [x, graph.integers([-1])], [{ type: x.type, dims }], { attributes })[0]
}

/** Rows of a table: `indices` of any shape, then the row's shape. Indices out of range fail when the graph runs. */
export function gatherRows(graph: GraphBuilder, table: Value, indices: Value): Value {
  const dims = [...indices.dims, ...table.dims.slice(1)]
  return graph.node('Gather', [table, indices], [{ type: table.type, dims }])[0]
}

export function cast(graph: GraphBuilder, x: Value, type: TensorType, to: Attribute): Value {
  return graph.node('Cast', [x], [{ type, dims: x.dims }], { attributes: { to } })[0]
}

/** Cuts pictures [frames, channels, S, S] into patches and projects each: [frames, width, S/P, S/P]. */
export function patchConvolution(graph: GraphBuilder, x: Value, weight: Value, bias?: Value): Value {
  const name = graph.nextName('Conv')
  const [width, channels, patch] = weight.dims as readonly number[]
  expectDims(`${name} weight`, weight, [width, channels, patch, patch])
  if (bias !== undefined) expectDims(`${name} bias`, bias, [width])
  expectDims(`${name} input`, x, [undefined, channels, undefined, undefined])
  const [frames, , height, columns] = x.dims
  const cells = [height!, columns!].map((size) => solve(`${name} input (${x.name})`, [size], [patch!]))
  const attributes = { kernel_shape: [patch!, patch!], strides: [patch!, patch!] }
  const dims = [frames!, width!, ...cells]
  return graph.node('Conv', [x, weight, bias], [{ type: 'float32', dims }], { attributes })[0]
}

/** Layer normalisation over the last axis. */
export function layerNorm(graph: GraphBuilder, x: Value, weight: Value, bias: Value, epsilon: number): Value {
  const name = graph.nextName('LayerNormalization')
  for (const vector of [weight, bias]) expectDims(name, vector, [x.dims.at(-1)])
  const attributes = { axis: -1, epsilon: { float: epsilon } }
  return graph.node('LayerNormalization', [x, weight, bias], [x], { attributes })[0]
}

/** RMS normalisation over the last axis: x / √(mean(x²) + ε) · weight. */
export function rmsNorm(graph: GraphBuilder, x: Value, weight: Value, epsilon: number): Value {
  expectDims(graph.nextName('SimplifiedLayerNormalization'), weight, [x.dims.at(-1)])
  const attributes = { axis: -1, epsilon: { float: epsilon } }
  return graph.node('SimplifiedLayerNormalization', [x, weight], [x], { attributes })[0]
}
