import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openBackend } from './open.js'
import { attentionOracle, ropeTable, wave } from './testing/attention-oracle.js'
import { type AttentionShape, attentionGraph, type CacheBits, cacheLayout } from './testing/graphs.js'
import type { Backend, Session, Tensor } from './types.js'

const SHAPE: AttentionShape = { heads: 4, kvHeads: 2, headDim: 16, capacity: 24 }
/** Tokens of each call: a first chunk, a second one on top of it, and single steps. */
const CALLS = [5, 4, 1, 1, 1]
const TOKENS = CALLS.reduce((sum, count) => sum + count, 0)
/** Largest error of an output near 1: rounding, then half a step of 127 and of 7 levels, with room. */
const TOLERANCE: { readonly [B in CacheBits]: number } = { 32: 1e-5, 8: 0.02, 4: 0.3 }

const { heads, kvHeads, headDim, capacity } = SHAPE
const query = wave(TOKENS * heads * headDim, 0.37)
const key = wave(TOKENS * kvHeads * headDim, 0.73)
const value = wave(TOKENS * kvHeads * headDim, 1.19)
const rope = ropeTable(capacity, headDim / 2)
const expected = attentionOracle(SHAPE, query, key, value, rope)

describe.each(['resident', 'portable'] as const)('%s back end', (kind) => {
  let backend: Backend
  beforeAll(async () => {
    backend = await openBackend(kind)
  })
  afterAll(() => backend.close())

  describe.each([32, 8, 4] as const)('attention with a cache of %i bits', (bits) => {
    let session: Session
    beforeAll(async () => {
      session = await backend.session(attentionGraph(SHAPE, bits), { threads: 1 })
    })

    const makeCache = () => {
      const { type, width } = cacheLayout(bits, headDim)
      return {
        keys: backend.tensor(type, [1, kvHeads, capacity, width]),
        values: backend.tensor(type, [1, kvHeads, capacity, width]),
      }
    }

    test('agrees with plain arithmetic, chunk by chunk and step by step, in one buffer', async () => {
      const cache = makeCache()
      const output = await attend(backend, session, cache, CALLS, bits)
      expect(largestDifference(output, expected)).toBeLessThan(TOLERANCE[bits])
    })

    test('writes the new tokens where they belong, and nothing behind them', async () => {
      const { keys, values } = makeCache()
      const live = { keys: keys.data, values: values.data }
      await attend(backend, session, { keys, values }, CALLS.slice(0, 2), bits)
      const written = CALLS[0]! + CALLS[1]!
      const { width } = cacheLayout(bits, headDim)
      for (const array of [live.keys, live.values])
        for (let head = 0; head < kvHeads; head++) {
          const row = (token: number) =>
            Array.from(
              array.slice((head * capacity + token) * width, (head * capacity + token + 1) * width),
              Number,
            )
          for (let token = 0; token < written; token++) expect(row(token).some((x) => x !== 0)).toBe(true)
          expect(row(capacity - 1)).toEqual(new Array(width).fill(bits === 4 ? row(capacity - 1)[0] : 0))
        }
    })

    test('all at once is the same as in parts', async () => {
      const whole = await attend(backend, session, makeCache(), [TOKENS], bits)
      const parts = await attend(backend, session, makeCache(), CALLS, bits)
      expect(largestDifference(whole, parts)).toBeLessThan(bits === 32 ? 1e-5 : TOLERANCE[bits])
    })
  })
})

/** Feeds the tokens in calls of the given lengths, past and present being one tensor; all outputs in a row. */
async function attend(
  backend: Backend,
  session: Session,
  cache: { keys: Tensor; values: Tensor },
  calls: readonly number[],
  bits: CacheBits,
): Promise<Float32Array> {
  const outputs: number[] = []
  let held = 0
  for (const count of calls) {
    held += count
    const start = held - count
    const slice = (data: Float32Array, width: number) =>
      backend.tensor('float32', [1, count, width], data.slice(start * width, held * width))
    const result = await session.run(
      {
        query: slice(query, heads * headDim),
        key: slice(key, kvHeads * headDim),
        value: slice(value, kvHeads * headDim),
        past_key: cache.keys,
        past_value: cache.values,
        seqlens_k: backend.tensor('int32', [1], Int32Array.of(held - 1)),
        total: backend.tensor('int32', [], Int32Array.of(held)),
        cos: backend.tensor('float32', [capacity, headDim / 2], rope.cos),
        sin: backend.tensor('float32', [capacity, headDim / 2], rope.sin),
        ...scales(backend, bits),
      },
      { present_key: cache.keys, present_value: cache.values },
    )
    outputs.push(...(result.output!.data as Float32Array))
  }
  return Float32Array.from(outputs)
}

/** Static scales: all values lie within [-√2, √2] after rotation. */
function scales(backend: Backend, bits: CacheBits): Record<string, Tensor> {
  if (bits === 32) return {}
  const scale = Math.SQRT2 / (bits === 8 ? 127 : 7)
  const tensor = () =>
    backend.tensor('float32', [1, kvHeads, 1, headDim], new Float32Array(kvHeads * headDim).fill(scale))
  return { k_scale: tensor(), v_scale: tensor() }
}

function largestDifference(left: Float32Array, right: Float32Array): number {
  expect(left.length).toBe(right.length)
  return left.reduce((largest, value, index) => Math.max(largest, Math.abs(value - right[index]!)), 0)
}
