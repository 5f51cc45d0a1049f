import { ropeFrequencies, ropeTables } from '@longtake/core'
import { type DecoderConfig, type GraphModel, readIntoMemory } from '@longtake/kernels'
import type { Backend, Session, Tensor } from '@longtake/runtime/ort'
import { fillRandom } from './decode-model.js'

/** Tokens that the cache has room for. */
export const CAPACITY = 16_384

const THETA = 10_000

/**
 * How a session carries its cache from step to step. `bound`: past and present are the same buffers. `chained`: the
 * arrays that one run returns are fed to the next, which spares the portable back end a copy.
 */
export type Carrying = 'bound' | 'chained'

/** One decoder with a full-size cache of random keys and values. */
export class DecoderSide {
  readonly #backend: Backend
  readonly #session: Session
  readonly #config: DecoderConfig
  readonly #carrying: Carrying
  readonly #fixed: Readonly<Record<string, Tensor>>
  readonly #embeds = new Map<number, Tensor<'float32'>>()
  readonly #lengths: { readonly seqlens_k: Tensor<'int32'>; readonly total_sequence_length: Tensor<'int32'> }
  readonly #logits: Tensor<'float32'>
  #caches: readonly Tensor<'float32'>[]

  private constructor(backend: Backend, session: Session, config: DecoderConfig, carrying: Carrying) {
    this.#backend = backend
    this.#session = session
    this.#config = config
    this.#carrying = carrying
    const { headDim, kvHeads, layers, vocabularySize } = config
    const frequencies = ropeFrequencies(THETA, headDim, { type: 'none' }, CAPACITY)
    const { cos, sin } = ropeTables(frequencies, CAPACITY)
    this.#fixed = {
      cos_cache: backend.tensor('float32', [CAPACITY, headDim / 2], cos),
      sin_cache: backend.tensor('float32', [CAPACITY, headDim / 2], sin),
    }
    this.#lengths = {
      seqlens_k: backend.tensor('int32', [1]),
      total_sequence_length: backend.tensor('int32', []),
    }
    this.#logits = backend.tensor('float32', [1, 1, vocabularySize])
    const dims = [1, kvHeads, CAPACITY, headDim]
    this.#caches = Array.from({ length: 2 * layers }, () => backend.tensor('float32', dims))
  }

  /** Loads the graph; the cache is empty until `fill`. */
  static async open(
    backend: Backend,
    model: GraphModel,
    config: DecoderConfig,
    threads: number,
    carrying: Carrying,
  ): Promise<DecoderSide> {
    return new DecoderSide(
      backend,
      await backend.session(await readIntoMemory(model), { threads }),
      config,
      carrying,
    )
  }

  /** Fills the whole cache with the same random keys and values every time: a run keeps only what it was told is held. */
  fill(): void {
    for (const [index, { data }] of this.#caches.entries()) fillRandom(data, index + 1, 1)
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
    const caches = this.#named('past_key_values')
    const feeds = { inputs_embeds: this.#input(tokens), ...this.#fixed, ...this.#lengths, ...caches }
    const results = this.#carrying === 'bound' ? this.#named('present') : {}
    const returned = await this.#session.run(feeds, { ...results, logits: this.#logits })
    if (this.#carrying === 'chained') this.#follow(returned)
    return this.#logits.data
  }

  #follow(returned: Readonly<Record<string, Tensor>>): void {
    for (const tensor of this.#caches) tensor.close()
    this.#caches = this.#names('present').map((name) => returned[name] as Tensor<'float32'>)
  }

  #named(prefix: string): Record<string, Tensor> {
    const names = this.#names(prefix)
    return Object.fromEntries(this.#caches.map((tensor, index) => [names[index], tensor]))
  }

  #names(prefix: string): readonly string[] {
    return Array.from({ length: this.#config.layers }, (_, layer) => [
      `${prefix}.${layer}.key`,
      `${prefix}.${layer}.value`,
    ]).flat()
  }

  #input(tokens: number): Tensor<'float32'> {
    const known = this.#embeds.get(tokens)
    if (known !== undefined) return known
    const data = fillRandom(new Float32Array(tokens * this.#config.hiddenSize), 7, 1)
    const made = this.#backend.tensor('float32', [1, tokens, this.#config.hiddenSize], data)
    this.#embeds.set(tokens, made)
    return made
  }
}
