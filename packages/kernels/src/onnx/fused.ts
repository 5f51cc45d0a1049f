import { ShapeError } from '@longtake/core'
import type { Activation } from '../config.js'
import { solve } from './dimensions.js'
import { expectDims, type GraphBuilder, type Value } from './graph-builder.js'
import type { Dimension } from './model.js'
import type { Attribute } from './proto.js'

/** Operators of the `com.microsoft` domain: the fused forms that ONNX Runtime has kernels for on the CPU. */
const MICROSOFT = 'com.microsoft'

/** Normalised sum and the sum itself. */
export interface NormedSum {
  readonly normed: Value
  readonly sum: Value
}

/** `rmsNorm(x + skip)` in one pass, with the sum for the next residual. */
export function addRmsNorm(
  graph: GraphBuilder,
  x: Value,
  skip: Value,
  weight: Value,
  epsilon: number,
): NormedSum {
  const op = 'SkipSimplifiedLayerNormalization'
  expectDims(graph.nextName(op), skip, x.dims)
  expectDims(graph.nextName(op), weight, [x.dims.at(-1)])
  const attributes = { epsilon: { float: epsilon } }
  const [normed, , , sum] = graph.node(op, [x, skip, weight], [x, undefined, undefined, x], {
    domain: MICROSOFT,
    attributes,
  })
  return { normed, sum }
}

/** The activation by its checkpoint name, element by element. */
export function activate(graph: GraphBuilder, x: Value, activation: Activation): Value {
  if (activation === 'quick_gelu') return sigmoidLinear(graph, x, 1.702)
  const attributes: Record<string, Attribute> =
    activation === 'gelu' ? { approximate: 'none' } : { approximate: 'tanh' }
  return graph.node('Gelu', [x], [x], { attributes })[0]
}

/** x · sigmoid(alpha · x): quick GELU with 1.702, SiLU with 1. */
export function sigmoidLinear(graph: GraphBuilder, x: Value, alpha: number): Value {
  return graph.node('QuickGelu', [x], [x], { domain: MICROSOFT, attributes: { alpha: { float: alpha } } })[0]
}

/** x [rows…, in] times weight [out, in] transposed. */
export function matMulTransposed(graph: GraphBuilder, x: Value, weight: Value): Value {
  const name = graph.nextName('FusedMatMul')
  expectDims(`${name} weight`, weight, [undefined, x.dims.at(-1)])
  const dims = x.dims.with(-1, weight.dims[0]!)
  const options = { domain: MICROSOFT, attributes: { transB: 1 } } as const
  return graph.node('FusedMatMul', [x, weight], [{ type: x.type, dims }], options)[0]
}

/** A quantised matrix as MatMulNBits takes it. */
export interface PackedMatrix {
  readonly bits: 4 | 8
  readonly blockSize: number
  readonly outputSize: number
  readonly inputSize: number
  readonly packed: Value
  readonly scales: Value
}

/** x [rows…, in] times a quantised matrix [out, in] transposed, plus a bias [out]. */
export function matMulPacked(graph: GraphBuilder, x: Value, matrix: PackedMatrix, bias?: Value): Value {
  const name = graph.nextName('MatMulNBits')
  const { outputSize: N, inputSize: K, blockSize, bits } = matrix
  if (x.dims.at(-1) !== K) throw new ShapeError(`${name} (${x.name})`, `[…, ${K}]`, x.dims)
  if (bias !== undefined) expectDims(`${name} bias`, bias, [N])
  // Level 4 lets the kernel quantise the activations of each block to 8 bits: several times faster.
  const attributes = { K, N, bits, block_size: blockSize, accuracy_level: 4 }
  const inputs = [x, matrix.packed, matrix.scales, undefined, undefined, bias]
  const dims = x.dims.with(-1, N)
  return graph.node('MatMulNBits', inputs, [{ type: x.type, dims }], { domain: MICROSOFT, attributes })[0]
}

/** What tokens may attend to. */
export interface AttentionReach {
  /** Whether a token sees itself and those before it only; default false. */
  readonly causal?: boolean
}

/** Attention of tokens to the tokens of the same row, all heads: query, key and value [rows, tokens, width]. */
export function multiHeadAttention(
  graph: GraphBuilder,
  [query, key, value]: readonly [Value, Value, Value],
  heads: number,
  { causal = false }: AttentionReach = {},
): Value {
  const name = graph.nextName('MultiHeadAttention')
  const width = query.dims[2]
  if (typeof width !== 'number' || width % heads !== 0) {
    throw new ShapeError(`${name} (${query.name})`, `a width that ${heads} heads divide`, query.dims)
  }
  for (const other of [key, value]) expectDims(name, other, query.dims)
  const attributes: Record<string, Attribute> = { num_heads: heads, ...(causal && { unidirectional: 1 }) }
  return graph.node('MultiHeadAttention', [query, key, value], [query], { domain: MICROSOFT, attributes })[0]
}

/** Cosines and sines by position, [positions, headDim/2]. */
export interface RopeTables {
  readonly cos: Value
  readonly sin: Value
}

export interface GroupQueryInputs {
  /** [1, S, heads·headDim]. */
  readonly query: Value
  /** [1, S, kvHeads·headDim]. */
  readonly key: Value
  readonly value: Value
  /** [1, kvHeads, capacity, stored], quantised or not. */
  readonly pastKey: Value
  readonly pastValue: Value
  /** int32 [1]: number of tokens after this run, less one. */
  readonly seqlensK: Value
  /** int32 []: number of tokens after this run. */
  readonly totalLength: Value
  /** [positions, headDim/2]; absent when query and key have their rotary positions already. */
  readonly rope?: RopeTables
  /** [1, kvHeads, 1, headDim]; given exactly when the cache is quantised. */
  readonly scales?: { readonly key: Value; readonly value: Value }
}

export interface GroupQueryShape {
  readonly heads: number
  readonly kvHeads: number
  readonly headDim: number
  readonly cacheBits: 32 | 8 | 4
  /** Whether the attention weights are wanted as well. */
  readonly attention?: boolean
}

export interface GroupQueryResult {
  /** [1, S, heads·headDim]. */
  readonly output: Value
  readonly presentKey: Value
  readonly presentValue: Value
  /** [1, heads, S, total]: softmax over the visible positions, 0 elsewhere. */
  readonly attention?: Value
}

/**
 * Causal attention with rotary positions over a cache that is written in place: the new keys and values go to
 * positions `totalLength − S` to `totalLength − 1`.
 */
export function groupQueryAttention(
  graph: GraphBuilder,
  inputs: GroupQueryInputs,
  shape: GroupQueryShape,
): GroupQueryResult {
  checkGroupQuery(graph, inputs, shape)
  const { query, key, value, pastKey, pastValue, seqlensK, totalLength, rope, scales } = inputs
  const attributes: Record<string, Attribute> = {
    num_heads: shape.heads,
    kv_num_heads: shape.kvHeads,
    do_rotary: rope === undefined ? 0 : 1,
    ...(scales && {
      k_quant_type: 'PER_CHANNEL',
      v_quant_type: 'PER_CHANNEL',
      kv_cache_bit_width: shape.cacheBits,
    }),
    ...(shape.attention && { qk_output: AFTER_SOFTMAX }),
  }
  const cache = [pastKey, pastValue, seqlensK, totalLength]
  // Inputs 9 to 11 are position ids, attention bias and head sink.
  const ordered = [query, key, value, ...cache, rope?.cos, rope?.sin, undefined, undefined, undefined]
  const weights = { type: query.type, dims: [1, shape.heads, query.dims[1]!, 'total'] }
  const results = [query, pastKey, pastValue, ...(shape.attention ? [weights] : [])] as const
  const all = [...ordered, scales?.key, scales?.value]
  const given = scales === undefined ? ordered.slice(0, rope === undefined ? 7 : 9) : all
  const options = { domain: MICROSOFT, attributes } as const
  const [output, presentKey, presentValue, attention] = graph.node(
    'GroupQueryAttention',
    given,
    results,
    options,
  )
  return {
    output: output!,
    presentKey: presentKey!,
    presentValue: presentValue!,
    ...(attention && { attention }),
  }
}

/** Value of `qk_output` that asks for the attention weights and not for the raw scores. */
const AFTER_SOFTMAX = 2

/**
 * Gives query or key [1, S, heads·headDim] their rotary positions.
 *
 * @param first - int64 [1]: position of the first token; the others follow.
 */
export function rotaryEmbedding(
  graph: GraphBuilder,
  x: Value,
  first: Value,
  { cos, sin }: RopeTables,
  heads: number,
): Value {
  const name = graph.nextName('RotaryEmbedding')
  expectDims(`${name} first position`, first, [1])
  for (const table of [cos, sin]) expectDims(name, table, [undefined, solve(name, [x.dims[2]!], [2 * heads])])
  const options = { domain: MICROSOFT, attributes: { num_heads: heads } } as const
  return graph.node('RotaryEmbedding', [x, first, cos, sin], [x], options)[0]
}

function checkGroupQuery(graph: GraphBuilder, inputs: GroupQueryInputs, shape: GroupQueryShape): void {
  const name = graph.nextName('GroupQueryAttention')
  const { heads, kvHeads, headDim, cacheBits } = shape
  if (heads % kvHeads !== 0) throw new ShapeError(`${name} heads`, `a multiple of ${kvHeads}`, heads)
  const length = inputs.query.dims[1]
  expectDims(`${name} query`, inputs.query, [1, length, heads * headDim])
  expectDims(`${name} key`, inputs.key, [1, length, kvHeads * headDim])
  expectDims(`${name} value`, inputs.value, [1, length, kvHeads * headDim])
  const stored = cacheBits === 4 ? headDim / 2 : headDim
  const past: (Dimension | undefined)[] = [1, kvHeads, undefined, stored]
  expectDims(`${name} past key`, inputs.pastKey, past)
  expectDims(`${name} past value`, inputs.pastValue, past)
  for (const table of Object.values(inputs.rope ?? {}))
    expectDims(`${name} RoPE`, table, [undefined, headDim / 2])
  if ((cacheBits === 32) !== (inputs.scales === undefined)) {
    throw new ShapeError(`${name} scales`, 'scales exactly when the cache is quantised', cacheBits)
  }
  for (const scale of Object.values(inputs.scales ?? {})) {
    expectDims(`${name} scale`, scale, [1, kvHeads, 1, headDim])
  }
}
