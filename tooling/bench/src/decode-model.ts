import { CheckpointError } from '@longtake/core'
import {
  buildDecoder,
  type DecoderConfig,
  type GraphModel,
  type TensorSource,
  type WeightType,
} from '@longtake/kernels'

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
    readRows: async (name, first, end) => {
      const width = countOf(shapeOf(name).slice(1))
      return (await read(name)).slice(first * width, end * width)
    },
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
