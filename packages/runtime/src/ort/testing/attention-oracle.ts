import type { AttentionShape } from './graphs.js'

/** Rotation tables, [positions, pairs] each. */
export interface RopeTable {
  readonly cos: Float32Array
  readonly sin: Float32Array
}

/** Values in [-1, 1] without a pattern that symmetry could hide. */
export function wave(length: number, step: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => Math.sin(i * step + Math.cos(i * i * 0.01)))
}

export function ropeTable(positions: number, pairs: number): RopeTable {
  const angle = (i: number) => Math.floor(i / pairs) * 10 ** (-(i % pairs) / pairs)
  const length = positions * pairs
  return {
    cos: Float32Array.from({ length }, (_, i) => Math.cos(angle(i))),
    sin: Float32Array.from({ length }, (_, i) => Math.sin(angle(i))),
  }
}

/** Causal attention with grouped heads and rotated halves, in float64, straight from the definition. */
export function attentionOracle(
  shape: AttentionShape,
  query: Float32Array,
  key: Float32Array,
  value: Float32Array,
  rope: RopeTable,
): Float32Array {
  const { heads, kvHeads, headDim } = shape
  const tokens = query.length / (heads * headDim)
  const row = (data: Float32Array, count: number, token: number, head: number) =>
    Array.from(data.subarray((token * count + head) * headDim, (token * count + head + 1) * headDim))
  const output = new Float32Array(query.length)
  for (let token = 0; token < tokens; token++)
    for (let head = 0; head < heads; head++) {
      const kvHead = Math.floor((head * kvHeads) / heads)
      const q = rotate(row(query, heads, token, head), token, rope)
      const scores = Array.from({ length: token + 1 }, (_, past) => {
        const k = rotate(row(key, kvHeads, past, kvHead), past, rope)
        return q.reduce((sum, x, i) => sum + x * k[i]!, 0) / Math.sqrt(headDim)
      })
      const weights = softmax(scores)
      for (let i = 0; i < headDim; i++)
        output[(token * heads + head) * headDim + i] = weights.reduce(
          (sum, weight, past) => sum + weight * row(value, kvHeads, past, kvHead)[i]!,
          0,
        )
    }
  return output
}

function rotate(vector: number[], position: number, { cos, sin }: RopeTable): number[] {
  const pairs = vector.length / 2
  return vector.map((x, i) => {
    const at = position * pairs + (i % pairs)
    const other = i < pairs ? -vector[i + pairs]! : vector[i - pairs]!
    return x * cos[at]! + other * sin[at]!
  })
}

function softmax(scores: readonly number[]): number[] {
  const largest = Math.max(...scores)
  const powers = scores.map((score) => Math.exp(score - largest))
  const sum = powers.reduce((total, power) => total + power, 0)
  return powers.map((power) => power / sum)
}
