import { InvalidOptionError } from '@longtake/core'

/** An array as NumPy saved it, row-major. */
export interface NpyArray {
  readonly shape: readonly number[]
  readonly data: NpyData
}

type NpyData = Float32Array | Float64Array | Uint8Array | Int8Array | Int32Array | BigInt64Array

const READERS: ReadonlyMap<
  string,
  { readonly bytes: number; readonly of: (buffer: ArrayBuffer) => NpyData }
> = new Map([
  ['<f4', { bytes: 4, of: (buffer: ArrayBuffer) => new Float32Array(buffer) }],
  ['<f8', { bytes: 8, of: (buffer: ArrayBuffer) => new Float64Array(buffer) }],
  ['|u1', { bytes: 1, of: (buffer: ArrayBuffer) => new Uint8Array(buffer) }],
  ['|i1', { bytes: 1, of: (buffer: ArrayBuffer) => new Int8Array(buffer) }],
  ['<i4', { bytes: 4, of: (buffer: ArrayBuffer) => new Int32Array(buffer) }],
  ['<i8', { bytes: 8, of: (buffer: ArrayBuffer) => new BigInt64Array(buffer) }],
])

/** Version 1: two bytes of header length; versions 2 and 3: four. */
const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]

/** Keys in NumPy's order, spaces where NumPy writes them, so that anything else is refused rather than guessed. */
const HEADER = /^\{'descr': '([^']{1,16})', 'fortran_order': (True|False), 'shape': \(([\d, ]*)\), \} *\n$/

/**
 * Reads one `.npy` file; strict, so that a damaged expectation is an error and never a number.
 *
 * @param bytes - The whole file; the result does not share its memory.
 * @param name - What to call the file in errors.
 * @throws {InvalidOptionError} If it is not an npy file of version 1 to 3, in row-major order, of float32, float64,
 *   int8, int32, int64 or uint8, or if its length is not exactly what its shape needs.
 * @remarks Source: NumPy's description of the format, `numpy.lib.format`.
 */
export function readNpy(bytes: Uint8Array, name = 'npy file'): NpyArray {
  const [headerStart, dataStart] = headerSpan(bytes, name)
  const header = new TextDecoder('latin1').decode(bytes.subarray(headerStart, dataStart))
  const match = HEADER.exec(header)
  if (!match) throw new InvalidOptionError(name, 'an npy header as NumPy writes it', header)
  const [, type = '', order, sizes = ''] = match
  const reader = READERS.get(type)
  if (!reader) throw new InvalidOptionError(name, `one of the types ${[...READERS.keys()].join(', ')}`, type)
  if (order === 'True') throw new InvalidOptionError(name, 'row-major order', 'fortran_order')
  const shape = parseShape(sizes, name)
  const expected = shape.reduce((product, size) => product * size, reader.bytes)
  const actual = bytes.length - dataStart
  if (actual !== expected) throw new InvalidOptionError(name, `${expected} bytes of data`, actual)
  return { shape, data: reader.of(Uint8Array.from(bytes.subarray(dataStart)).buffer) }
}

function headerSpan(bytes: Uint8Array, name: string): [number, number] {
  const version = bytes[6] ?? 0
  const start = version === 1 ? 10 : 12
  if (bytes.length < start || MAGIC.some((byte, i) => bytes[i] !== byte) || version < 1 || version > 3) {
    throw new InvalidOptionError(
      name,
      'an npy file of version 1 to 3',
      `${bytes.length} bytes of something else`,
    )
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true)
  if (length > bytes.length - start) {
    throw new InvalidOptionError(name, `a header within its ${bytes.length} bytes`, length)
  }
  return [start, start + length]
}

/** `3, 4`, `3,` or nothing: what stands between the brackets of a tuple of sizes. */
function parseShape(text: string, name: string): number[] {
  if (text === '') return []
  if (!/^\d+,$|^\d+(, \d+)+$/.test(text)) throw new InvalidOptionError(name, 'a tuple of sizes', text)
  const shape = text.split(',').filter(Boolean).map(Number)
  if (!shape.every(Number.isSafeInteger))
    throw new InvalidOptionError(name, 'sizes that can be counted', text)
  return shape
}
