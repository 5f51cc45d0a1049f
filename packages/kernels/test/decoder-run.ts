// biome-ignore-all lint/style/noNonNullAssertion: reads of arrays whose length is known here
import type { KvCacheType } from '@longtake/core'
import type { DecoderConfig } from '../src/index.js'
import { floats, type OpenGraph, type RunTensor, tensor } from './run-graph.js'

/** Feeds a decoder graph token by token or chunk by chunk, carrying its cache. */
export class DecoderRun {
  /** Tokens held. */
  length = 0
  cache: Record<string, RunTensor> = {}
  readonly #graph: OpenGraph
  readonly #config: DecoderConfig
  readonly #fixed: Record<string, RunTensor>

  /** @param scales - `k_scale.{i}` and `v_scale.{i}` for a quantised cache. */
  constructor(
    graph: OpenGraph,
    config: DecoderConfig,
    capacity: number,
    inverseFrequencies: readonly number[],
    kv: KvCacheType = 'fp32',
    scales: Readonly<Record<string, RunTensor>> = {},
  ) {
    this.#graph = graph
    this.#config = config
    const half = config.headDim / 2
    const angles = Float64Array.from(
      { length: capacity * half },
      (_, index) => Math.floor(index / half) * inverseFrequencies[index % half]!,
    )
    this.#fixed = {
      cos_cache: floats([capacity, half], Float32Array.from(angles, Math.cos)),
      sin_cache: floats([capacity, half], Float32Array.from(angles, Math.sin)),
      ...scales,
    }
    for (let layer = 0; layer < config.layers; layer++) {
      for (const kind of ['key', 'value']) {
        this.cache[`past_key_values.${layer}.${kind}`] = emptyCache(config, capacity, kv)
      }
    }
  }

  /** Runs the next rows [S·hiddenSize] and returns all outputs. */
  async step(embeds: Float32Array): Promise<Record<string, RunTensor>> {
    const { hiddenSize } = this.#config
    const count = embeds.length / hiddenSize
    this.length += count
    const results = await this.#graph.run({
      inputs_embeds: floats([1, count, hiddenSize], embeds),
      seqlens_k: tensor('int32', [1], Int32Array.of(this.length - 1)),
      total_sequence_length: tensor('int32', [], Int32Array.of(this.length)),
      ...this.#fixed,
      ...this.cache,
    })
    for (const name of Object.keys(this.cache)) {
      this.cache[name] = results[name.replace('past_key_values', 'present')]!
    }
    return results
  }
}

function emptyCache({ kvHeads, headDim }: DecoderConfig, capacity: number, kv: KvCacheType): RunTensor {
  const size = kvHeads * capacity * headDim
  if (kv === 'fp32') return floats([1, kvHeads, capacity, headDim], new Float32Array(size))
  if (kv === 'int8') return tensor('int8', [1, kvHeads, capacity, headDim], new Int8Array(size))
  return tensor('uint8', [1, kvHeads, capacity, headDim / 2], new Uint8Array(size / 2).fill(0x88))
}
