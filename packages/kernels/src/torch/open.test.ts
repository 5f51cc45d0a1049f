import { readFile } from 'node:fs/promises'
import { isLongtakeError } from '@longtake/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { refusal } from '../../test/safetensors-file.js'
import { makeArchive, openBytes, stateDict, toTorch } from '../../test/torch-file.js'
import { bytesAccess } from '../safetensors/open.js'
import type { RandomAccess, TensorSource } from '../tensor-source.js'
import { openTorch } from './open.js'

const DATA = new URL('../../../../tests/data/torch/', import.meta.url)

interface Expected {
  readonly shape: number[]
  readonly values: number[]
}

const saved = async (name: string) => new Uint8Array(await readFile(new URL(name, DATA)))
const expected: Record<string, Expected> = JSON.parse(await readFile(new URL('expected.json', DATA), 'utf8'))
const isOfModule = (name: string) => /^[01]\./.test(name)

/** Every tensor as it is stored, by name. */
async function contents(source: TensorSource): Promise<Map<string, unknown>> {
  const found = new Map<string, unknown>()
  for (const name of source.names()) found.set(name, [source.info(name), await source.readRaw(name)])
  return found
}

describe('files that torch wrote', () => {
  test.each(['protocol-2.bin', 'protocol-3.bin', 'protocol-4.bin', 'module.pth'])('%s', async (file) => {
    const source = await openBytes(await saved(file))
    const names = Object.keys(expected).filter((name) => isOfModule(name) === (file === 'module.pth'))
    expect([...source.names()].sort()).toEqual(names.sort())
    for (const name of names) {
      const { shape, values } = expected[name]!
      const info = source.info(name)
      expect([name, info.shape]).toEqual([name, shape])
      if (name === 'ids') {
        expect(info.dtype).toBe('I64')
        const raw = new BigInt64Array((await source.readRaw(name)).slice().buffer)
        expect([...raw]).toEqual(values.map(BigInt))
      } else expect([name, await source.read(name)]).toEqual([name, Float32Array.from(values)])
    }
  })

  test('types are those of the storages', async () => {
    const source = await openBytes(await saved('protocol-2.bin'))
    const types = ['f32', 'f16', 'bf16', 'f64', 'scalar'].map((name) => source.info(name).dtype)
    expect(types).toEqual(['F32', 'F16', 'BF16', 'F64', 'F32'])
  })

  test.each([
    ['legacy.bin', /before 1\.6.*safetensors/],
    ['whole-module.bin', /"torch\.nn\.modules\.container\.Sequential".*nothing is run/],
    ['nested.bin', /"state_dict" is a dict/],
    ['gaps.bin', /"view" of shape \[4\] is a view with strides \[2\]/],
    ['expanded.bin', /"view" of shape \[4\] is a view with strides \[0\]/],
    ['script.pth', /TorchScript|compressed/],
  ])('%s is refused by name, with advice', async (file, message) => {
    const error = await refusal(openBytes(await saved(file), file))
    expect(error.code).toBe('CHECKPOINT_UNSUPPORTED')
    expect(error.message).toMatch(message)
    expect(error.message).toContain(file)
    expect(error.message).toContain('Convert the checkpoint to safetensors')
  })

  test('a byte that changed is found, or changes nothing but the values of one storage', async () => {
    const good = await saved('protocol-2.bin')
    const before = await contents(await openBytes(good))
    let refusals = 0
    for (let at = 0; at < good.length; at++) {
      for (const mask of [0x01, 0x40, 0xff]) {
        const bytes = good.with(at, (good[at] ?? 0) ^ mask)
        try {
          const after = await contents(await openBytes(bytes))
          expect([...after.keys()]).toEqual([...before.keys()])
          const infos = (all: Map<string, unknown>) => [...all.values()].map((pair) => (pair as unknown[])[0])
          expect(infos(after)).toEqual(infos(before))
        } catch (error) {
          if (!isLongtakeError(error)) throw error
          refusals++
        }
      }
    }
    expect(refusals).toBeGreaterThan(good.length)
  })

  test('a file that was cut off anywhere is refused', async () => {
    const good = await saved('protocol-4.bin')
    for (let length = 0; length < good.length; length += 7) {
      expect((await refusal(openBytes(good.slice(0, length)))).code).toMatch(
        /^CHECKPOINT_(INVALID|UNSUPPORTED)$/,
      )
    }
  })
})

test('what was written is what is read, for any names and shapes', async () => {
  const tensor = fc.record({ shape: fc.array(fc.nat(4), { maxLength: 4 }), seed: fc.integer() })
  const names = fc.dictionary(fc.string({ unit: 'grapheme' }), tensor, { maxKeys: 8 })
  await fc.assert(
    fc.asyncProperty(names, async (made) => {
      const tensors = new Map(
        Object.entries(made).map(([name, { shape, seed }]) => {
          const count = shape.reduce((a, b) => a * b, 1)
          return [name, { shape, values: Float32Array.from({ length: count }, (_, i) => seed + i / 8) }]
        }),
      )
      const source = await openBytes(toTorch(tensors))
      expect(new Set(source.names())).toEqual(new Set(tensors.keys()))
      for (const [name, { shape, values }] of tensors) {
        expect(source.info(name)).toEqual({ dtype: 'F32', shape })
        expect(await source.read(name)).toEqual(values)
      }
    }),
    { numRuns: 100 },
  )
})

test('opening reads no values, and reading a tensor no others', async () => {
  const values = new Float32Array(1000).fill(3)
  const tensors = new Map(['a', 'b', 'c'].map((name) => [name, { shape: [1000], values }]))
  const bytes = toTorch(tensors)
  const inner = bytesAccess('m', bytes)
  let read = 0
  const counted: RandomAccess = {
    ...inner,
    read: (offset, length) => {
      read += length
      return inner.read(offset, length)
    },
  }
  const source = await openTorch([counted])
  expect(read).toBeLessThan(3000)
  read = 0
  await source.read('b')
  expect(read).toBe(4000)
})

test('shards are one source; the same tensor in two is refused', async () => {
  const shard = (file: string, name: string) =>
    bytesAccess(file, toTorch(new Map([[name, { shape: [1], values: Float32Array.of(name.length) }]])))
  const source = await openTorch([shard('1.bin', 'a'), shard('2.bin', 'bb')])
  expect([...(await source.read('a')), ...(await source.read('bb'))]).toEqual([1, 2])
  const error = await refusal(openTorch([shard('1.bin', 'a'), shard('2.bin', 'a')]))
  expect(error.message).toContain('2.bin: it and 1.bin both have the tensor "a"')
})

test('any order of the dimensions in memory becomes row-major', async () => {
  const shapes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 5 })
  const made = shapes.chain((shape) =>
    fc.tuple(fc.constant(shape), fc.shuffledSubarray([...shape.keys()], { minLength: shape.length })),
  )
  await fc.assert(
    fc.asyncProperty(made, async ([shape, order]) => {
      const strides = shape.map(() => 0)
      let count = 1
      for (const dimension of order) {
        strides[dimension] = count
        count *= shape[dimension]!
      }
      const values = Float32Array.from({ length: count }, (_, i) => i)
      const pickle = stateDict({ w: { key: '0', elements: count, shape, strides } })
      const source = await openBytes(makeArchive(pickle, { 0: new Uint8Array(values.buffer) }))
      const read = await source.read('w')
      const last = shape[0]! - 1
      expect(await source.readRows('w', last, last + 1)).toEqual(read.slice((last * count) / shape[0]!))
      for (let flat = 0; flat < count; flat++) {
        let [rest, place] = [flat, 0]
        for (let dimension = shape.length - 1; dimension >= 0; dimension--) {
          place += (rest % shape[dimension]!) * strides[dimension]!
          rest = Math.floor(rest / shape[dimension]!)
        }
        expect(read[flat]).toBe(place)
      }
    }),
    { numRuns: 300 },
  )
})
