/** How far logits are from those of the same tokens in fp32. */
export interface LogitDrift {
  /** Largest absolute difference. */
  readonly largest: number
  /** Root mean square of the differences over that of the logits in fp32. */
  readonly relative: number
  /** Share of the positions at which the same token is the best. */
  readonly sameBest: number
}

/**
 * Compares logits `[positions, vocabulary]`.
 *
 * @throws {RangeError} If the arrays are not as long as each other, or no whole number of positions.
 */
export function measureDrift(exact: Float32Array, other: Float32Array, vocabulary: number): LogitDrift {
  if (exact.length !== other.length || exact.length % vocabulary !== 0 || exact.length === 0) {
    throw new RangeError(`${exact.length} and ${other.length} logits are not of the same positions`)
  }
  const positions = exact.length / vocabulary
  let [largest, differences, squares, same] = [0, 0, 0, 0]
  for (let position = 0; position < positions; position++) {
    const best = { exact: position * vocabulary, other: position * vocabulary }
    for (let index = position * vocabulary; index < (position + 1) * vocabulary; index++) {
      const [value, found] = [exact[index] ?? 0, other[index] ?? 0]
      const difference = Math.abs(value - found)
      // NaN is further away than any number.
      if (!(difference <= largest)) largest = difference
      differences += difference ** 2
      squares += value ** 2
      if (value > (exact[best.exact] ?? 0)) best.exact = index
      if (found > (other[best.other] ?? 0)) best.other = index
    }
    if (best.exact === best.other) same++
  }
  return { largest, relative: Math.sqrt(differences / squares), sameBest: same / positions }
}
