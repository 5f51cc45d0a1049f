import { InvalidOptionError, type KvCacheType } from '@longtake/core'
import type { DecoderConfig } from '../config.js'
import { expectCount, expectMultiple, expectPositive } from '../config-check.js'
import { GraphBuilder, type Value } from '../onnx/graph-builder.js'
import type { GraphModel } from '../onnx/model.js'
import { binary, cast, clip, reduce, reshape, slice, unary, where } from '../onnx/operators.js'
import { storedHeadDim } from './kv-storage.js'

/**
 * Quantised range that the kernel rounds into, clips that are tried, and the default headroom: int8 can spare half
 * a bit for text that is larger than all text seen, int4 cannot.
 */
const RANGE = {
  int8: { low: -128, high: 127, clips: [], headroom: 1.5 },
  // With 15 steps it pays to cut off rare large numbers: each channel takes the clip that loses least.
  int4: { low: -8, high: 7, clips: [0.85, 0.7, 0.55], headroom: 1.1 },
} as const

/** Tokens, about, on which clips are compared; more would say the same. */
const COMPARED_TOKENS = 2048

/** Stands for the scale of a channel that is all zeros. */
const SMALLEST_SCALE = 1e-12

export interface KvCompressorOptions {
  /** How large later text may be without saturating, in largest magnitudes of text seen; default 1.5 for int8, 1.1 for int4. */
  readonly headroom?: number
}

/**
 * Builds the graph that turns one fp32 cache tensor (keys or values of one layer) into a quantised one as
 * GroupQueryAttention stores it, so that a prefill can run in fp32 and be compressed once.
 *
 * Inputs: `cache` float32 [1, kvHeads, C, headDim]; `length` int64 [1], the number of tokens to keep, 1 to C;
 * `seen` int64 [1], `length` to C: tokens from `length` on are text like that which will come later, or, where the two
 * are equal, the last token stands for it. What lies beyond `seen` is not looked at.
 * Outputs: `scale` float32 [1, kvHeads, 1, headDim], one for each channel, for the decoder's `k_scale.{i}` or
 * `v_scale.{i}`; `stored` int8 [1, kvHeads, C, headDim], or uint8 [1, kvHeads, C, headDim/2] for int4.
 *
 * Rounding is to the nearest, ties to even, saturating, as in the kernel; int4 keeps value + 8, the even channel
 * in the low four bits. The scale covers two things. Of the tokens to keep: their largest magnitude, or for int4 a
 * clip of it where that has a smaller squared error on the channel. Of text: headroom · its largest magnitude, since
 * questions and answers are rounded with the same scale, their ranges differ from the video's, and saturation there
 * costs far more than coarser steps for the video.
 *
 * @throws {InvalidOptionError} If `kv` is not quantised, a size is no count, or `headroom` is not above 0.
 */
export function buildKvCompressor(
  config: Pick<DecoderConfig, 'kvHeads' | 'headDim'>,
  kv: Exclude<KvCacheType, 'fp32'>,
  options: KvCompressorOptions = {},
): GraphModel {
  const { kvHeads, headDim } = config
  if (kv !== 'int8' && kv !== 'int4') throw new InvalidOptionError('kv', 'int8 or int4', kv)
  expectCount('decoder.kvHeads', kvHeads)
  expectMultiple('decoder.headDim', headDim, 2)
  const { headroom = RANGE[kv].headroom } = options
  expectPositive('headroom', headroom)
  const graph = new GraphBuilder('kv_compressor')
  const cache = graph.input('cache', 'float32', [1, kvHeads, 'capacity', headDim])
  const length = graph.input('length', 'int64', [1])
  const seen = graph.input('seen', 'int64', [1])
  const kept = keptScales(graph, cache, length, kv)
  const text = binary(graph, 'Mul', textScales(graph, cache, { length, seen }, kv), scalar(graph, headroom))
  const scale = binary(graph, 'Max', kept, text)
  const rounded = quantise(graph, cache, scale, kv)
  const stored = kv === 'int8' ? cast(graph, rounded, 'int8') : packNibbles(graph, rounded, headDim)
  graph.output('scale', scale, [1, kvHeads, 1, headDim])
  graph.output('stored', stored, [1, kvHeads, 'capacity', storedHeadDim(kv, headDim)])
  return graph.build()
}

/** One scale for each channel of each head that suits the tokens to keep. */
function keptScales(graph: GraphBuilder, cache: Value, length: Value, kv: 'int8' | 'int4'): Value {
  const { high, clips } = RANGE[kv]
  const from = graph.integers([0])
  const kept = slice(graph, cache, { axis: 2, from, to: length, step: graph.integers([1]), size: 'kept' })
  const full = binary(graph, 'Max', fullScales(graph, kept, high), scalar(graph, SMALLEST_SCALE))
  if (clips.length === 0) return full
  const steps = binary(graph, 'Div', length, graph.integers([COMPARED_TOKENS]))
  const step = binary(graph, 'Add', steps, graph.integers([1]))
  const sample = slice(graph, cache, { axis: 2, from, to: length, step, size: 'compared' })
  let best = { scale: full, loss: squaredLoss(graph, sample, full, kv) }
  for (const clipped of clips) {
    const scale = binary(graph, 'Mul', full, scalar(graph, clipped))
    const loss = squaredLoss(graph, sample, scale, kv)
    const better = binary(graph, 'Less', loss, best.loss)
    best = { scale: where(graph, better, scale, best.scale), loss: where(graph, better, loss, best.loss) }
  }
  return best.scale
}

/** One scale for each channel of each head with which no text that was seen saturates. */
function textScales(
  graph: GraphBuilder,
  cache: Value,
  { length, seen }: { readonly length: Value; readonly seen: Value },
  kv: 'int8' | 'int4',
): Value {
  const step = graph.integers([1])
  // Never empty, which ReduceMax could not take.
  const from = binary(graph, 'Min', length, binary(graph, 'Sub', seen, step))
  const text = slice(graph, cache, { axis: 2, from, to: seen, step, size: 'text' })
  return fullScales(graph, text, RANGE[kv].high)
}

function fullScales(graph: GraphBuilder, x: Value, high: number): Value {
  const largest = reduce(graph, 'ReduceMax', unary(graph, 'Abs', x), [2], true)
  return binary(graph, 'Div', largest, scalar(graph, high))
}

/** Whole numbers in float32: x / scale, rounded and saturated. The reciprocal first, as the kernel does. */
function quantise(graph: GraphBuilder, x: Value, scale: Value, kv: 'int8' | 'int4'): Value {
  const { low, high } = RANGE[kv]
  const scaled = binary(graph, 'Mul', x, binary(graph, 'Div', scalar(graph, 1), scale))
  return clip(graph, unary(graph, 'Round', scaled), scalar(graph, low), scalar(graph, high))
}

function squaredLoss(graph: GraphBuilder, x: Value, scale: Value, kv: 'int8' | 'int4'): Value {
  const back = binary(graph, 'Mul', quantise(graph, x, scale, kv), scale)
  return reduce(graph, 'ReduceSumSquare', binary(graph, 'Sub', x, back), [2], true)
}

/** −8 to 7 as 0 to 15, two to a byte: the even channel in the low four bits. */
function packNibbles(graph: GraphBuilder, rounded: Value, headDim: number): Value {
  const [one, heads, capacity] = rounded.dims
  const shifted = binary(graph, 'Add', rounded, scalar(graph, 8))
  const pairs = reshape(graph, shifted, [one!, heads!, capacity!, headDim / 2, 2])
  const weighted = binary(graph, 'Mul', pairs, graph.floats('nibbles', [2], Float32Array.of(1, 16)))
  return cast(graph, reduce(graph, 'ReduceSum', weighted, [4]), 'uint8')
}

function scalar(graph: GraphBuilder, value: number): Value {
  return graph.floats(`float32:${value}`, [], Float32Array.of(value))
}
