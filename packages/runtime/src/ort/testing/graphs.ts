import type { SessionModel, TensorType } from '../types.js'
import { graphModel, type Node, type Value } from './onnx.js'

/** `copy` = `value`, of any type; sizes that are strings are free. */
export function copyGraph(type: TensorType, dims: Value['dims']): SessionModel {
  return graphModel({
    nodes: [{ op: 'Identity', inputs: ['value'], outputs: ['copy'] }],
    inputs: [{ name: 'value', type, dims }],
    outputs: [{ name: 'copy', type, dims }],
  })
}

/** `sum` = `left` + `right`, float32. */
export function addGraph(dims: Value['dims'] = ['n']): SessionModel {
  return graphModel({
    nodes: [{ op: 'Add', inputs: ['left', 'right'], outputs: ['sum'] }],
    inputs: ['left', 'right'].map((name) => ({ name, type: 'float32' as const, dims })),
    outputs: [{ name: 'sum', type: 'float32', dims }],
  })
}

/** `product` = `matrix` to the power of `steps` + 1, by that many multiplications: work of a chosen length. */
export function powerGraph(steps: number): SessionModel {
  const value = (name: string): Value => ({ name, type: 'float32', dims: ['n', 'n'] })
  const named = (step: number) => (step === 0 ? 'matrix' : step === steps ? 'product' : `power${step}`)
  const nodes = Array.from({ length: steps }, (_, step) => ({
    op: 'MatMul',
    inputs: [named(step), 'matrix'],
    outputs: [named(step + 1)],
  }))
  return graphModel({ nodes, inputs: [value('matrix')], outputs: [value('product')] })
}

/** `y` = `x` · `w` + `b` and `row` = `table[index]`, with all weights as external data. */
export function weightedGraph(w: Float32Array, b: Float32Array, table: Float32Array): SessionModel {
  const size = b.length
  const weight = (name: string, dims: readonly number[], data: Float32Array) => ({
    name,
    type: 'float32' as const,
    dims,
    bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    location: `${name}.bin`,
  })
  return graphModel({
    nodes: [
      { op: 'MatMul', inputs: ['x', 'w'], outputs: ['xw'] },
      { op: 'Add', inputs: ['xw', 'b'], outputs: ['y'] },
      { op: 'Gather', inputs: ['table', 'index'], outputs: ['row'] },
    ],
    inputs: [
      { name: 'x', type: 'float32', dims: ['n', size] },
      { name: 'index', type: 'int64', dims: [] },
    ],
    outputs: [
      { name: 'y', type: 'float32', dims: ['n', size] },
      { name: 'row', type: 'float32', dims: [size] },
    ],
    weights: [
      weight('w', [size, size], w),
      weight('b', [size], b),
      weight('table', [table.length / size, size], table),
    ],
  })
}

/** Sizes of one attention layer. */
export interface AttentionShape {
  readonly heads: number
  readonly kvHeads: number
  readonly headDim: number
  readonly capacity: number
}

export type CacheBits = 32 | 8 | 4

/** Type and last dimension of a KV cache: int4 keeps two channels in a byte. */
export function cacheLayout(bits: CacheBits, headDim: number): { type: TensorType; width: number } {
  if (bits === 32) return { type: 'float32', width: headDim }
  return bits === 8 ? { type: 'int8', width: headDim } : { type: 'uint8', width: headDim / 2 }
}

/** One GroupQueryAttention with past and present of one capacity, so that they can share a buffer. */
export function attentionGraph(shape: AttentionShape, bits: CacheBits): SessionModel {
  const { heads, kvHeads, headDim, capacity } = shape
  const layout = cacheLayout(bits, headDim)
  const cache = (name: string): Value => ({
    name,
    type: layout.type,
    dims: [1, kvHeads, capacity, layout.width],
  })
  const float = (name: string, dims: Value['dims']): Value => ({ name, type: 'float32', dims })
  const scales = bits === 32 ? [] : ['k_scale', 'v_scale']
  const quantised = bits === 32 ? {} : { k_quant_type: 'PER_CHANNEL', v_quant_type: 'PER_CHANNEL' }
  const node: Node = {
    op: 'GroupQueryAttention',
    domain: 'com.microsoft',
    inputs: [
      ...['query', 'key', 'value', 'past_key', 'past_value', 'seqlens_k', 'total', 'cos', 'sin'],
      ...(bits === 32 ? [] : ['', '', '', ...scales]),
    ],
    outputs: ['output', 'present_key', 'present_value'],
    attributes: {
      num_heads: heads,
      kv_num_heads: kvHeads,
      do_rotary: 1,
      ...quantised,
      ...(bits === 32 ? {} : { kv_cache_bit_width: bits }),
    },
  }
  return graphModel({
    nodes: [node],
    inputs: [
      float('query', [1, 's', heads * headDim]),
      float('key', [1, 's', kvHeads * headDim]),
      float('value', [1, 's', kvHeads * headDim]),
      cache('past_key'),
      cache('past_value'),
      { name: 'seqlens_k', type: 'int32', dims: [1] },
      { name: 'total', type: 'int32', dims: [] },
      float('cos', [capacity, headDim / 2]),
      float('sin', [capacity, headDim / 2]),
      ...scales.map((name) => float(name, [1, kvHeads, 1, headDim])),
    ],
    outputs: [float('output', [1, 's', heads * headDim]), cache('present_key'), cache('present_value')],
  })
}
