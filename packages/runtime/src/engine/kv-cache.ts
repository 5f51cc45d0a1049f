import type { KvCacheType, ModelSpec } from '@longtake/core'
import type { Backend, Tensor } from '../ort/types.js'
import { TensorGroup } from './tensor-group.js'

type CacheTensor = Tensor<'float32' | 'int8' | 'uint8'>

/** Keys and values of one layer; the scales are there for quantised types. */
export interface LayerCache {
  /** `[1, kvHeads, capacity, headDim]`; int4 packs two channels into a byte. */
  readonly key: CacheTensor
  readonly value: CacheTensor
  /** `[1, kvHeads, 1, headDim]` */
  readonly keyScale?: Tensor<'float32'>
  readonly valueScale?: Tensor<'float32'>
}

const ELEMENT = { fp32: 'float32', int8: 'int8', int4: 'uint8' } as const

/** Keys and values of every layer, in buffers that the decoder reads and writes in place. */
export class KvCache {
  readonly type: KvCacheType
  /** Tokens that there is room for. */
  readonly capacity: number
  readonly layers: readonly LayerCache[]
  /** What a decoder run is fed, and what it writes: past and present are the same buffers. */
  readonly feeds: Readonly<Record<string, Tensor>>
  readonly results: Readonly<Record<string, Tensor>>
  readonly #tensors: TensorGroup

  /** @throws {EngineError} `ENGINE_FAILED` when memory runs out; nothing is kept then. */
  constructor(backend: Backend, decoder: ModelSpec['decoder'], type: KvCacheType, capacity: number) {
    this.type = type
    this.capacity = capacity
    this.#tensors = new TensorGroup(backend)
    const layers = Array.from({ length: decoder.layers }, () =>
      makeLayer(this.#tensors, decoder, type, capacity),
    )
    this.layers = layers
    const named = (prefix: string): [string, Tensor][] =>
      layers.flatMap(({ key, value }, layer) => [
        [`${prefix}.${layer}.key`, key],
        [`${prefix}.${layer}.value`, value],
      ])
    const scales = layers.flatMap(({ keyScale, valueScale }, layer): [string, Tensor][] =>
      keyScale && valueScale
        ? [
            [`k_scale.${layer}`, keyScale],
            [`v_scale.${layer}`, valueScale],
          ]
        : [],
    )
    this.feeds = Object.fromEntries([...named('past_key_values'), ...scales])
    this.results = Object.fromEntries(named('present'))
  }

  /** Bytes of all buffers. */
  get bytes(): number {
    return Object.values(this.feeds).reduce((sum, { data }) => sum + data.byteLength, 0)
  }

  close(): void {
    this.#tensors.close()
  }
}

function makeLayer(
  tensors: TensorGroup,
  { kvHeads, headDim }: ModelSpec['decoder'],
  type: KvCacheType,
  capacity: number,
): LayerCache {
  const dims = [1, kvHeads, capacity, type === 'int4' ? headDim / 2 : headDim]
  const key = tensors.add(ELEMENT[type], dims)
  const value = tensors.add(ELEMENT[type], dims)
  if (type === 'fp32') return { key, value }
  const scaleDims = [1, kvHeads, 1, headDim]
  return {
    key,
    value,
    keyScale: tensors.add('float32', scaleDims),
    valueScale: tensors.add('float32', scaleDims),
  }
}
