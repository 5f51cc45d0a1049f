import { CheckpointError, ropeFrequencies, ropeTables } from '@longtake/core'
import {
  buildDecoder,
  type DecoderConfig,
  type GraphModel,
  type TensorSource,
  type WeightType,
} from '@longtake/kernels'
import type { Backend, Session, Tensor } from '@longtake/runtime/ort'

/** Tokens that the cache has room for. */
export const CAPACITY = 16_384

const THETA = 10_000
/** Small enough that activations stay near 1 through all layers. */
const WEIGHT_SCALE = 0.05

/** A decoder of the benchmark: 8 layers of grouped-query attention with 4 KV heads of 64. */
export function decoderConfig(hiddenSize: number, intermediateSize: number): DecoderConfig {
  return {
    hiddenSize,
    intermediateSize,
    layers: 8,
    heads: 8,
    kvHeads: 4,
    headDim: 64,
    vocabularySize: 1024,
    rmsNormEpsilon: 1e-5,
    tiedHead: false,
    qkvBias: false,
  }
}

/** The graph with random weights, the same at every call. */
export function buildRandomDecoder(config: DecoderConfig, weights: WeightType): Promise<GraphModel> {
  const names = { model: 'model.', head: 'lm_head.weight' }
  return buildDecoder(config, randomSource(decoderShapes(config)), names, { weights })
}

/** Elements of all matrices that one step multiplies with. */
export function matrixElements(config: DecoderConfig): number {
  const shapes = [...decoderShapes(config)].filter(
    ([name, shape]) => shape.length === 2 && !name.includes('embed'),
  )
  return shapes.reduce((sum, [, shape]) => sum + countOf(shape), 0)
}

function decoderShapes(config: DecoderConfig): ReadonlyMap<string, readonly number[]> {
  const { hiddenSize, intermediateSize, heads, kvHeads, headDim, layers, vocabularySize } = config
  const layer = (index: number): [string, readonly number[]][] => {
    const prefix = `model.layers.${index}.`
    return [
      [`${prefix}self_attn.q_proj.weight`, [heads * headDim, hiddenSize]],
      [`${prefix}self_attn.k_proj.weight`, [kvHeads * headDim, hiddenSize]],
      [`${prefix}self_attn.v_proj.weight`, [kvHeads * headDim, hiddenSize]],
      [`${prefix}self_attn.o_proj.weight`, [hiddenSize, heads * headDim]],
      [`${prefix}mlp.gate_proj.weight`, [intermediateSize, hiddenSize]],
      [`${prefix}mlp.up_proj.weight`, [intermediateSize, hiddenSize]],
      [`${prefix}mlp.down_proj.weight`, [hiddenSize, intermediateSize]],
      [`${prefix}input_layernorm.weight`, [hiddenSize]],
      [`${prefix}post_attention_layernorm.weight`, [hiddenSize]],
    ]
  }
  return new Map([
    ...Array.from({ length: layers }, (_, index) => layer(index)).flat(),
    ['model.norm.weight', [hiddenSize]],
    ['lm_head.weight', [vocabularySize, hiddenSize]],
  ])
}

function randomSource(shapes: ReadonlyMap<string, readonly number[]>): TensorSource {
  const shapeOf = (name: string): readonly number[] => {
    const shape = shapes.get(name)
    if (shape === undefined) throw new CheckpointError('CHECKPOINT_TENSOR', `${name} is missing.`)
    return shape
  }
  const read = async (name: string): Promise<Float32Array<ArrayBuffer>> => {
    const shape = shapeOf(name)
    const data = new Float32Array(countOf(shape))
    return shape.length === 1 ? data.fill(1) : fillRandom(data, name.length, WEIGHT_SCALE)
  }
  return {
    names: () => shapes.keys(),
    has: (name) => shapes.has(name),
    info: (name) => ({ dtype: 'F32', shape: shapeOf(name) }),
    read,
    readRaw: async (name) => new Uint8Array((await read(name)).buffer),
  }
}

/** Repeatable numbers in ±scale: a linear congruential generator, quick enough for hundreds of megabytes. */
export function fillRandom<A extends ArrayBufferLike>(
  data: Float32Array<A>,
  seed: number,
  scale: number,
): Float32Array<A> {
  let state = (seed * 2_654_435_761) >>> 0
  for (let index = 0; index < data.length; index++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    data[index] = (state / 2 ** 31 - 1) * scale
  }
  return data
}

function countOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1)
}

/** One decoder with a full-size cache of random keys and values, past and present in the same buffers. */
export class DecoderSide {
  readonly #backend: Backend
  readonly #session: Session
  readonly #fixed: Readonly<Record<string, Tensor>>
  readonly #results: Readonly<Record<string, Tensor>>
  readonly #embeds = new Map<number, Tensor<'float32'>>()
  readonly #lengths: { readonly seqlens_k: Tensor<'int32'>; readonly total_sequence_length: Tensor<'int32'> }
  readonly #logits: Tensor<'float32'>
  readonly #hiddenSize: number

  private constructor(backend: Backend, session: Session, config: DecoderConfig) {
    this.#backend = backend
    this.#session = session
    this.#hiddenSize = config.hiddenSize
    const half = config.headDim / 2
    const { cos, sin } = ropeTables(
      ropeFrequencies(THETA, config.headDim, { type: 'none' }, CAPACITY),
      CAPACITY,
    )
    const caches = Array.from({ length: config.layers }, (_, layer) => makeCache(backend, config, layer))
    this.#logits = backend.tensor('float32', [1, 1, config.vocabularySize])
    this.#lengths = {
      seqlens_k: backend.tensor('int32', [1]),
      total_sequence_length: backend.tensor('int32', []),
    }
    this.#fixed = {
      cos_cache: backend.tensor('float32', [CAPACITY, half], cos),
      sin_cache: backend.tensor('float32', [CAPACITY, half], sin),
      ...named('past_key_values', caches),
    }
    this.#results = { ...named('present', caches), logits: this.#logits }
  }

  static async open(
    backend: Backend,
    model: GraphModel,
    config: DecoderConfig,
    threads: number,
  ): Promise<DecoderSide> {
    return new DecoderSide(backend, await backend.session(model, { threads }), config)
  }

  /**
   * Runs `tokens` tokens on top of `held` ones.
   *
   * @returns The last position's logits; a view that the next run overwrites.
   */
  async run(held: number, tokens = 1): Promise<Float32Array> {
    const total = held + tokens
    this.#lengths.seqlens_k.data[0] = total - 1
    this.#lengths.total_sequence_length.data[0] = total
    const feeds = { inputs_embeds: this.#input(tokens), ...this.#fixed, ...this.#lengths }
    await this.#session.run(feeds, this.#results)
    return this.#logits.data
  }

  #input(tokens: number): Tensor<'float32'> {
    const known = this.#embeds.get(tokens)
    if (known !== undefined) return known
    const data = fillRandom(new Float32Array(tokens * this.#hiddenSize), 7, 1)
    const made = this.#backend.tensor('float32', [1, tokens, this.#hiddenSize], data)
    this.#embeds.set(tokens, made)
    return made
  }
}

type LayerCache = readonly [key: Tensor, value: Tensor]

function makeCache(backend: Backend, { kvHeads, headDim }: DecoderConfig, layer: number): LayerCache {
  const make = (seed: number): Tensor => {
    const tensor = backend.tensor('float32', [1, kvHeads, CAPACITY, headDim])
    fillRandom(tensor.data, seed, 1)
    return tensor
  }
  return [make(2 * layer + 1), make(2 * layer + 2)]
}

function named(prefix: string, caches: readonly LayerCache[]): Record<string, Tensor> {
  return Object.fromEntries(
    caches.flatMap(([key, value], layer) => [
      [`${prefix}.${layer}.key`, key],
      [`${prefix}.${layer}.value`, value],
    ]),
  )
}
