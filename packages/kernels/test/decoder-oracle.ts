// biome-ignore-all lint/style/noNonNullAssertion: reads of arrays whose length is known here
import type { DecoderConfig, DecoderNames } from '../src/index.js'
import { activations, addRows, attend, headOf, joinHeads, linear, type Rows, rmsNorm } from './oracle.js'
import type { Held } from './random-weights.js'

export const NAMES: DecoderNames = { model: 'language_model.model.', head: 'language_model.lm_head.weight' }

/** Names and shapes of a decoder's tensors. */
export function decoderShapes(config: DecoderConfig): Record<string, number[]> {
  const { hiddenSize: width, heads, kvHeads, headDim, intermediateSize: inner, vocabularySize } = config
  const shapes: Record<string, number[]> = { [`${NAMES.model}embed_tokens.weight`]: [vocabularySize, width] }
  if (!config.tiedHead) shapes[NAMES.head] = [vocabularySize, width]
  shapes[`${NAMES.model}norm.weight`] = [width]
  for (let layer = 0; layer < config.layers; layer++) {
    const names = `${NAMES.model}layers.${layer}.`
    shapes[`${names}input_layernorm.weight`] = [width]
    shapes[`${names}post_attention_layernorm.weight`] = [width]
    for (const [part, count] of Object.entries({ q: heads, k: kvHeads, v: kvHeads })) {
      shapes[`${names}self_attn.${part}_proj.weight`] = [count * headDim, width]
      if (config.qkvBias) shapes[`${names}self_attn.${part}_proj.bias`] = [count * headDim]
    }
    shapes[`${names}self_attn.o_proj.weight`] = [width, heads * headDim]
    if (config.outputBias) shapes[`${names}self_attn.o_proj.bias`] = [width]
    if (config.mlpBias) {
      shapes[`${names}mlp.gate_proj.bias`] = [inner]
      shapes[`${names}mlp.up_proj.bias`] = [inner]
      shapes[`${names}mlp.down_proj.bias`] = [width]
    }
    shapes[`${names}mlp.gate_proj.weight`] = [inner, width]
    shapes[`${names}mlp.up_proj.weight`] = [inner, width]
    shapes[`${names}mlp.down_proj.weight`] = [width, inner]
  }
  return shapes
}

export interface DecoderOracle {
  /** [S][vocabulary] */
  readonly logits: Rows
  /** Of each layer: [heads][S][S], rows sum to 1. */
  readonly attention: readonly Rows[][]
  /** Of each layer: rotated keys and values, [kvHeads][S][headDim]. */
  readonly keys: readonly Rows[][]
  readonly values: readonly Rows[][]
}

/** A cache that loses precision: what tokens from position `from` on see of all keys and values. */
export interface LossyCache {
  readonly from: number
  /** Keys or values [S][headDim] of one head as the cache gives them back. */
  readonly stored: (rows: Rows, kind: 'key' | 'value', layer: number, head: number) => Rows
}

/** The whole sequence at once, one head at a time. */
export function decoderOracle(
  config: DecoderConfig,
  tensors: ReadonlyMap<string, Held>,
  embeds: Rows,
  inverseFrequencies: readonly number[],
  cache: LossyCache = { from: embeds.length, stored: (rows) => rows },
): DecoderOracle {
  const get = (name: string) => tensors.get(name)!.data
  const bias = (name: string) => tensors.get(`${name}.bias`)?.data
  const attention: Rows[][] = []
  const keys: Rows[][] = []
  const values: Rows[][] = []
  let stream = embeds
  for (let layer = 0; layer < config.layers; layer++) {
    const names = `${NAMES.model}layers.${layer}.`
    const normed = rmsNorm(stream, get(`${names}input_layernorm.weight`), config.rmsNormEpsilon)
    const own = selfAttention(config, tensors, names, normed, inverseFrequencies, {
      from: cache.from,
      stored: (rows, kind, head) => cache.stored(rows, kind, layer, head),
    })
    attention.push(own.weights)
    keys.push(own.keys)
    values.push(own.values)
    stream = addRows(stream, own.output)
    const second = rmsNorm(stream, get(`${names}post_attention_layernorm.weight`), config.rmsNormEpsilon)
    const up = linear(second, get(`${names}mlp.up_proj.weight`), bias(`${names}mlp.up_proj`))
    const gate = linear(second, get(`${names}mlp.gate_proj.weight`), bias(`${names}mlp.gate_proj`))
    const product = gate.map((row, at) =>
      row.map((value, channel) => activations.silu(value) * up[at]![channel]!),
    )
    stream = addRows(
      stream,
      linear(product, get(`${names}mlp.down_proj.weight`), bias(`${names}mlp.down_proj`)),
    )
  }
  const last = rmsNorm(stream, get(`${NAMES.model}norm.weight`), config.rmsNormEpsilon)
  const head = get(config.tiedHead ? `${NAMES.model}embed_tokens.weight` : NAMES.head)
  return { logits: linear(last, head), attention, keys, values }
}

function selfAttention(
  config: DecoderConfig,
  tensors: ReadonlyMap<string, Held>,
  names: string,
  x: Rows,
  inverseFrequencies: readonly number[],
  cache: { from: number; stored: (rows: Rows, kind: 'key' | 'value', head: number) => Rows },
): { output: Rows; weights: Rows[]; keys: Rows[]; values: Rows[] } {
  const { heads, kvHeads, headDim } = config
  const project = (part: string) =>
    linear(
      x,
      tensors.get(`${names}self_attn.${part}_proj.weight`)!.data,
      tensors.get(`${names}self_attn.${part}_proj.bias`)?.data,
    )
  const [queryRows, keyRows, valueRows] = [project('q'), project('k'), project('v')]
  const each = Array.from({ length: kvHeads }, (_, head) => head)
  const keys = each.map((head) => rotate(headOf(keyRows, head, headDim), inverseFrequencies))
  const values = each.map((head) => headOf(valueRows, head, headDim))
  const results = Array.from({ length: heads }, (_, head) => {
    const group = Math.floor((head * kvHeads) / heads)
    const query = rotate(headOf(queryRows, head, headDim), inverseFrequencies)
    const causal = (at: number, other: number) => other <= at
    const exact = attend(query, keys[group]!, values[group]!, causal)
    const key = cache.stored(keys[group]!, 'key', group)
    const lossy = attend(query, key, cache.stored(values[group]!, 'value', group), causal)
    const chosen = (kind: 'output' | 'weights') =>
      exact[kind].map((row, at) => (at < cache.from ? row : lossy[kind][at]!))
    return { output: chosen('output'), weights: chosen('weights') }
  })
  const joined = joinHeads(results.map((result) => result.output))
  const output = linear(
    joined,
    tensors.get(`${names}self_attn.o_proj.weight`)!.data,
    tensors.get(`${names}self_attn.o_proj.bias`)?.data,
  )
  return { output, weights: results.map((result) => result.weights), keys, values }
}

/** Rotary positions from 0 on, pairs (k, k + headDim/2) as Llama has them. */
function rotate(rows: Rows, inverseFrequencies: readonly number[]): Rows {
  const half = inverseFrequencies.length
  return rows.map((row, position) =>
    row.map((value, channel) => {
      const angle = position * inverseFrequencies[channel % half]!
      const partner = channel < half ? -row[channel + half]! : row[channel - half]!
      return value * Math.cos(angle) + partner * Math.sin(angle)
    }),
  )
}
