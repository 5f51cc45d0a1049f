/** Values of all 65,536 half floats; built at the first use, 256 KiB. */
let halfTable: Float32Array | undefined

/** Converts a run of stored values to 32-bit floats: `from` bytes, `to` at `start`. */
export type Widen = (from: Uint8Array, to: Float32Array, start: number) => void

/** Exact: every half float is a float. */
export const widenHalf: Widen = (from, to, start) => {
  halfTable ??= Float32Array.from({ length: 65_536 }, (_, bits) => halfValue(bits))
  const table = halfTable
  const values = new Uint16Array(aligned(from, 2), 0, from.length / 2)
  for (let i = 0; i < values.length; i++) to[start + i] = table[values[i]!]!
}

/** Exact: a bfloat16 is the upper half of a float. */
export const widenBrain: Widen = (from, to, start) => {
  const values = new Uint16Array(aligned(from, 2), 0, from.length / 2)
  const bits = new Uint32Array(to.buffer, to.byteOffset + start * 4, values.length)
  for (let i = 0; i < values.length; i++) bits[i] = values[i]! << 16
}

export const copySingle: Widen = (from, to, start) => {
  new Uint8Array(to.buffer, to.byteOffset + start * 4, from.length).set(from)
}

/** Rounds to the nearest float. */
export const roundDouble: Widen = (from, to, start) => {
  to.set(new Float64Array(aligned(from, 8), 0, from.length / 8), start)
}

/** A buffer that begins with the bytes; a copy only where they do not fill one from its start. */
function aligned(bytes: Uint8Array, unit: number): ArrayBufferLike {
  const whole = bytes.byteOffset === 0 && bytes.buffer.byteLength % unit === 0
  return whole ? bytes.buffer : bytes.slice().buffer
}

function halfValue(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  if (exponent === 0) return sign * fraction * 2 ** -24
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}
