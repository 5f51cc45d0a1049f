import { MAX_CONTEXT_TOKENS, type RopeScaling } from '@longtake/core'
import type { DecoderConfig } from '@longtake/kernels'
import type { Fields } from './fields.js'
import { HARMLESS_QWEN2, HARMLESS_TEXT } from './harmless.js'

/** Largest sizes accepted anywhere in a config: far above published models, small enough that products stay exact. */
const MAX_SIZE = 1 << 20

/** Angles fall from pair to pair only with a base above 1. */
const THETA = { min: 1 + 1e-6, max: 1e12 }
/** What the attention kernels take: multiples of this. */
const HEAD_STEP = 8

/** What is read of a Llama text config. */
export interface TextFacts {
  readonly decoder: DecoderConfig
  readonly theta: number
  readonly scaling: RopeScaling
  /** Length that the config names, tokens. */
  readonly nominalLength: number
  readonly eosTokenIds: readonly number[]
}

/**
 * Reads a Llama text config; absent fields have the library's defaults (those of Llama 7B).
 *
 * @param tiedAbove - `tie_word_embeddings` of the enclosing config, for when the text config is silent.
 * @throws {CheckpointError} `CHECKPOINT_INVALID` or `CHECKPOINT_UNSUPPORTED`, naming the field.
 */
export function readLlamaConfig(fields: Fields, tiedAbove: boolean): TextFacts {
  fields.word('model_type', ['llama'], 'llama')
  const attentionBias = fields.boolean('attention_bias', false)
  const mlpBias = fields.boolean('mlp_bias', false)
  const biases = { qkvBias: attentionBias, outputBias: attentionBias, mlpBias }
  const facts = readDecoder(fields, tiedAbove, { ...LLAMA_DEFAULTS, ...biases })
  fields.finish(HARMLESS_TEXT)
  return facts
}

/**
 * Reads a Qwen2 text config; absent fields have the library's defaults.
 *
 * @param tiedAbove - `tie_word_embeddings` of the enclosing config, for when the text config is silent.
 * @throws {CheckpointError} `CHECKPOINT_INVALID` or `CHECKPOINT_UNSUPPORTED`, naming the field.
 */
export function readQwen2Config(fields: Fields, tiedAbove: boolean): TextFacts {
  fields.word('model_type', ['qwen2'], 'qwen2')
  if (fields.boolean('use_sliding_window', false)) {
    throw fields.unsupported('use_sliding_window', 'attention over the whole context only')
  }
  const layerTypes = fields.raw('layer_types') ?? []
  if (!Array.isArray(layerTypes) || layerTypes.some((type) => type !== 'full_attention')) {
    throw fields.unsupported('layer_types', 'full_attention in every layer only')
  }
  const facts = readDecoder(fields, tiedAbove, { ...QWEN2_DEFAULTS, qkvBias: true })
  fields.finish(HARMLESS_QWEN2)
  return facts
}

/** What a library's config class says where a file is silent. */
interface TextDefaults {
  readonly intermediateSize: number
  readonly vocabularySize: number
  readonly length: number
  readonly eosTokenId: number
  /** Key/value heads of a config that does not name them; where it says null, as many as heads. */
  readonly kvHeads?: number
}

/** Which layers of a decoder have biases. */
type Biases = Pick<DecoderConfig, 'qkvBias' | 'outputBias' | 'mlpBias'>

/** Llama 7B. */
const LLAMA_DEFAULTS: TextDefaults = {
  intermediateSize: 11_008,
  vocabularySize: 32_000,
  length: 2048,
  eosTokenId: 2,
}

/** Qwen2; its class names no end, and chats end with `<|im_end|>`. */
const QWEN2_DEFAULTS: TextDefaults = {
  intermediateSize: 22_016,
  vocabularySize: 151_936,
  length: 32_768,
  eosTokenId: 151_645,
  kvHeads: 32,
}

/** What both have. */
function readDecoder(fields: Fields, tiedAbove: boolean, defaults: TextDefaults & Biases): TextFacts {
  fields.word('hidden_act', ['silu'], 'silu')
  const hiddenSize = fields.integer('hidden_size', { default: 4096, min: 1, max: MAX_SIZE })
  const length = { default: defaults.length, min: 1, max: MAX_CONTEXT_TOKENS }
  const nominalLength = fields.integer('max_position_embeddings', length)
  const rope = readRope(fields, nominalLength)
  const decoder: DecoderConfig = {
    hiddenSize,
    layers: fields.integer('num_hidden_layers', { default: 32, min: 1, max: 1024 }),
    ...readHeads(fields, hiddenSize, defaults),
    intermediateSize: fields.integer('intermediate_size', {
      ...{ default: defaults.intermediateSize, min: 1, max: MAX_SIZE },
    }),
    vocabularySize: fields.integer('vocab_size', {
      ...{ default: defaults.vocabularySize, min: 1, max: MAX_SIZE * 4 },
    }),
    rmsNormEpsilon: fields.number('rms_norm_eps', { default: 1e-6, min: 0, max: 1 }),
    tiedHead: fields.boolean('tie_word_embeddings', tiedAbove),
    qkvBias: defaults.qkvBias,
    outputBias: defaults.outputBias ?? false,
    mlpBias: defaults.mlpBias ?? false,
  }
  const eosTokenIds = readTokenIds(fields, 'eos_token_id', [defaults.eosTokenId])
  return { decoder, ...rope, nominalLength, eosTokenIds }
}

function readHeads(
  fields: Fields,
  hiddenSize: number,
  defaults: TextDefaults,
): Pick<DecoderConfig, 'heads' | 'kvHeads' | 'headDim'> {
  const heads = fields.integer('num_attention_heads', { default: 32, min: 1, max: 1024 })
  const { kvHeads: usual = heads } = defaults
  const silent = !fields.names('num_key_value_heads') && heads % usual === 0
  const fallback = silent ? usual : heads
  const kvHeads = fields.integer('num_key_value_heads', { default: fallback, min: 1, max: heads })
  if (heads % kvHeads !== 0) {
    throw fields.invalid('num_key_value_heads', `a divisor of num_attention_heads ${heads}`)
  }
  const natural = hiddenSize % heads === 0 ? { default: hiddenSize / heads } : {}
  const headDim = fields.integer('head_dim', { ...natural, min: 1, max: 1024 })
  if (headDim % HEAD_STEP !== 0) throw fields.unsupported('head_dim', `multiples of ${HEAD_STEP} only`)
  return { heads, kvHeads, headDim }
}

/** A token id or a list of them. */
export function readTokenIds(fields: Fields, name: string, fallback: readonly number[]): number[] {
  const value = fields.raw(name) ?? fallback
  const ids = Array.isArray(value) ? value : [value]
  if (!ids.every((id) => Number.isSafeInteger(id) && id >= 0))
    throw fields.invalid(name, 'a token id or a list of them')
  return ids
}

/** Published configs name RoPE in `rope_theta` and `rope_scaling`, newer ones in `rope_parameters` alone. */
function readRope(fields: Fields, nominalLength: number): { theta: number; scaling: RopeScaling } {
  const parameters = fields.object('rope_parameters')
  const thetaAbove = fields.number('rope_theta', { default: 10_000, ...THETA })
  const theta = parameters?.number('rope_theta', { default: thetaAbove, ...THETA }) ?? thetaAbove
  const scaling = fields.object('rope_scaling') ?? parameters
  return { theta, scaling: scaling === undefined ? { type: 'none' } : readScaling(scaling, nominalLength) }
}

function readScaling(fields: Fields, nominalLength: number): RopeScaling {
  // `rope_type` is the newer spelling of `type`; both may be there and then agree.
  const old = fields.word('type', ['default', 'linear', 'dynamic', 'yarn', 'llama3'], 'default')
  const type = fields.word('rope_type', ['default', 'linear', 'dynamic', 'yarn', 'llama3'], old)
  const scaling = scalingOfType(type, fields, nominalLength)
  fields.finish(new Set(['rope_theta']))
  return scaling
}

function scalingOfType(type: string, fields: Fields, nominalLength: number): RopeScaling {
  if (type === 'default') return { type: 'none' }
  const factor = fields.number('factor', { min: 1, max: 1e6 })
  if (type === 'linear') return { type, factor }
  const length = { default: nominalLength, min: 1, max: MAX_CONTEXT_TOKENS }
  const originalLength = fields.integer('original_max_position_embeddings', length)
  if (type === 'dynamic') return { type, factor, originalLength }
  if (type === 'yarn') {
    return {
      type,
      factor,
      originalLength,
      betaFast: fields.number('beta_fast', { default: 32, min: 0 }),
      betaSlow: fields.number('beta_slow', { default: 1, min: 0 }),
      ...(fields.has('attention_factor')
        ? { attentionFactor: fields.number('attention_factor', { min: 0 }) }
        : {}),
    }
  }
  return {
    type: 'llama3',
    factor,
    originalLength,
    lowFrequencyFactor: fields.number('low_freq_factor', { min: 0 }),
    highFrequencyFactor: fields.number('high_freq_factor', { min: 0 }),
  }
}
