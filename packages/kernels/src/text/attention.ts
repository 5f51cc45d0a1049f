import type { KvCacheType } from '@longtake/core'
import type { DecoderConfig } from '../config.js'
import { groupQueryAttention, type RopeTables, rotaryEmbedding } from '../onnx/fused.js'
import type { GraphBuilder, Value } from '../onnx/graph-builder.js'
import { binary, cast, lastAlong, reduce, sizeOf } from '../onnx/operators.js'
import type { WeightLoader } from '../onnx/weights.js'
import { KV_STORAGE, storedHeadDim } from './kv-storage.js'

/** The kernel applies rotary positions itself only to heads of a multiple of this. */
const ROTARY_HEAD_STEP = 16

/** Where this run's tokens are: inputs that all layers share. */
export interface Positions {
  readonly seqlensK: Value
  readonly totalLength: Value
  readonly rope: RopeTables
  /** int64 [1]: position of the first token; only where rotary positions are given outside the kernel. */
  readonly first?: Value
}

/** What building a layer's attention needs. */
export interface AttentionContext {
  readonly config: DecoderConfig
  /** Before `layers.{i}.…`. */
  readonly prefix: string
  readonly graph: GraphBuilder
  readonly loader: WeightLoader
  readonly kv: KvCacheType
  readonly positions: Positions
  /** Whether `attention.{i}` is an output. */
  readonly attention: boolean
}

/** Declares the inputs that say where the tokens of `embeds` [1, S, hiddenSize] are. */
export function declarePositions(graph: GraphBuilder, { headDim }: DecoderConfig, embeds: Value): Positions {
  const table = ['max_length', headDim / 2]
  const positions: Positions = {
    rope: {
      cos: graph.input('cos_cache', 'float32', table),
      sin: graph.input('sin_cache', 'float32', table),
    },
    seqlensK: graph.input('seqlens_k', 'int32', [1]),
    totalLength: graph.input('total_sequence_length', 'int32', []),
  }
  if (headDim % ROTARY_HEAD_STEP === 0) return positions
  const total = binary(graph, 'Add', cast(graph, positions.seqlensK, 'int64'), graph.integers([1]))
  return { ...positions, first: binary(graph, 'Sub', total, sizeOf(graph, embeds, 1)) }
}

/**
 * Attention of one layer: projections, rotary positions, the cache's inputs and outputs; without the output
 * projection.
 *
 * @param x - [1, S, hiddenSize], normalised.
 * @returns [1, S, heads·headDim].
 */
export async function selfAttention(context: AttentionContext, x: Value, layer: number): Promise<Value> {
  const { config, graph, loader, positions } = context
  const { heads, kvHeads, headDim, hiddenSize, qkvBias } = config
  const names = `${context.prefix}layers.${layer}.self_attn.`
  const project = (part: string, count: number) =>
    loader.linear(x, `${names}${part}_proj`, { inputs: hiddenSize, outputs: count * headDim, bias: qkvBias })
  const projected = { query: await project('q', heads), key: await project('k', kvHeads) }
  const value = await project('v', kvHeads)
  const { first, rope, ...lengths } = positions
  const rotated =
    first === undefined
      ? { ...projected, rope }
      : {
          query: rotaryEmbedding(graph, projected.query, first, rope, heads),
          key: rotaryEmbedding(graph, projected.key, first, rope, kvHeads),
        }
  const { past, ...cache } = declareCache(context, layer)
  const shape = {
    heads,
    kvHeads,
    headDim,
    cacheBits: KV_STORAGE[context.kv].bits,
    attention: context.attention,
  }
  const result = groupQueryAttention(graph, { ...rotated, value, ...lengths, ...cache }, shape)
  graph.output(`present.${layer}.key`, result.presentKey, past)
  graph.output(`present.${layer}.value`, result.presentValue, past)
  if (result.attention !== undefined) {
    const mean = reduce(graph, 'ReduceMean', lastAlong(graph, result.attention, 2), [1, 2])
    graph.output(`attention.${layer}`, mean, [1, 'total'])
  }
  return result.output
}

/** One layer's cache, and its scales where it is quantised, as inputs of the graph. */
function declareCache({ config, graph, kv }: AttentionContext, layer: number) {
  const { kvHeads, headDim } = config
  const past = [1, kvHeads, 'capacity', storedHeadDim(kv, headDim)]
  const { type } = KV_STORAGE[kv]
  const pastKey = graph.input(`past_key_values.${layer}.key`, type, past)
  const pastValue = graph.input(`past_key_values.${layer}.value`, type, past)
  if (kv === 'fp32') return { past, pastKey, pastValue }
  const dims = [1, kvHeads, 1, headDim]
  const scales = {
    key: graph.input(`k_scale.${layer}`, 'float32', dims),
    value: graph.input(`v_scale.${layer}`, 'float32', dims),
  }
  return { past, pastKey, pastValue, scales }
}
