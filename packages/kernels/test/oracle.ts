// biome-ignore-all lint/style/noNonNullAssertion: reads of arrays whose length is known here
/** Naive float64 arithmetic on rows of numbers: slow, obvious, and sharing nothing with the graphs. */
export type Rows = number[][]

/** Splits a row-major array into rows of `width`. */
export function rowsOf(data: ArrayLike<number>, width: number): Rows {
  return Array.from({ length: data.length / width }, (_, row) =>
    Array.from({ length: width }, (_, column) => data[row * width + column]!),
  )
}

export function dot(a: readonly number[], b: readonly number[]): number {
  let sum = 0
  for (let index = 0; index < a.length; index++) sum += a[index]! * b[index]!
  return sum
}

export function addRows(a: Rows, b: Rows): Rows {
  return a.map((row, index) => row.map((value, column) => value + b[index]![column]!))
}

/** x · weightᵀ + bias, weight [out, in] flat. */
export function linear(x: Rows, weight: ArrayLike<number>, bias?: ArrayLike<number>): Rows {
  const matrix = rowsOf(weight, x[0]!.length)
  return x.map((row) => matrix.map((column, out) => dot(row, column) + (bias?.[out] ?? 0)))
}

export function layerNorm(
  x: Rows,
  weight: ArrayLike<number>,
  bias: ArrayLike<number>,
  epsilon: number,
): Rows {
  return x.map((row) => {
    const mean = row.reduce((sum, value) => sum + value, 0) / row.length
    const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / row.length
    return row.map((value, at) => ((value - mean) / Math.sqrt(variance + epsilon)) * weight[at]! + bias[at]!)
  })
}

export function rmsNorm(x: Rows, weight: ArrayLike<number>, epsilon: number): Rows {
  return x.map((row) => {
    const square = row.reduce((sum, value) => sum + value * value, 0) / row.length
    return row.map((value, at) => (value / Math.sqrt(square + epsilon)) * weight[at]!)
  })
}

export function softmax(scores: readonly number[]): number[] {
  const largest = Math.max(...scores)
  const powers = scores.map((score) => Math.exp(score - largest))
  const sum = powers.reduce((total, power) => total + power, 0)
  return powers.map((power) => power / sum)
}

/** Softmax attention of each query row to the key rows that `visible` admits. One head. */
export function attend(
  queries: Rows,
  keys: Rows,
  values: Rows,
  visible: (query: number, key: number) => boolean = () => true,
): { output: Rows; weights: Rows } {
  const scale = 1 / Math.sqrt(queries[0]!.length)
  const weights = queries.map((query, at) =>
    softmax(
      keys.map((key, other) => (visible(at, other) ? dot(query, key) * scale : Number.NEGATIVE_INFINITY)),
    ),
  )
  const output = weights.map((row) =>
    values[0]!.map((_, channel) =>
      row.reduce((sum, weight, key) => sum + weight * values[key]![channel]!, 0),
    ),
  )
  return { output, weights }
}

/** Columns `head·size` to `(head + 1)·size` of every row. */
export function headOf(x: Rows, head: number, size: number): Rows {
  return x.map((row) => row.slice(head * size, (head + 1) * size))
}

/** Puts heads side by side again. */
export function joinHeads(heads: readonly Rows[]): Rows {
  return heads[0]!.map((_, row) => heads.flatMap((head) => head[row]!))
}

/** Each row scaled to length 1. */
export function unitRows(x: Rows): Rows {
  return x.map((row) => row.map((value) => value / Math.hypot(...row)))
}

export const activations = {
  quick_gelu: (x: number) => x / (1 + Math.exp(-1.702 * x)),
  gelu: (x: number) => (x * (1 + erf(x / Math.SQRT2))) / 2,
  gelu_pytorch_tanh: (x: number) =>
    (x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))) / 2,
  silu: (x: number) => x / (1 + Math.exp(-x)),
}

/** The error function by its Taylor series; enough terms for |x| up to 5 in float64. */
function erf(x: number): number {
  if (Math.abs(x) > 5) return Math.sign(x)
  let term = x
  let sum = x
  for (let n = 1; n < 120; n++) {
    term *= (-x * x) / n
    sum += term / (2 * n + 1)
  }
  return (2 / Math.sqrt(Math.PI)) * sum
}

export function largestDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY
  let largest = 0
  for (let index = 0; index < actual.length; index++) {
    const difference = Math.abs(actual[index]! - expected[index]!)
    if (!(difference <= largest)) largest = difference
  }
  return largest
}

/** The largest difference as a share of the largest expected magnitude. */
export function relativeDifference(actual: ArrayLike<number>, expected: readonly number[]): number {
  const largest = expected.reduce((size, value) => Math.max(size, Math.abs(value)), 0)
  return largestDifference(actual, expected) / largest
}
