// biome-ignore-all lint/style/noNonNullAssertion: reads of arrays whose length is known here
import { CheckpointError } from '@longtake/core'
import { dequantizeBlockwise, quantizeBlockwise } from '../src/index.js'
import type { TensorSource } from '../src/tensor-source.js'

/** A repeatable source of numbers in [−1, 1): mulberry32. */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 31 - 1
  }
}

export function randomArray(length: number, seed: number, scale = 1): Float32Array<ArrayBuffer> {
  const next = randomNumbers(seed)
  return Float32Array.from({ length }, () => next() * scale)
}

/** A tensor in memory. */
export interface Held {
  readonly shape: readonly number[]
  readonly data: Float32Array<ArrayBuffer>
}

/** A checkpoint in memory. */
export function heldWeights(tensors: ReadonlyMap<string, Held>): TensorSource {
  const find = (name: string): Held => {
    const tensor = tensors.get(name)
    if (tensor === undefined) throw new CheckpointError('CHECKPOINT_TENSOR', `${name} is missing.`)
    return tensor
  }
  return {
    names: () => tensors.keys(),
    has: (name) => tensors.has(name),
    info: (name) => ({ dtype: 'F32', shape: find(name).shape }),
    read: async (name) => find(name).data.slice(),
    readRows: async (name, first, end) => {
      const { shape, data } = find(name)
      const width = data.length / shape[0]!
      return data.slice(first * width, end * width)
    },
    readRaw: async (name) => new Uint8Array(find(name).data.slice().buffer),
  }
}

/**
 * Random tensors of the given shapes. Weights of norms are near 1, matrices keep the size of what goes through
 * them, everything else is small.
 */
export function randomTensors(
  shapes: Readonly<Record<string, readonly number[]>>,
  seed = 1,
): Map<string, Held> {
  const tensors = new Map<string, Held>()
  for (const [index, [name, shape]] of Object.entries(shapes).entries()) {
    const length = shape.reduce((product, size) => product * size, 1)
    const isNorm = /norm\d?\.weight$/.test(name)
    const fanIn = shape.length > 1 ? length / shape[0]! : 9
    const data = randomArray(length, seed * 1000 + index, isNorm ? 0.3 : Math.sqrt(3 / fanIn))
    tensors.set(name, { shape, data: isNorm ? data.map((value) => value + 1) : data })
  }
  return tensors
}

/** The tensors as a quantised graph sees them: every matrix but the embedding tables is rounded. */
export function roundedTensors(tensors: ReadonlyMap<string, Held>, bits: 4 | 8): Map<string, Held> {
  return new Map(
    [...tensors].map(([name, { shape, data }]) => {
      const [outputs, inputs] = shape
      if (inputs === undefined || name.includes('embed')) return [name, { shape, data }]
      const matrix = quantizeBlockwise(data, outputs!, inputs, { bits })
      return [name, { shape, data: dequantizeBlockwise(matrix) }]
    }),
  )
}
