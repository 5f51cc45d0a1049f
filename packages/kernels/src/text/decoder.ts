import type { KvCacheType } from '@longtake/core'
import type { DecoderConfig, DecoderNames, WeightType } from '../config.js'
import { expectCount, expectMultiple, expectPositive } from '../config-check.js'
import { addRmsNorm, type GroupQueryInputs, groupQueryAttention, sigmoidLinear } from '../onnx/fused.js'
import { GraphBuilder, type Value } from '../onnx/graph-builder.js'
import type { GraphModel } from '../onnx/model.js'
import { binary, lastAlong, rmsNorm } from '../onnx/operators.js'
import { WeightLoader } from '../onnx/weights.js'
import type { TensorSource } from '../tensor-source.js'
import { KV_STORAGE, storedHeadDim } from './kv-storage.js'

export interface DecoderOptions {
  /** Storage of the cache; default `fp32`. */
  readonly kv?: KvCacheType
  /** Storage of the matrices; default `fp32`. */
  readonly weights?: WeightType
  /** Logits of the last position, or of every position; default `last`. */
  readonly logits?: 'last' | 'all'
  /** Adds the outputs `attention.{i}`; default false. */
  readonly attention?: boolean
}

/** What building the layers needs. */
interface Decoder {
  readonly config: DecoderConfig
  readonly names: DecoderNames
  readonly graph: GraphBuilder
  readonly loader: WeightLoader
  readonly kv: KvCacheType
  readonly shared: Pick<GroupQueryInputs, 'seqlensK' | 'totalLength' | 'cos' | 'sin'>
  /** Whether only the last position is of interest after the last layer's attention. */
  readonly lastOnly: boolean
}

/** The stream, and what the layer before still has to add to it. */
interface Stream {
  readonly residual: Value
  readonly pending?: Value
}

/**
 * Builds a Llama-like decoder that serves prefill chunks and single steps alike.
 */
export async function buildDecoder(
  config: DecoderConfig,
  weights: TensorSource,
  names: DecoderNames,
  options: DecoderOptions = {},
): Promise<GraphModel> {
  checkDecoderConfig(config)
  const { kv = 'fp32', logits = 'last' } = options
  const graph = new GraphBuilder('decoder')
  const loader = new WeightLoader(graph, weights, options.weights)
  const embeds = graph.input('inputs_embeds', 'float32', [1, 'sequence', config.hiddenSize])
  const table = ['max_length', config.headDim / 2]
  const shared = {
    cos: graph.input('cos_cache', 'float32', table),
    sin: graph.input('sin_cache', 'float32', table),
    seqlensK: graph.input('seqlens_k', 'int32', [1]),
    totalLength: graph.input('total_sequence_length', 'int32', []),
  }
  const decoder: Decoder = { config, names, graph, loader, kv, shared, lastOnly: logits === 'last' }
  let stream: Stream = { residual: embeds }
  for (let layer = 0; layer < config.layers; layer++) {
    stream = await graph.within(`layers.${layer}`, () => decoderLayer(decoder, stream, layer))
  }
  const { normed } = await norm(decoder, stream, `${names.model}norm.weight`)
  const head = config.tiedHead ? `${names.model}embed_tokens.weight` : names.head
  const scores = await loader.project(normed, head, [config.vocabularySize, config.hiddenSize])
  graph.output('logits', scores, [1, logits === 'last' ? 1 : 'sequence', config.vocabularySize])
  return graph.build()
}

async function decoderLayer(decoder: Decoder, stream: Stream, layer: number): Promise<Stream> {
  const { config, graph, loader, lastOnly } = decoder
  const names = `${decoder.names.model}layers.${layer}.`
  const { normed, sum } = await norm(decoder, stream, `${names}input_layernorm.weight`)
  const { heads, headDim, hiddenSize, layers } = config
  const attended = await selfAttention(decoder, normed, layer)
  const cut = lastOnly && layer === layers - 1
  const [mixed, residual] = cut ? [lastAlong(graph, attended, 1), lastAlong(graph, sum, 1)] : [attended, sum]
  const shape = { inputs: heads * headDim, outputs: hiddenSize, bias: false }
  const pending = await loader.linear(mixed, `${names}self_attn.o_proj`, shape)
  const second = await norm(decoder, { residual, pending }, `${names}post_attention_layernorm.weight`)
  return { residual: second.sum, pending: await mlp(decoder, second.normed, `${names}mlp.`) }
}

async function selfAttention(decoder: Decoder, x: Value, layer: number): Promise<Value> {
  const { config, graph, loader, kv, shared } = decoder
  const { heads, kvHeads, headDim, hiddenSize, qkvBias } = config
  const names = `${decoder.names.model}layers.${layer}.self_attn.`
  const project = (part: string, count: number) =>
    loader.linear(x, `${names}${part}_proj`, { inputs: hiddenSize, outputs: count * headDim, bias: qkvBias })
  const past = [1, kvHeads, 'capacity', storedHeadDim(kv, headDim)]
  const { type, bits } = KV_STORAGE[kv]
  const scaleDims = [1, kvHeads, 1, headDim]
  const inputs = {
    query: await project('q', heads),
    key: await project('k', kvHeads),
    value: await project('v', kvHeads),
    pastKey: graph.input(`past_key_values.${layer}.key`, type, past),
    pastValue: graph.input(`past_key_values.${layer}.value`, type, past),
    ...shared,
    ...(kv !== 'fp32' && {
      scales: {
        key: graph.input(`k_scale.${layer}`, 'float32', scaleDims),
        value: graph.input(`v_scale.${layer}`, 'float32', scaleDims),
      },
    }),
  }
  const { output, presentKey, presentValue } = groupQueryAttention(graph, inputs, {
    heads,
    kvHeads,
    headDim,
    cacheBits: bits,
  })
  graph.output(`present.${layer}.key`, presentKey, past)
  graph.output(`present.${layer}.value`, presentValue, past)
  return output
}

/** Gated MLP: down(silu(gate(x)) · up(x)). */
async function mlp({ config, graph, loader }: Decoder, x: Value, names: string): Promise<Value> {
  const { hiddenSize, intermediateSize } = config
  const inward = { inputs: hiddenSize, outputs: intermediateSize, bias: false }
  const gate = sigmoidLinear(graph, await loader.linear(x, `${names}gate_proj`, inward), 1)
  const product = binary(graph, 'Mul', gate, await loader.linear(x, `${names}up_proj`, inward))
  const outward = { inputs: intermediateSize, outputs: hiddenSize, bias: false }
  return loader.linear(product, `${names}down_proj`, outward)
}

/** Brings the stream up to date and normalises it. */
async function norm({ config, graph, loader }: Decoder, { residual, pending }: Stream, name: string) {
  const weight = await loader.tensor(name, [config.hiddenSize])
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
