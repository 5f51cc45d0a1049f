import { inputRange, type Taps } from './taps.js'

/** An interleaved RGB picture [height, width, 3]. */
export interface Picture<Values> {
  readonly values: Values
  readonly width: number
  readonly height: number
}

export type Bytes = Uint8Array | Uint8ClampedArray

/** Pillow's fixed point: 22 bits after the point leave room for the sum of 8-bit values in 32 bits. */
const FRACTION_BITS = 22
const HALF = 1 << (FRACTION_BITS - 1)

/**
 * Resizes on 8-bit values as Pillow does: columns first, then rows, rounded to 8 bits after each.
 *
 * @param horizontal - Taps of the wanted columns.
 * @param vertical - Taps of the wanted rows.
 * @returns A picture of the wanted columns and rows.
 * @remarks Holds one picture between the passes: the wanted columns of the rows that the wanted rows need.
 */
export function resizeBytes(picture: Picture<Bytes>, horizontal: Taps, vertical: Taps): Picture<Bytes> {
  const [first, end] = inputRange(vertical)
  return rowsOfBytes(columnsOfBytes(picture, horizontal, first, end), vertical, first)
}

/** As {@link resizeBytes}, on floats: nothing is rounded or clamped. */
export function resizeFloats(
  picture: Picture<Bytes>,
  horizontal: Taps,
  vertical: Taps,
): Picture<Float32Array> {
  const [first, end] = inputRange(vertical)
  const { values, width } = picture
  const columns = horizontal.starts.length
  const between = new Float32Array((end - first) * columns * 3)
  for (let row = first; row < end; row++) {
    for (let column = 0; column < columns; column++) {
      const input = (row * width + horizontal.starts[column]!) * 3
      weighFloats(values, input, 3, horizontal, column, between, ((row - first) * columns + column) * 3)
    }
  }
  const rows = vertical.starts.length
  const result = new Float32Array(rows * columns * 3)
  for (let row = 0; row < rows; row++) {
    const start = (vertical.starts[row]! - first) * columns
    for (let column = 0; column < columns; column++) {
      weighFloats(
        between,
        (start + column) * 3,
        columns * 3,
        vertical,
        row,
        result,
        (row * columns + column) * 3,
      )
    }
  }
  return { values: result, width: columns, height: rows }
}

/** Clamps to 0–255 and rounds, halves to even. */
export function roundToBytes(picture: Picture<Float32Array>): Picture<Bytes> {
  // A clamped array does exactly this on assignment.
  return { ...picture, values: Uint8ClampedArray.from(picture.values) }
}

function columnsOfBytes(picture: Picture<Bytes>, taps: Taps, first: number, end: number): Picture<Bytes> {
  const { values, width } = picture
  const weights = fixedPoint(taps)
  const columns = taps.starts.length
  const result = new Uint8Array((end - first) * columns * 3)
  for (let row = first; row < end; row++) {
    for (let column = 0; column < columns; column++) {
      const input = (row * width + taps.starts[column]!) * 3
      weighBytes(values, input, 3, weights, taps, column, result, ((row - first) * columns + column) * 3)
    }
  }
  return { values: result, width: columns, height: end - first }
}

function rowsOfBytes(picture: Picture<Bytes>, taps: Taps, first: number): Picture<Bytes> {
  const { values, width } = picture
  const weights = fixedPoint(taps)
  const rows = taps.starts.length
  const result = new Uint8Array(rows * width * 3)
  for (let row = 0; row < rows; row++) {
    const start = (taps.starts[row]! - first) * width
    for (let column = 0; column < width; column++) {
      weighBytes(
        values,
        (start + column) * 3,
        width * 3,
        weights,
        taps,
        row,
        result,
        (row * width + column) * 3,
      )
    }
  }
  return { values: result, width, height: rows }
}

function weighBytes(
  values: Bytes,
  input: number,
  step: number,
  weights: Int32Array,
  taps: Taps,
  index: number,
  result: Uint8Array,
  output: number,
): void {
  let red = HALF
  let green = HALF
  let blue = HALF
  const weightStart = index * taps.stride
  const weightEnd = weightStart + taps.counts[index]!
  for (let k = weightStart, at = input; k < weightEnd; k++, at += step) {
    const weight = weights[k]!
    red = (red + Math.imul(values[at]!, weight)) | 0
    green = (green + Math.imul(values[at + 1]!, weight)) | 0
    blue = (blue + Math.imul(values[at + 2]!, weight)) | 0
  }
  result[output] = toByte(red)
  result[output + 1] = toByte(green)
  result[output + 2] = toByte(blue)
}

function weighFloats(
  values: Bytes | Float32Array,
  input: number,
  step: number,
  taps: Taps,
  index: number,
  result: Float32Array,
  output: number,
): void {
  let red = 0
  let green = 0
  let blue = 0
  const weightStart = index * taps.stride
  const weightEnd = weightStart + taps.counts[index]!
  for (let k = weightStart, at = input; k < weightEnd; k++, at += step) {
    const weight = taps.weights[k]!
    red += values[at]! * weight
    green += values[at + 1]! * weight
    blue += values[at + 2]! * weight
  }
  result[output] = red
  result[output + 1] = green
  result[output + 2] = blue
}

function fixedPoint(taps: Taps): Int32Array {
  return Int32Array.from(taps.weights, (weight) => {
    const scaled = weight * (1 << FRACTION_BITS)
    return Math.trunc(weight < 0 ? scaled - 0.5 : scaled + 0.5)
  })
}

function toByte(sum: number): number {
  return Math.min(Math.max(sum >> FRACTION_BITS, 0), 255)
}
