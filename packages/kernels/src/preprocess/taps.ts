import type { ResampleFilter } from './types.js'

/**
 * Weights of one direction of a resize. Output `i` is the sum over `k < counts[i]` of
 * `weights[i · stride + k]` · input `starts[i] + k`.
 */
export interface Taps {
  readonly starts: Int32Array
  readonly counts: Int32Array
  readonly stride: number
  readonly weights: Float64Array
}

interface Kernel {
  /** Half of the width, in output pixels when shrinking. */
  readonly support: number
  weight(x: number): number
}

const KERNELS: Readonly<Record<ResampleFilter, Kernel>> = {
  box: { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  hamming: { support: 1, weight: hamming },
  bicubic: { support: 2, weight: bicubic },
  lanczos: { support: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
}

/**
 * Antialiased weights: the kernel is widened by the scale when shrinking, so that every input pixel counts.
 *
 * @param input - Length of the input, pixels.
 * @param output - Length of the whole output, pixels.
 * @param from - First output that is wanted.
 * @param to - End of the outputs that are wanted: only those are computed, however long the whole is.
 * @remarks Weights of an output sum to 1. Source: Pillow's resampling, which torchvision's antialias follows.
 */
export function antialiasedTaps(
  input: number,
  output: number,
  filter: ResampleFilter,
  from: number,
  to: number,
): Taps {
  const kernel = KERNELS[filter]
  const scale = input / output
  const widening = Math.max(scale, 1)
  const support = kernel.support * widening
  const stride = Math.min(Math.ceil(support) * 2 + 1, input)
  const taps = emptyTaps(to - from, stride)
  for (let i = from; i < to; i++) {
    const center = (i + 0.5) * scale
    const start = Math.max(Math.trunc(center - support + 0.5), 0)
    const count = Math.min(Math.trunc(center + support + 0.5), input) - start
    let sum = 0
    for (let k = 0; k < count; k++) {
      const weight = kernel.weight((start + k - center + 0.5) * (1 / widening))
      taps.weights[(i - from) * stride + k] = weight
      sum += weight
    }
    for (let k = 0; k < count; k++) taps.weights[(i - from) * stride + k]! /= sum === 0 ? 1 : sum
    taps.starts[i - from] = start
    taps.counts[i - from] = count
  }
  return taps
}

/**
 * Weights of the two nearest inputs, whatever the scale; the edge is repeated.
 *
 * @remarks Arguments as for {@link antialiasedTaps}. Source: PyTorch's `interpolate`, bilinear, corners not aligned.
 */
export function linearTaps(input: number, output: number, from: number, to: number): Taps {
  const taps = emptyTaps(to - from, 2)
  for (let i = from; i < to; i++) {
    const position = Math.max(((i + 0.5) * input) / output - 0.5, 0)
    const start = Math.min(Math.trunc(position), input - 1)
    const share = start + 1 < input ? position - start : 0
    taps.starts[i - from] = start
    taps.counts[i - from] = share > 0 ? 2 : 1
    taps.weights.set([1 - share, share], (i - from) * 2)
  }
  return taps
}

/** The inputs that any output needs: `[first, end)`. */
export function inputRange(taps: Taps): [number, number] {
  let first = Number.POSITIVE_INFINITY
  let end = 0
  taps.starts.forEach((start, i) => {
    first = Math.min(first, start)
    end = Math.max(end, start + taps.counts[i]!)
  })
  return [first, end]
}

function emptyTaps(length: number, stride: number): Taps {
  return {
    starts: new Int32Array(length),
    counts: new Int32Array(length),
    stride,
    weights: new Float64Array(length * stride),
  }
}

function hamming(x: number): number {
  if (x === 0) return 1
  return Math.abs(x) >= 1 ? 0 : sinc(x) * (0.54 + 0.46 * Math.cos(x * Math.PI))
}

/** Keys' cubic with a = −1/2. */
function bicubic(signed: number): number {
  const x = Math.abs(signed)
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1
  return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI)
}
