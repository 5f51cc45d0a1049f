/**
 * Order in which a tensor's dimensions lie in memory, outermost first: `0, 1, 2, …` where it is row-major.
 *
 * @returns undefined where elements overlap or have gaps between them, as in expanded or cut views.
 */
export function storedOrder(shape: readonly number[], strides: readonly number[]): number[] | undefined {
  const dimensions = shape.map((_, dimension) => dimension)
  if (shape.includes(0)) return dimensions
  const wide = dimensions.filter((dimension) => shape[dimension] !== 1)
  // Sorting keeps equal strides in place; those overlap and are found below.
  wide.sort((a, b) => (strides[b] ?? 0) - (strides[a] ?? 0))
  let step = 1
  for (const dimension of wide.toReversed()) {
    if (strides[dimension] !== step) return undefined
    step *= shape[dimension] ?? 1
  }
  return wide.every((dimension, i) => i === 0 || dimension > (wide[i - 1] ?? 0)) ? dimensions : wide
}

/**
 * Copies a tensor whose elements lie densely in another order into row-major order.
 *
 * @param stored - The elements as stored, `elementBytes` each.
 */
export function toRowMajor(
  stored: Uint8Array,
  shape: readonly number[],
  strides: readonly number[],
  elementBytes: number,
): Uint8Array {
  const result = new Uint8Array(stored.length)
  const indices = shape.map(() => 0)
  let from = 0
  for (let to = 0; to < stored.length; to += elementBytes) {
    for (let byte = 0; byte < elementBytes; byte++) result[to + byte] = stored[from * elementBytes + byte]!
    for (let dimension = shape.length - 1; dimension >= 0; dimension--) {
      const size = shape[dimension] ?? 1
      const stride = strides[dimension] ?? 0
      const index = (indices[dimension] ?? 0) + 1
      from += stride
      indices[dimension] = index
      if (index < size) break
      from -= stride * size
      indices[dimension] = 0
    }
  }
  return result
}
