import { ShapeError } from '@longtake/core'
import { broadcast, multiply, sameDims } from './dimensions.js'
import { expectDims, type GraphBuilder, type Value } from './graph-builder.js'
import type { Dimension, TensorType } from './model.js'
import { DATA_TYPE } from './proto.js'

/** Element-wise operators of two values, with broadcasting. */
export type BinaryOperator = 'Add' | 'Sub' | 'Mul' | 'Div' | 'Max' | 'Min' | 'Less'

/** Element-wise operators of one value that keep type and shape. */
export type UnaryOperator = 'Abs' | 'Round'

/** `a ∘ b`, element by element; the shorter shape is stretched as ONNX does. */
export function binary(graph: GraphBuilder, op: BinaryOperator, a: Value, b: Value): Value {
  const name = graph.nextName(op)
  if (a.type !== b.type) throw new ShapeError(`${name} (${b.name})`, a.type, b.type)
  const type = op === 'Less' ? 'bool' : a.type
  return graph.node(op, [a, b], [{ type, dims: broadcast(`${name} (${b.name})`, a.dims, b.dims) }])[0]
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

/** All axes but the last as one: [rows, width], where a matrix product with its bias is one operator. */
export function flatRows(graph: GraphBuilder, x: Value): Value {
  return reshape(graph, x, [multiply(...x.dims.slice(0, -1)), x.dims.at(-1)!])
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
  return cut(graph, x, axis, [start, undefined])
}

/** The first `count` elements of `axis`, with a size that is known now. */
export function takeFront(graph: GraphBuilder, x: Value, axis: number, count: number): Value {
  return cut(graph, x, axis, [0, count])
}

/** Elements `start` to before `end`, or to the last one, of an axis whose size is known now. */
function cut(
  graph: GraphBuilder,
  x: Value,
  axis: number,
  [start, end]: readonly [number, number | undefined],
): Value {
  const size = x.dims[axis]
  const name = graph.nextName('Slice')
  const least = end ?? start
  if (typeof size !== 'number' || size < least) {
    throw new ShapeError(`${name} (${x.name})`, `a known size of at least ${least} on axis ${axis}`, x.dims)
  }
  const bounds = [[start], [end ?? size], [axis]].map((items) => graph.integers(items))
  const dims = x.dims.with(axis, (end ?? size) - start)
  return graph.node('Slice', [x, ...bounds], [{ type: x.type, dims }])[0]
}

/** `a` and then `b` along `axis`, of which both sizes are known now. */
export function join(graph: GraphBuilder, a: Value, b: Value, axis: number): Value {
  const [first, second] = [a.dims[axis], b.dims[axis]]
  const name = graph.nextName('Concat')
  if (typeof first !== 'number' || typeof second !== 'number') {
    throw new ShapeError(`${name} (${b.name})`, `known sizes on axis ${axis}`, [...a.dims, ...b.dims])
  }
  expectDims(name, b, a.dims.with(axis, second))
  const dims = a.dims.with(axis, first + second)
  return graph.node('Concat', [a, b], [{ type: a.type, dims }], { attributes: { axis } })[0]
}

/** Repeats x [1, …] along its first axis, as often as `like` is long there. */
export function repeatAs(graph: GraphBuilder, x: Value, like: Value): Value {
  expectDims(graph.nextName('Expand'), x, [1, ...x.dims.slice(1)])
  const rest = graph.integers(x.dims.slice(1).map(() => 1))
  const lengths = { type: 'int64', dims: [x.dims.length] } as const
  const shape = graph.node('Concat', [sizeOf(graph, like, 0), rest], [lengths], {
    attributes: { axis: 0 },
  })[0]
  return graph.node('Expand', [x, shape], [{ type: x.type, dims: x.dims.with(0, like.dims[0]!) }])[0]
}

/** Removes an axis of size 1. */
export function squeeze(graph: GraphBuilder, x: Value, axis: number): Value {
  const name = graph.nextName('Squeeze')
  if (x.dims[axis] !== 1) throw new ShapeError(`${name} (${x.name})`, `size 1 on axis ${axis}`, x.dims)
  return graph.node(
    'Squeeze',
    [x, graph.integers([axis])],
    [{ type: x.type, dims: x.dims.toSpliced(axis, 1) }],
  )[0]
}

/** Puts an axis of size 1 before axis `axis`. */
export function unsqueeze(graph: GraphBuilder, x: Value, axis: number): Value {
  const dims = x.dims.toSpliced(axis, 0, 1)
  return graph.node('Unsqueeze', [x, graph.integers([axis])], [{ type: x.type, dims }])[0]
}

/** Where to cut: every `step`-th element of `axis` from `from` to before `to`, int64 [1] each. */
export interface SliceBounds {
  readonly axis: number
  readonly from: Value
  readonly to: Value
  readonly step: Value
  /** What to call the size that results, which is known only at run time. */
  readonly size: string
}

export function slice(graph: GraphBuilder, x: Value, { axis, from, to, step, size }: SliceBounds): Value {
  const inputs = [x, from, to, graph.integers([axis]), step]
  return graph.node('Slice', inputs, [{ type: x.type, dims: x.dims.with(axis, size) }])[0]
}

/** Saturates to `low` … `high`, both of shape []. */
export function clip(graph: GraphBuilder, x: Value, low: Value, high: Value): Value {
  return graph.node('Clip', [x, low, high], [x])[0]
}

/** `yes` where the condition holds and `no` elsewhere; all of one shape. */
export function where(graph: GraphBuilder, condition: Value, yes: Value, no: Value): Value {
  for (const value of [yes, no]) expectDims(graph.nextName('Where'), value, condition.dims)
  return graph.node('Where', [condition, yes, no], [yes])[0]
}

/** The last element along `axis`; the axis stays, with size 1. */
export function lastAlong(graph: GraphBuilder, x: Value, axis: number): Value {
  const attributes = { axis }
  const dims = x.dims.with(axis, 1)
  return graph.node('Gather', [x, graph.integers([-1])], [{ type: x.type, dims }], { attributes })[0]
}

/** x as it is; fails when the graph runs if `axis` is empty, of which a reduction would make 0 or −∞. */
export function refuseEmpty(graph: GraphBuilder, x: Value, axis: number): Value {
  const bounds = [[0], [-1], [axis]].map((items) => graph.integers(items))
  const size = `front of ${x.dims[axis]}`
  const front = graph.node('Slice', [x, ...bounds], [{ type: x.type, dims: x.dims.with(axis, size) }])[0]
  return graph.node('Concat', [front, lastAlong(graph, x, axis)], [x], { attributes: { axis } })[0]
}

/** Rows of a table: `indices` of any shape, then the row's shape. Indices out of range fail when the graph runs. */
export function gatherRows(graph: GraphBuilder, table: Value, indices: Value): Value {
  const dims = [...indices.dims, ...table.dims.slice(1)]
  return graph.node('Gather', [table, indices], [{ type: table.type, dims }])[0]
}

/** One row [D] of each of the tables x [tables, rows, D]: the one that `index` int64 [tables] names. */
export function gatherOnePerTable(graph: GraphBuilder, x: Value, index: Value): Value {
  const name = graph.nextName('GatherND')
  const [tables, , width] = x.dims
  expectDims(name, index, [tables])
  const indices = unsqueeze(graph, index, 1)
  const attributes = { batch_dims: 1 }
  return graph.node('GatherND', [x, indices], [{ type: x.type, dims: [tables!, width!] }], { attributes })[0]
}

/**
 * The first rows of a table [rows, width], as many as axis `axis` of `like` is long. More than the table has fail
 * when the graph runs.
 */
export function firstRows(graph: GraphBuilder, table: Value, like: Value, axis: number): Value {
  const count = like.dims[axis]!
  const limits = [0, 1].map((value) => {
    const data = new Uint8Array(BigInt64Array.of(BigInt(value)).buffer)
    return graph.initializer(`int64 scalar:${value}`, 'int64', [], data)
  })
  const end = graph.node('Squeeze', [sizeOf(graph, like, axis)], [{ type: 'int64', dims: [] }])[0]
  const range = graph.node('Range', [limits[0], end, limits[1]], [{ type: 'int64', dims: [count] }])[0]
  // GatherND, since ONNX Runtime turns Gather of a range into Slice, which stops at the end without a word.
  const inputs = [table, unsqueeze(graph, range, 1)]
  return graph.node('GatherND', inputs, [{ type: table.type, dims: [count, ...table.dims.slice(1)] }])[0]
}

export function cast(graph: GraphBuilder, x: Value, type: TensorType): Value {
  return graph.node('Cast', [x], [{ type, dims: x.dims }], { attributes: { to: DATA_TYPE[type] } })[0]
}

/** The size of `axis` as an int64 vector of one element. */
export function sizeOf(graph: GraphBuilder, x: Value, axis: number): Value {
  const attributes = { start: axis, end: axis + 1 }
  return graph.node('Shape', [x], [{ type: 'int64', dims: [1] }], { attributes })[0]
}

/** Reduces `axes` away. */
export function reduce(
  graph: GraphBuilder,
  op: 'ReduceMax' | 'ReduceMean' | 'ReduceSum' | 'ReduceSumSquare',
  x: Value,
  axes: readonly number[],
  keep = false,
): Value {
  const kept = x.dims.map((dim, axis) => (axes.includes(axis) ? 1 : dim))
  const dims = keep ? kept : x.dims.filter((_, axis) => !axes.includes(axis))
  const attributes = { keepdims: keep ? 1 : 0 }
  return graph.node(op, [x, graph.integers(axes)], [{ type: x.type, dims }], { attributes })[0]
}

/** Cuts pictures [frames, channels, S, S] into patches and projects each: [frames, width, S/P, S/P], rounded down. */
export function patchConvolution(graph: GraphBuilder, x: Value, weight: Value, bias?: Value): Value {
  const name = graph.nextName('Conv')
  const [width, channels, patch] = weight.dims as readonly number[]
  expectDims(`${name} weight`, weight, [width, channels, patch, patch])
  if (bias !== undefined) expectDims(`${name} bias`, bias, [width])
  expectDims(`${name} input`, x, [undefined, channels, undefined, undefined])
  const [frames, , height, columns] = x.dims
  const cells = [height!, columns!].map((size) => {
    if (typeof size === 'number' && size >= patch!) return Math.floor(size / patch!)
    throw new ShapeError(`${name} input (${x.name})`, `known sizes of at least ${patch}`, x.dims)
  })
  const attributes = { kernel_shape: [patch!, patch!], strides: [patch!, patch!] }
  const dims = [frames!, width!, ...cells]
  return graph.node('Conv', [x, weight, bias], [{ type: 'float32', dims }], { attributes })[0]
}

/** Squares of `side` cells of x [n, channels, rows, columns] made one cell each; cells that fill no square are left out. */
export function poolCells(graph: GraphBuilder, x: Value, mode: 'average' | 'max', side: number): Value {
  const name = graph.nextName('Pool')
  expectDims(`${name} input`, x, [undefined, undefined, undefined, undefined])
  const [count, channels, ...cells] = x.dims
  const pooled = cells.map((size) => {
    if (typeof size === 'number' && size >= side) return Math.floor(size / side)
    throw new ShapeError(`${name} input (${x.name})`, `known sizes of at least ${side}`, x.dims)
  })
  const attributes = { kernel_shape: [side, side], strides: [side, side] }
  const dims = [count!, channels!, ...pooled]
  const operator = mode === 'average' ? 'AveragePool' : 'MaxPool'
  return graph.node(operator, [x], [{ type: 'float32', dims }], { attributes })[0]
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

/** Matrix product of the last two axes; leading axes are the same or broadcast. `b` may be a vector. */
export function matMul(graph: GraphBuilder, a: Value, b: Value): Value {
  const name = graph.nextName('MatMul')
  const inner = a.dims.at(-1)
  if (b.dims.length === 1) {
    expectDims(name, b, [inner])
    return graph.node('MatMul', [a, b], [{ type: a.type, dims: a.dims.slice(0, -1) }])[0]
  }
  const [rows, columns] = b.dims.slice(-2)
  if (multiply(rows!) !== multiply(inner!)) {
    throw new ShapeError(`${name} (${b.name})`, `[…, ${inner}, columns]`, b.dims)
  }
  const leading = broadcast(`${name} (${b.name})`, a.dims.slice(0, -2), b.dims.slice(0, -2))
  return graph.node('MatMul', [a, b], [{ type: a.type, dims: [...leading, a.dims.at(-2)!, columns!] }])[0]
}

/** Softmax over the last axis. */
export function softmax(graph: GraphBuilder, x: Value): Value {
  return graph.node('Softmax', [x], [x], { attributes: { axis: -1 } })[0]
}

/** Scales every vector of the last axis to length 1; one of length 0 stays 0. */
export function unitLength(graph: GraphBuilder, x: Value): Value {
  return graph.node('LpNormalization', [x], [x], { attributes: { axis: -1, p: 2 } })[0]
}
