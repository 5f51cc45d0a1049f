import { readFileSync } from 'node:fs'
import { InvalidOptionError } from '@longtake/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readNpy } from './npy.js'

function npy(header: string, data: Uint8Array, version = 1): Uint8Array {
  const start = version === 1 ? 10 : 12
  const text = new TextEncoder().encode(header)
  const bytes = new Uint8Array(start + text.length + data.length)
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0])
  const view = new DataView(bytes.buffer)
  if (version === 1) view.setUint16(8, text.length, true)
  else view.setUint32(8, text.length, true)
  bytes.set(text, start)
  bytes.set(data, start + text.length)
  return bytes
}

const header = (type: string, shape: string, order = 'False') =>
  `{'descr': '${type}', 'fortran_order': ${order}, 'shape': (${shape}), }   \n`

describe('reads', () => {
  const folder = new URL('../../../tests/data/parity/video_llava/expected/', import.meta.url)
  const expected = JSON.parse(readFileSync(new URL('expected.json', folder), 'utf8'))
  type Described = { file: string; shape: number[]; dtype: string }
  const files = Object.values<{ files: Record<string, Described> }>(expected.cases).flatMap((item) =>
    Object.values(item.files),
  )

  test.each(files)('$file as NumPy wrote it', ({ file, shape, dtype }) => {
    const array = readNpy(readFileSync(new URL(file, folder)), file)
    expect(array.shape).toEqual(shape)
    expect(array.data.length).toBe(shape.reduce((a, b) => a * b, 1))
    const types = { float32: Float32Array, int64: BigInt64Array, uint8: Uint8Array }
    expect(array.data).toBeInstanceOf(types[dtype as keyof typeof types])
  })

  test('values, at any alignment and in every version', () => {
    const data = new Uint8Array(Float32Array.of(1.5, -2, 3).buffer)
    for (const version of [1, 2, 3]) {
      for (const pad of ['', ' ']) {
        const bytes = npy(header('<f4', '3,').replace('\n', `${pad}\n`), data, version)
        expect(readNpy(bytes)).toEqual({ shape: [3], data: Float32Array.of(1.5, -2, 3) })
      }
    }
    expect(readNpy(npy(header('<f8', ''), new Uint8Array(8)))).toEqual({
      shape: [],
      data: Float64Array.of(0),
    })
    expect(readNpy(npy(header('<i4', '0, 7'), new Uint8Array(0))).shape).toEqual([0, 7])
    expect([...readNpy(npy(header('|i1', '1, 2'), Uint8Array.of(255, 3))).data]).toEqual([-1, 3])
  })
})

describe('refuses', () => {
  test.each<[string, Uint8Array]>([
    ['nothing', new Uint8Array(0)],
    ['another file', new TextEncoder().encode('PNG and some more bytes')],
    ['version 0', npy(header('<f4', '1,'), new Uint8Array(4), 0)],
    ['version 4', npy(header('<f4', '1,'), new Uint8Array(4), 4)],
    ['a header beyond the file', npy(header('<f4', '1,'), new Uint8Array(4)).slice(0, 40)],
    ['missing data', npy(header('<f4', '2,'), new Uint8Array(7))],
    ['more data than its shape', npy(header('<f4', '2,'), new Uint8Array(9))],
    ['column order', npy(header('<f4', '1,', 'True'), new Uint8Array(4))],
    ['big-endian numbers', npy(header('>f4', '1,'), new Uint8Array(4))],
    ['objects', npy(header('|O', '1,'), new Uint8Array(8))],
    ['a negative size', npy(header('<f4', '-1,'), new Uint8Array(4))],
    ['a number for a tuple', npy(header('<f4', '1'), new Uint8Array(4))],
    ['sizes beyond counting', npy(header('<f4', '99999999999999999999,'), new Uint8Array(4))],
    [
      'keys of its own',
      npy("{'shape': (1,), 'descr': '<f4', 'fortran_order': False, }\n", new Uint8Array(4)),
    ],
  ])('%s', (_, bytes) => {
    expect(() => readNpy(bytes)).toThrow(InvalidOptionError)
  })

  test('or reads any damaged file, and throws nothing else', () => {
    const good = npy(header('<f4', '2, 2'), new Uint8Array(16))
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length), (at, value, length) => {
        try {
          readNpy(good.with(at, value).slice(0, length))
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidOptionError)
        }
      }),
      { numRuns: 1000 },
    )
  })
})
