import { type PoolingPlan, poolingWindows } from '@longtake/core'

/**
 * What every patch of a video weighs against all others: softmax of the scaled cosines, in float64.
 *
 * @param cosine - `[F · H · W]`
 * @param scale - The checkpoint's exp(logit_scale).
 * @returns `[F · H · W]`, adding up to 1.
 * @remarks Source: PPLLaVA (arXiv 2411.02327) §3.1.
 */
export function relevanceOf(cosine: Float32Array, scale: number): Float32Array {
  const largest = cosine.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY)
  const weights = Float64Array.from(cosine, (value) => Math.exp(scale * (value - largest)))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return Float32Array.from(weights, (weight) => weight / total)
}

/** One pooling window of a video. */
export interface Window {
  /** Place of its token among the visual tokens. */
  readonly index: number
  /** Its first patch: frame in the order of the context, row, column. */
  readonly frame: number
  readonly row: number
  readonly column: number
  /** Patch indices in the video, `[k]`, frames first. Valid until the next window. */
  readonly members: Int32Array
  /** What each member weighs within the window, `[k]`, adding up to 1. Valid until the next window. */
  readonly weights: Float64Array
}

/**
 * Every pooling window with its members' weights, in the order of the visual tokens.
 *
 * @param relevance - `[F · H · W]` where the pooling is guided; otherwise members weigh alike. For `max` that is an
 *   approximation: there each channel comes from a member of its own.
 */
export function* windowsOf(
  pooling: PoolingPlan,
  relevance: Float32Array | undefined,
): Generator<Window, void, undefined> {
  const { grid, shape, stride, kernel, temperature } = pooling
  const size = kernel[0] * kernel[1] * kernel[2]
  // Windows of one step differ from those of another by the frames between them only.
  const { members: first } = poolingWindows(pooling, 0, 1)
  const members = new Int32Array(size)
  const weights = new Float64Array(size).fill(1 / size)
  let index = 0
  for (let step = 0; step < shape[0]; step++) {
    const frame = step * stride[0]
    const start = frame * grid[1] * grid[2]
    for (let place = 0; place < shape[1] * shape[2]; place++, index++) {
      for (let member = 0; member < size; member++) members[member] = first[place * size + member]! + start
      if (relevance !== undefined) softmaxInto(weights, members, relevance, temperature)
      const row = Math.floor(place / shape[2]) * stride[1]
      yield { index, frame, row, column: (place % shape[2]) * stride[2], members, weights }
    }
  }
}

function softmaxInto(
  weights: Float64Array,
  members: Int32Array,
  relevance: Float32Array,
  temperature: number,
): void {
  let largest = Number.NEGATIVE_INFINITY
  for (const member of members) largest = Math.max(largest, relevance[member]!)
  let total = 0
  for (const [at, member] of members.entries()) {
    weights[at] = Math.exp((relevance[member]! - largest) / temperature)
    total += weights[at]!
  }
  for (let at = 0; at < weights.length; at++) weights[at]! /= total
}
