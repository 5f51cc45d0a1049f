import { CheckpointError } from '@longtake/core'
import type { DecoderConfig, TensorSource } from '@longtake/kernels'
import { type GgufTensor, type GgufValue, Q4_BLOCK } from './gguf.js'

/** A decoder that every peer gets with the same numbers. */
export interface PeerModel {
  readonly architecture: 'qwen2' | 'llama'
  readonly config: DecoderConfig
  readonly theta: number
  /** Tokens that positions reach to. */
  readonly positions: number
}

export type ShapeName = 'llava-onevision-0.5b' | 'llama-1b'

/** Tokens that the longest case needs, in the cache of every peer. */
export const PEER_CAPACITY = 16_640

export const PEER_MODELS: Readonly<Record<ShapeName, PeerModel>> = {
  'llava-onevision-0.5b': {
    architecture: 'qwen2',
    config: {
      hiddenSize: 896,
      intermediateSize: 4864,
      layers: 24,
      heads: 14,
      kvHeads: 2,
      headDim: 64,
      vocabularySize: 151_936,
      rmsNormEpsilon: 1e-6,
      tiedHead: true,
      qkvBias: true,
    },
    theta: 1e6,
    positions: 32_768,
  },
  'llama-1b': {
    architecture: 'llama',
    config: {
      hiddenSize: 2048,
      intermediateSize: 8192,
      layers: 16,
      heads: 32,
      kvHeads: 8,
      headDim: 64,
      vocabularySize: 32_000,
      rmsNormEpsilon: 1e-5,
      tiedHead: true,
      qkvBias: false,
    },
    theta: 5e5,
    positions: 32_768,
  },
}

/** 2^-8: matrices of some thousand columns keep activations near 1. As the number, and as the bits of an f16. */
const SCALE = { value: 2 ** -8, bits: 0x1c00 } as const

const EMBEDDING = 'model.embed_tokens.weight'

type TensorPlan = MatrixPlan | VectorPlan

interface MatrixPlan {
  readonly kind: 'matrix'
  /** Outputs and inputs. */
  readonly shape: readonly [number, number]
  /** Name in GGUF. */
  readonly gguf: string
  /** Heads whose rows GGUF's `llama` wants in pairs (k, k + d/2) side by side. */
  readonly pairedHeads?: number
}

interface VectorPlan {
  readonly kind: 'ones' | 'bias'
  readonly shape: readonly [number]
  /** Name in GGUF. */
  readonly gguf: string
}

/** Every tensor by its name in a checkpoint. */
function planTensors({ config, architecture }: PeerModel): ReadonlyMap<string, TensorPlan> {
  const { hiddenSize: D, intermediateSize, heads, kvHeads, headDim, layers, vocabularySize } = config
  const plans = new Map<string, TensorPlan>()
  const matrix = (name: string, gguf: string, outputs: number, inputs: number, pairedHeads?: number) =>
    plans.set(`${name}.weight`, {
      shape: [outputs, inputs],
      gguf: `${gguf}.weight`,
      kind: 'matrix',
      ...(architecture === 'llama' && pairedHeads !== undefined && { pairedHeads }),
    })
  const vector = (name: string, gguf: string, size: number, kind: 'ones' | 'bias') =>
    plans.set(name, { shape: [size], gguf, kind })
  matrix('model.embed_tokens', 'token_embd', vocabularySize, D)
  vector('model.norm.weight', 'output_norm.weight', D, 'ones')
  for (let layer = 0; layer < layers; layer++) {
    const [from, to] = [`model.layers.${layer}`, `blk.${layer}`]
    vector(`${from}.input_layernorm.weight`, `${to}.attn_norm.weight`, D, 'ones')
    vector(`${from}.post_attention_layernorm.weight`, `${to}.ffn_norm.weight`, D, 'ones')
    const attention = { q: heads, k: kvHeads, v: kvHeads }
    for (const [part, count] of Object.entries(attention)) {
      const name = `${from}.self_attn.${part}_proj`
      matrix(name, `${to}.attn_${part}`, count * headDim, D, part === 'v' ? undefined : count)
      if (config.qkvBias) vector(`${name}.bias`, `${to}.attn_${part}.bias`, count * headDim, 'bias')
    }
    matrix(`${from}.self_attn.o_proj`, `${to}.attn_output`, D, heads * headDim)
    matrix(`${from}.mlp.gate_proj`, `${to}.ffn_gate`, intermediateSize, D)
    matrix(`${from}.mlp.up_proj`, `${to}.ffn_up`, intermediateSize, D)
    matrix(`${from}.mlp.down_proj`, `${to}.ffn_down`, D, intermediateSize)
  }
  return plans
}

/** The model as a checkpoint: what `buildDecoder` reads. Block-wise 4-bit storage of it is exact. */
export function peerSource(model: PeerModel): TensorSource {
  const plans = planTensors(model)
  const planOf = (name: string): TensorPlan => {
    const plan = plans.get(name)
    if (plan === undefined) throw new CheckpointError('CHECKPOINT_TENSOR', `${name} is missing.`)
    return plan
  }
  const read = async (name: string): Promise<Float32Array<ArrayBuffer>> => {
    const plan = planOf(name)
    return plan.kind === 'matrix' ? matrixFloats(randomBlocks(name, plan.shape)) : vectorFloats(name, plan)
  }
  return {
    names: () => plans.keys(),
    has: (name) => plans.has(name),
    info: (name) => ({ dtype: 'F32', shape: planOf(name).shape }),
    read,
    readRows: async (name, first, end) => {
      const [, width = 1] = planOf(name).shape
      return (await read(name)).slice(first * width, end * width)
    },
    readRaw: async (name) => new Uint8Array((await read(name)).buffer),
  }
}

/** One row of the embedding for every token, [tokens, hiddenSize]. */
export function peerEmbeddings({ config }: PeerModel): (tokens: readonly number[]) => Float32Array {
  const { hiddenSize, vocabularySize } = config
  const blocks = randomBlocks(EMBEDDING, [vocabularySize, hiddenSize])
  const rowBytes = (hiddenSize / Q4_BLOCK.elements) * Q4_BLOCK.bytes
  return (tokens) => {
    const rows = new Uint8Array(tokens.length * rowBytes)
    for (const [index, token] of tokens.entries()) {
      rows.set(blocks.subarray(token * rowBytes, (token + 1) * rowBytes), index * rowBytes)
    }
    return matrixFloats(rows)
  }
}

/** The model as tensors of a GGUF file. */
export function peerGgufTensors(model: PeerModel): readonly GgufTensor[] {
  return [...planTensors(model)].map(([name, plan]) => ({
    name: plan.gguf,
    shape: plan.shape,
    type: plan.kind === 'matrix' ? 'q4_0' : 'f32',
    bytes: () => {
      if (plan.kind !== 'matrix') return new Uint8Array(vectorFloats(name, plan).buffer)
      const blocks = randomBlocks(name, plan.shape)
      return plan.pairedHeads === undefined ? blocks : pairRows(blocks, plan.shape[0], plan.pairedHeads)
    },
  }))
}

/** Metadata that llama.cpp needs of a model, with a tokenizer of made-up words. */
export function peerGgufMetadata({
  architecture,
  config,
  theta,
  positions,
}: PeerModel): Record<string, GgufValue> {
  const count = (value: number): GgufValue => ({ type: 'uint32', value })
  const real = (value: number): GgufValue => ({ type: 'float32', value })
  const text = (value: string): GgufValue => ({ type: 'string', value })
  const end = config.vocabularySize - 1
  return {
    'general.architecture': text(architecture),
    'general.name': text('random'),
    'general.file_type': count(2),
    'general.quantization_version': count(2),
    [`${architecture}.context_length`]: count(positions),
    [`${architecture}.embedding_length`]: count(config.hiddenSize),
    [`${architecture}.block_count`]: count(config.layers),
    [`${architecture}.feed_forward_length`]: count(config.intermediateSize),
    [`${architecture}.attention.head_count`]: count(config.heads),
    [`${architecture}.attention.head_count_kv`]: count(config.kvHeads),
    [`${architecture}.attention.layer_norm_rms_epsilon`]: real(config.rmsNormEpsilon),
    [`${architecture}.rope.freq_base`]: real(theta),
    [`${architecture}.rope.dimension_count`]: count(config.headDim),
    [`${architecture}.vocab_size`]: count(config.vocabularySize),
    'tokenizer.ggml.model': text('gpt2'),
    'tokenizer.ggml.pre': text('qwen2'),
    'tokenizer.ggml.tokens': {
      type: 'strings',
      value: Array.from({ length: config.vocabularySize }, (_, id) => `t${id}`),
    },
    'tokenizer.ggml.token_type': {
      type: 'int32s',
      // 1 is an ordinary token, 3 a control token.
      value: Array.from({ length: config.vocabularySize }, (_, id) => (id === end ? 3 : 1)),
    },
    'tokenizer.ggml.merges': { type: 'strings', value: ['t 0'] },
    'tokenizer.ggml.bos_token_id': count(end),
    'tokenizer.ggml.eos_token_id': count(end),
    'tokenizer.ggml.add_bos_token': { type: 'bool', value: false },
  }
}

/** A matrix of uniform random codes in GGUF's Q4_0: the same for the same name. */
function randomBlocks(name: string, shape: readonly number[]): Uint8Array<ArrayBuffer> {
  const blocks = shape.reduce((product, size) => product * size, 1) / Q4_BLOCK.elements
  const bytes = new Uint8Array(blocks * Q4_BLOCK.bytes)
  const view = new DataView(bytes.buffer)
  let state = seedOf(name)
  const next = (): number => {
    // Marsaglia's xorshift, 2003: all 32 bits are good enough to be codes.
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state
  }
  for (let at = 0; at < bytes.length; at += Q4_BLOCK.bytes) {
    view.setUint16(at, SCALE.bits, true)
    for (let word = 0; word < 4; word++) view.setInt32(at + 2 + 4 * word, next(), true)
    // The lowest code is in every block, so that quantising the floats again finds the same scale.
    view.setUint8(at + 2, view.getUint8(at + 2) & 0xf0)
  }
  return bytes
}

function matrixFloats(blocks: Uint8Array): Float32Array<ArrayBuffer> {
  const { bytes, elements } = Q4_BLOCK
  const values = new Float32Array((blocks.length / bytes) * elements)
  for (let block = 0; block * bytes < blocks.length; block++) {
    for (let pair = 0; pair < elements / 2; pair++) {
      const both = blocks[block * bytes + 2 + pair] ?? 0
      values[block * elements + pair] = ((both & 15) - 8) * SCALE.value
      values[block * elements + elements / 2 + pair] = ((both >> 4) - 8) * SCALE.value
    }
  }
  return values
}

function vectorFloats(name: string, { shape, kind }: VectorPlan): Float32Array<ArrayBuffer> {
  const [size] = shape
  if (kind === 'ones') return new Float32Array(size).fill(1)
  const whole = Math.ceil(size / Q4_BLOCK.elements) * Q4_BLOCK.elements
  // Eight times as large as in matrices, so that a bias that is left out shows.
  return matrixFloats(randomBlocks(name, [whole]))
    .subarray(0, size)
    .map((value) => 8 * value)
}

/** Puts row k and row k + d/2 of every head side by side, as GGUF's `llama` rotates pairs of neighbours. */
function pairRows(blocks: Uint8Array, rows: number, heads: number): Uint8Array {
  const rowBytes = blocks.length / rows
  const half = rows / heads / 2
  const result = new Uint8Array(blocks.length)
  for (let row = 0; row < rows; row++) {
    const head = Math.floor(row / (2 * half))
    const [pair, side] = [Math.floor((row % (2 * half)) / 2), row % 2]
    const source = head * 2 * half + side * half + pair
    result.set(blocks.subarray(source * rowBytes, (source + 1) * rowBytes), row * rowBytes)
  }
  return result
}

/** FNV-1a, which is never 0 for these names. */
function seedOf(name: string): number {
  let hash = 0x811c9dc5
  for (const letter of new TextEncoder().encode(name)) hash = Math.imul(hash ^ letter, 0x01000193)
  return hash === 0 ? 1 : hash
}
