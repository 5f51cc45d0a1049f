import type { KvCacheType, ModelSpec } from '@longtake/core'
import type { Backend, Tensor, TensorType } from '../ort/types.js'

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

const ELEMENT: Readonly<Record<KvCacheType, TensorType>> = { fp32: 'float32', int8: 'int8', int4: 'uint8' }

/** Keys and values of every layer, in buffers that the decoder reads and writes in place. */
export class KvCache {
  readonly type: KvCacheType
  /** Tokens that there is room for. */
  readonly capacity: number
  readonly layers: readonly LayerCache[]
  /** What a decoder run is fed, and what it writes: past and present are the same buffers. */
  readonly feeds: Readonly<Record<string, Tensor>>
  readonly results: Readonly<Record<string, Tensor>>

  /** @throws {EngineError} `ENGINE_FAILED` when memory runs out; nothing is kept then. */
  constructor(backend: Backend, decoder: ModelSpec['decoder'], type: KvCacheType, capacity: number) {
    this.type = type
    this.capacity = capacity
    const layers: LayerCache[] = []
    try {
      for (let layer = 0; layer < decoder.layers; layer++)
        layers.push(makeLayer(backend, decoder, type, capacity))
    } catch (error) {
      closeLayers(layers)
      throw error
    }
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
    closeLayers(this.layers)
  }
}

function makeLayer(
  backend: Backend,
  decoder: ModelSpec['decoder'],
  type: KvCacheType,
  capacity: number,
): LayerCache {
  const { kvHeads, headDim } = decoder
  const dims = [1, kvHeads, capacity, type === 'int4' ? headDim / 2 : headDim]
  const made: Tensor[] = []
  const add = <T extends TensorType>(element: T, shape: readonly number[]): Tensor<T> => {
    const tensor = backend.tensor(element, shape)
    made.push(tensor)
    return tensor
  }
  try {
    const key = add(ELEMENT[type], dims) as CacheTensor
    const value = add(ELEMENT[type], dims) as CacheTensor
    if (type === 'fp32') return { key, value }
    const scaleDims = [1, kvHeads, 1, headDim]
    return { key, value, keyScale: add('float32', scaleDims), valueScale: add('float32', scaleDims) }
  } catch (error) {
    for (const tensor of made) tensor.close()
    throw error
  }
}

function closeLayers(layers: readonly LayerCache[]): void {
  for (const layer of layers) {
    for (const tensor of Object.values(layer)) tensor.close()
  }
}
