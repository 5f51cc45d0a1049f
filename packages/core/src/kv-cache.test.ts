import fc from 'fast-check'
import { expect, test } from 'vitest'
import { videoLlavaSpec } from './fixtures.js'
import { InvalidOptionError, KV_CACHE_TYPES, kvCacheBytes } from './index.js'

const MIB = 2 ** 20
const shapes = fc.record({
  layers: fc.integer({ min: 1, max: 80 }),
  kvHeads: fc.integer({ min: 1, max: 64 }),
  headDim: fc.integer({ min: 1, max: 128 }).map((pairs) => 2 * pairs),
})
const tokenCounts = fc.integer({ min: 0, max: 100_000 })

test('Video-LLaVA-7B takes 1 MiB a token in fp32, a quarter in int8, an eighth in int4, and a few scales', () => {
  const scales = 2 * 32 * 32 * 128 * 4
  expect(kvCacheBytes(videoLlavaSpec.decoder, 1, 'fp32')).toBe(MIB)
  expect(kvCacheBytes(videoLlavaSpec.decoder, 16_448, 'fp32')).toBe(16_448 * MIB)
  expect(kvCacheBytes(videoLlavaSpec.decoder, 16_448, 'int8')).toBe((16_448 * MIB) / 4 + scales)
  expect(kvCacheBytes(videoLlavaSpec.decoder, 16_448, 'int4')).toBe((16_448 * MIB) / 8 + scales)
})

test('equals the buffers of every layer added up one by one', () => {
  fc.assert(
    fc.property(shapes, tokenCounts, ({ layers, kvHeads, headDim }, tokens) => {
      const totals = { fp32: 0, int8: 0, int4: 0 }
      for (let layer = 0; layer < layers; layer++) {
        for (const _ of ['key', 'value']) {
          totals.fp32 += 4 * (kvHeads * tokens * headDim)
          totals.int8 += kvHeads * tokens * headDim + 4 * (kvHeads * headDim)
          totals.int4 += kvHeads * tokens * (headDim / 2) + 4 * (kvHeads * headDim)
        }
      }
      for (const type of KV_CACHE_TYPES) {
        expect(kvCacheBytes({ layers, kvHeads, headDim }, tokens, type)).toBe(totals[type])
      }
    }),
  )
})

test('refuses senseless shapes, counts and types', () => {
  const shape = { layers: 1, kvHeads: 1, headDim: 2 }
  expect(() => kvCacheBytes({ ...shape, layers: 0 }, 1, 'fp32')).toThrow('layers')
  expect(() => kvCacheBytes({ ...shape, kvHeads: 1.5 }, 1, 'fp32')).toThrow('kvHeads')
  expect(() => kvCacheBytes({ ...shape, headDim: Number.NaN }, 1, 'fp32')).toThrow('headDim')
  expect(() => kvCacheBytes(shape, -1, 'fp32')).toThrow(InvalidOptionError)
  expect(() => kvCacheBytes(shape, 1e9, 'fp32')).toThrow(InvalidOptionError)
  expect(() => kvCacheBytes(shape, 1, 'int2' as never)).toThrow('one of fp32, int8, int4')
})
