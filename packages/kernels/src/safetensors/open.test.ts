import { CheckpointError } from '@longtake/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { file, type Header, open, refusal, single } from '../../test/safetensors-file.js'
import type { RandomAccess } from '../tensor-source.js'
import { bytesAccess, openSafetensors } from './open.js'
import { parseShardIndex } from './shard-index.js'

describe('reading', () => {
  test('widens every float type exactly, from data that is not aligned', async () => {
    const data = new Uint8Array(1 + 4 + 4 + 4 + 8)
    const view = new DataView(data.buffer)
    data[0] = 7
    view.setFloat32(1, 1.5, true)
    view.setUint16(5, 0x3c01, true) // half: 1 + 2^-10
    view.setUint16(7, 0x8001, true) // half: the smallest negative subnormal
    view.setUint16(9, 0x7f7f, true) // bfloat16: its largest
    view.setUint16(11, 0xff80, true) // bfloat16: -infinity
    view.setFloat64(13, 0.1, true)
    const source = await open(
      file(
        {
          __metadata__: { format: 'pt' },
          brain: { dtype: 'BF16', shape: [1, 2], data_offsets: [9, 13] },
          odd: { dtype: 'U8', shape: [1], data_offsets: [0, 1] },
          half: { dtype: 'F16', shape: [2], data_offsets: [5, 9] },
          single: { dtype: 'F32', shape: [], data_offsets: [1, 5] },
          double: { dtype: 'F64', shape: [1], data_offsets: [13, 21] },
        },
        data,
      ),
    )
    expect([...source.names()].sort()).toEqual(['brain', 'double', 'half', 'odd', 'single'])
    expect(source.info('brain')).toEqual({ dtype: 'BF16', shape: [1, 2] })
    expect(await source.read('single')).toEqual(Float32Array.of(1.5))
    expect(await source.read('half')).toEqual(Float32Array.of(1 + 2 ** -10, -(2 ** -24)))
    expect(await source.read('brain')).toEqual(Float32Array.of(255 * 2 ** 120, -Infinity))
    expect(await source.read('double')).toEqual(Float32Array.of(Math.fround(0.1)))
    expect([...(await source.readRaw('odd'))]).toEqual([7])
    expect((await refusal(source.read('odd'))).code).toBe('CHECKPOINT_TENSOR')
    expect((await refusal(source.read('missing'))).message).toContain('missing')
    expect(() => source.info('toString')).toThrow(CheckpointError)
    expect(source.has('constructor')).toBe(false)
  })

  test('reads rows along the first axis, of any type and rank', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('F32' as const, 'F16' as const),
        fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 3 }),
        fc.nat(),
        fc.nat(),
        async (dtype, shape, a, b) => {
          const count = shape.reduce((product, size) => product * size, 1)
          const width = dtype === 'F32' ? 4 : 2
          const data = new Uint8Array(count * width).map((_, index) => (index * 37) % 120)
          const source = await open(file(single({ dtype, shape, data_offsets: [0, data.length] }), data))
          const [first, last] = [a % shape[0]!, b % shape[0]!].toSorted((x, y) => x - y) as [number, number]
          const row = count / shape[0]!
          const expected = (await source.read('w')).slice(first * row, (last + 1) * row)
          expect(await source.readRows('w', first, last + 1)).toEqual(expected)
        },
      ),
    )
  })

  test('refuses rows that are not there', async () => {
    const source = await open(
      file(single({ dtype: 'F32', shape: [2], data_offsets: [0, 8] }), new Uint8Array(8)),
    )
    for (const [first, end] of [
      [0, 3],
      [-1, 1],
      [1, 1],
      [2, 1],
      [0.5, 1],
      [Number.NaN, 2],
    ] as const) {
      const { code, message } = await refusal(source.readRows('w', first, end))
      expect(code).toBe('CHECKPOINT_TENSOR')
      expect(message).toContain('2 rows')
    }
  })

  test('reads every half float as the IEEE value', async () => {
    const bits = Uint16Array.from({ length: 65_536 }, (_, i) => i)
    const source = await open(
      file(
        single({ dtype: 'F16', shape: [65_536], data_offsets: [0, 131_072] }),
        new Uint8Array(bits.buffer),
      ),
    )
    const values = await source.read('w')
    for (const [i, value] of values.entries()) {
      const exponent = (i >> 10) & 31
      const expected = exponent === 31 ? (i & 1023 ? Number.NaN : Infinity) : halfMagnitude(i)
      expect(value).toBe(i & 0x8000 ? -expected : expected)
    }
  })

  test('fetches only the header and the tensor that is asked for', async () => {
    const bytes = file(
      {
        a: { dtype: 'F32', shape: [2], data_offsets: [0, 8] },
        b: { dtype: 'F32', shape: [1], data_offsets: [8, 12] },
      },
      new Uint8Array(12),
    )
    const reads: [number, number][] = []
    const inner = bytesAccess('m', bytes)
    const read: RandomAccess['read'] = (offset, length) => {
      reads.push([offset, length])
      return inner.read(offset, length)
    }
    const source = await openSafetensors([{ ...inner, read }])
    expect(reads).toEqual([
      [0, 8],
      [8, bytes.length - 12 - 8],
    ])
    await source.read('b')
    expect(reads.at(-1)).toEqual([bytes.length - 4, 4])
  })

  test('reads large tensors in pieces', async () => {
    const count = 5 * 1024 * 1024
    const data = new Uint8Array(count * 2)
    new Uint16Array(data.buffer).fill(0x3f80)
    new Uint16Array(data.buffer)[count - 1] = 0x4000
    const bytes = file(single({ dtype: 'BF16', shape: [count], data_offsets: [0, count * 2] }), data)
    let largest = 0
    const inner = bytesAccess('m', bytes)
    const read: RandomAccess['read'] = (offset, length) => {
      largest = Math.max(largest, length)
      return inner.read(offset, length)
    }
    const values = await (await openSafetensors([{ ...inner, read }])).read('w')
    expect(values.length).toBe(count)
    expect([values[0], values[count - 2], values[count - 1]]).toEqual([1, 1, 2])
    expect(largest).toBeLessThan(count * 2)
  })

  test('what was written is what is read, for any names, shapes and order of the data', async () => {
    const tensor = fc.record({ shape: fc.array(fc.nat(4), { maxLength: 3 }), seed: fc.integer() })
    const names = fc.dictionary(fc.string({ minLength: 1 }), tensor, { maxKeys: 8, noNullPrototype: true })
    await fc.assert(
      fc.asyncProperty(names, fc.integer(), async (tensors, shuffle) => {
        const header: Header = {}
        const expected = new Map<string, Float32Array>()
        const data: number[] = []
        const order = Object.keys(tensors).sort((a, b) => Math.sin(a.length + shuffle) - Math.sin(b.length))
        for (const name of order.filter((key) => !key.startsWith('__'))) {
          const { shape, seed } = tensors[name]!
          const values = Float32Array.from(
            { length: shape.reduce((a, b) => a * b, 1) },
            (_, i) => seed + i / 8,
          )
          header[name] = { dtype: 'F32', shape, data_offsets: [data.length, data.length + values.length * 4] }
          data.push(...new Uint8Array(values.buffer))
          expected.set(name, values)
        }
        const source = await open(file(header, data))
        expect(new Set(source.names())).toEqual(new Set(expected.keys()))
        for (const [name, values] of expected) expect(await source.read(name)).toEqual(values)
      }),
      { numRuns: 100 },
    )
  })
})

describe('shards', () => {
  const shard = (name: string, value: number) =>
    file({ [name]: { dtype: 'U8', shape: [1], data_offsets: [0, 1] } }, [value])

  test('finds names over the shards, in any order, as the index says', async () => {
    const files = [
      bytesAccess('dir/b.safetensors', shard('x', 1)),
      bytesAccess('a.safetensors', shard('y', 2)),
    ]
    const index = parseShardIndex({ weight_map: { y: 'a.safetensors', x: 'b.safetensors' }, metadata: {} })
    expect(index.files).toEqual(['a.safetensors', 'b.safetensors'])
    const source = await openSafetensors(files, index)
    expect([...(await source.readRaw('x')), ...(await source.readRaw('y'))]).toEqual([1, 2])
  })

  test('refuses the same tensor twice, and an index that disagrees', async () => {
    const files = [bytesAccess('a.safetensors', shard('x', 1)), bytesAccess('b.safetensors', shard('x', 2))]
    expect((await refusal(openSafetensors(files))).message).toContain('both have the tensor x')
    const wrongFile = parseShardIndex({ weight_map: { x: 'b.safetensors' } })
    expect((await refusal(openSafetensors(files.slice(0, 1), wrongFile))).code).toBe('CHECKPOINT_INVALID')
    const missing = parseShardIndex({ weight_map: { y: 'a.safetensors' } })
    expect((await refusal(openSafetensors(files.slice(0, 1), missing))).message).toContain('no shard has it')
  })

  test.each([
    ['no map', {}],
    ['not an object', [1]],
    ['an empty map', { weight_map: {} }],
    ['a number as file', { weight_map: { x: 3 } }],
    ['a parent folder', { weight_map: { x: '../model.safetensors' } }],
    ['an absolute path', { weight_map: { x: '/etc/model.safetensors' } }],
    ['a Windows path', { weight_map: { x: 'C:\\model.safetensors' } }],
    ['an address', { weight_map: { x: 'http://host/model.safetensors' } }],
    ['another kind of file', { weight_map: { x: 'model.bin' } }],
    ['a zero byte', { weight_map: { x: 'a\0.safetensors' } }],
  ])('refuses an index with %s', (_, index) => {
    expect(() => parseShardIndex(index)).toThrow(CheckpointError)
  })
})

function halfMagnitude(bits: number): number {
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  return exponent === 0 ? fraction / 2 ** 24 : ((1024 + fraction) * 2 ** exponent) / 2 ** 25
}
