import type { KvCacheType } from '@longtake/core'
import type { DecoderConfig, DecoderNames, WeightType } from '../config.js'
import { expectCount, expectMultiple, expectOneOf, expectPositive } from '../config-check.js'
import { addRmsNorm, sigmoidLinear } from '../onnx/fused.js'
import { GraphBuilder, type Value } from '../onnx/graph-builder.js'
import type { GraphModel } from '../onnx/model.js'
import { binary, lastAlong, rmsNorm } from '../onnx/operators.js'
import { WeightLoader } from '../onnx/weights.js'
import type { TensorSource } from '../tensor-source.js'
import { type AttentionContext, declarePositions, selfAttention } from './attention.js'
import { KV_STORAGE } from './kv-storage.js'

export interface DecoderOptions {
  /** Storage of the cache; default `fp32`. */
  readonly kv?: KvCacheType
  /** Storage of the matrices; default `fp32`. */
  readonly weights?: WeightType
  /** Logits of the last position, or of every position; default `last`. */
  readonly logits?: 'last' | 'all'
  /** Adds the outputs `attention.{i}`: what the last token attends to; default false. */
  readonly attention?: boolean
}

/** What building the layers needs. */
interface Decoder extends AttentionContext {
  /** Whether only the last position is of interest after the last layer's attention. */
  readonly lastOnly: boolean
}

/** The stream, and what the layer before still has to add to it. */
interface Stream {
  readonly residual: Value
  readonly pending?: Value
}

/**
 * Builds a Llama-like decoder. One graph serves prefill chunks and single steps alike.
 *
 * Dimensions: `S` tokens of this run, `T` tokens held after it, `C` capacity of the cache (`T` at most), `d` head
 * size, `V` vocabulary, `i` layer.
 *
 * Inputs:
 * - `inputs_embeds` float32 [1, S, hiddenSize]: the tokens at positions T − S to T − 1
 * - `cos_cache`, `sin_cache` float32 [at least T, d/2]: RoPE tables by position, pairs (k, k + d/2)
 * - `seqlens_k` int32 [1]: T − 1; `total_sequence_length` int32 []: T
 * - `past_key_values.{i}.key` and `.value` of shape [1, kvHeads, C, d]: float32, or int8, or two 4-bit numbers a byte as
 *   uint8 [1, kvHeads, C, d/2]; what lies beyond T − S is not read
 * - with a quantised cache `k_scale.{i}`, `v_scale.{i}` float32 [1, kvHeads, 1, d], as the compressor gives them
 *
 * Outputs:
 * - `logits` float32 [1, 1 or S, V]
 * - `present.{i}.key` and `.value`, of the past's shape; bind them to the past's own memory and the run writes only
 *   the new positions, with memory of their own the whole cache is copied
 * - with `attention` also `attention.{i}` float32 [1, T]: how much the last token attends to each position, the mean
 *   over the heads; sums to 1
 *
 * @param weights - The checkpoint.
 * @throws {InvalidOptionError} If the config contradicts itself or an option is not as listed.
 * @throws {CheckpointError} CHECKPOINT_TENSOR if a tensor is missing or has another shape.
 * @remarks A run holds S·T attention scores for every head (twice with `attention`), so feed long prefills in
 *   chunks. Source: Llama (arXiv 2302.13971), grouped heads (arXiv 2305.13245).
 */
export async function buildDecoder(
  config: DecoderConfig,
  weights: TensorSource,
  names: DecoderNames,
  options: DecoderOptions = {},
): Promise<GraphModel> {
  checkDecoderConfig(config)
  const { kv = 'fp32', logits = 'last', attention = false } = options
  expectOneOf('kv', kv, Object.keys(KV_STORAGE))
  expectOneOf('logits', logits, ['last', 'all'])
  const graph = new GraphBuilder('decoder')
  const loader = new WeightLoader(graph, weights, options.weights)
  const embeds = graph.input('inputs_embeds', 'float32', [1, 'sequence', config.hiddenSize])
  const positions = declarePositions(graph, config, embeds)
  const prefix = names.model
  const decoder: Decoder = {
    config,
    prefix,
    graph,
    loader,
    kv,
    positions,
    attention,
    lastOnly: logits === 'last',
  }
  let stream: Stream = { residual: embeds }
  for (let layer = 0; layer < config.layers; layer++) {
    stream = await graph.within(`layers.${layer}`, () => decoderLayer(decoder, stream, layer))
  }
  const { normed } = await norm(decoder, stream, `${prefix}norm.weight`)
  const head = config.tiedHead ? `${prefix}embed_tokens.weight` : names.head
  const scores = loader.project(normed, head, [config.vocabularySize, config.hiddenSize])
  graph.output('logits', scores, [1, logits === 'last' ? 1 : 'sequence', config.vocabularySize])
  return graph.build()
}

async function decoderLayer(decoder: Decoder, stream: Stream, layer: number): Promise<Stream> {
  const { config, graph, loader, lastOnly } = decoder
  const names = `${decoder.prefix}layers.${layer}.`
  const { normed, sum } = await norm(decoder, stream, `${names}input_layernorm.weight`)
  const { heads, headDim, hiddenSize, layers } = config
  const attended = await selfAttention(decoder, normed, layer)
  const cut = lastOnly && layer === layers - 1
  const [mixed, residual] = cut ? [lastAlong(graph, attended, 1), lastAlong(graph, sum, 1)] : [attended, sum]
  const shape = { inputs: heads * headDim, outputs: hiddenSize, bias: config.outputBias ?? false }
  const pending = loader.linear(mixed, `${names}self_attn.o_proj`, shape)
  const second = await norm(decoder, { residual, pending }, `${names}post_attention_layernorm.weight`)
  return { residual: second.sum, pending: await mlp(decoder, second.normed, `${names}mlp.`) }
}

/** Gated MLP: down(silu(gate(x)) · up(x)). */
async function mlp({ config, graph, loader }: Decoder, x: Value, names: string): Promise<Value> {
  const { hiddenSize, intermediateSize, mlpBias: bias = false } = config
  const inward = { inputs: hiddenSize, outputs: intermediateSize, bias }
  const gate = sigmoidLinear(graph, loader.linear(x, `${names}gate_proj`, inward), 1)
  const product = binary(graph, 'Mul', gate, loader.linear(x, `${names}up_proj`, inward))
  const outward = { inputs: intermediateSize, outputs: hiddenSize, bias }
  return loader.linear(product, `${names}down_proj`, outward)
}

/** Brings the stream up to date and normalises it. */
async function norm({ config, graph, loader }: Decoder, { residual, pending }: Stream, name: string) {
  const weight = loader.tensor(name, [config.hiddenSize])
  if (pending !== undefined) return addRmsNorm(graph, residual, pending, weight, config.rmsNormEpsilon)
  return { normed: rmsNorm(graph, residual, weight, config.rmsNormEpsilon), sum: residual }
}

function checkDecoderConfig(config: DecoderConfig): void {
  expectMultiple('decoder.heads', config.heads, config.kvHeads)
  expectMultiple('decoder.headDim', config.headDim, 8)
  expectCount('decoder.hiddenSize', config.hiddenSize)
  expectCount('decoder.layers', config.layers)
  expectCount('decoder.intermediateSize', config.intermediateSize)
  expectCount('decoder.vocabularySize', config.vocabularySize)
  expectPositive('decoder.rmsNormEpsilon', config.rmsNormEpsilon)
}
