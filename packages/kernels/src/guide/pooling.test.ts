import { InvalidOptionError } from '@longtake/core'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { largestDifference, type Rows, rowsOf, softmax } from '../../test/oracle.js'
import { randomArray } from '../../test/random-weights.js'
import { floats, type OpenGraph, openGraph, tensor } from '../../test/run-graph.js'
import { buildPooling } from '../index.js'

const METHODS = ['average', 'max', 'guided'] as const
type Method = (typeof METHODS)[number]

/** PPLLaVA's own. */
const TEMPERATURE = 0.01

/** What is pooled: weights and a temperature are only looked at by the guided method. */
interface Volume {
  readonly tokens: Float32Array
  readonly width: number
  readonly windows: readonly (readonly number[])[]
  readonly weights: Float32Array
  readonly temperature?: number
}

const graphs = {} as Record<Method, OpenGraph>

beforeAll(async () => {
  for (const method of METHODS) graphs[method] = await openGraph(buildPooling(method))
})

afterAll(async () => {
  await Promise.all(METHODS.map((method) => graphs[method].release()))
})

async function pool(method: Method, { tokens, width, windows, weights, temperature }: Volume): Promise<Rows> {
  const members = BigInt64Array.from(windows.flat(), BigInt)
  const guide = {
    weights: floats([weights.length], weights),
    temperature: floats([], Float32Array.of(temperature ?? TEMPERATURE)),
  }
  const { pooled } = await graphs[method].run({
    tokens: floats([tokens.length / width, width], tokens),
    members: tensor('int64', [windows.length, windows[0]?.length ?? 3], members),
    ...(method === 'guided' ? guide : {}),
  })
  expect(pooled!.dims).toEqual([windows.length, width])
  return rowsOf(pooled!.data as Float32Array, width)
}

function oracle(method: Method, { tokens, width, windows, weights, temperature }: Volume): Rows {
  const rows = rowsOf(tokens, width)
  return windows.map((members) => {
    const column = (channel: number) => members.map((member) => rows[member]![channel]!)
    if (method === 'max') return rows[0]!.map((_, channel) => Math.max(...column(channel)))
    const scores = members.map((member) => weights[member]! / (temperature ?? TEMPERATURE))
    const shares = method === 'guided' ? softmax(scores) : members.map(() => 1 / members.length)
    return rows[0]!.map((_, channel) =>
      column(channel).reduce((sum, value, at) => sum + value * shares[at]!, 0),
    )
  })
}

function differ(actual: Rows, expected: Rows): number {
  return largestDifference(actual.flat(), expected.flat())
}

/** Random tokens and windows, overlapping ones included; weights from 0 to 1 as a softmax gives them. */
const volume: fc.Arbitrary<Volume> = fc
  .record({
    count: fc.integer({ min: 1, max: 40 }),
    width: fc.integer({ min: 1, max: 9 }),
    size: fc.integer({ min: 1, max: 18 }),
    windows: fc.integer({ min: 1, max: 12 }),
    seed: fc.nat(),
  })
  .map(({ count, width, size, windows, seed }) => {
    const picks = randomArray(windows * size, seed + 1).map((value) => Math.floor(((value + 1) / 2) * count))
    return {
      tokens: randomArray(count * width, seed, 4),
      width,
      windows: rowsOf(picks, size),
      weights: randomArray(count, seed + 2).map(Math.abs),
    }
  })

test.each(METHODS)('%s of any windows agrees with the float64 oracle', async (method) => {
  await fc.assert(
    fc.asyncProperty(volume, async (given) => {
      expect(differ(await pool(method, given), oracle(method, given))).toBeLessThan(1e-5)
    }),
  )
})

test("a video's windows of 2 × 3 × 3 in the weights of a softmax over all patches", async () => {
  const [frames, rows, columns, width] = [4, 6, 6, 8]
  const weights = Float32Array.from(softmax(Array.from(randomArray(frames * rows * columns, 3, 8))))
  const windows: number[][] = []
  for (let t = 0; t < frames; t += 2) {
    for (let y = 0; y < rows; y += 3) {
      for (let x = 0; x < columns; x += 3) {
        const members = Array.from({ length: 18 }, (_, at) => {
          const [dt, dy, dx] = [Math.floor(at / 9), Math.floor(at / 3) % 3, at % 3]
          return ((t + dt) * rows + y + dy) * columns + x + dx
        })
        windows.push(members)
      }
    }
  }
  const given = { tokens: randomArray(weights.length * width, 2), width, windows, weights }
  const guided = await pool('guided', given)
  expect(differ(guided, oracle('guided', given))).toBeLessThan(1e-5)
  expect(differ(guided, await pool('average', given))).toBeGreaterThan(0.01)
})

test('guided by equal weights is the average', async () => {
  await fc.assert(
    fc.asyncProperty(volume, fc.double({ min: 0, max: 1, noNaN: true }), async (given, weight) => {
      const equal = { ...given, weights: given.weights.map(() => weight) }
      expect(differ(await pool('guided', equal), await pool('average', equal))).toBeLessThan(1e-5)
    }),
  )
})

test('a weight that dominates its window gives that token', async () => {
  await fc.assert(
    fc.asyncProperty(volume, fc.nat(), async (given, pick) => {
      const members = [...new Set(given.windows[0]!)]
      const chosen = members[pick % members.length]!
      const weights = given.weights.map((_, at) => (at === chosen ? 1 : 0))
      const window = [chosen, ...members.filter((member) => member !== chosen)]
      const [row] = await pool('guided', { ...given, weights, windows: [window] })
      const token = rowsOf(given.tokens, given.width)[chosen]!
      expect(largestDifference(row!, token)).toBeLessThan(1e-6)
    }),
  )
})

test('the order of members, and other windows beside, change nothing', async () => {
  for (const method of METHODS) {
    await fc.assert(
      fc.asyncProperty(volume, async (given) => {
        const all = await pool(method, given)
        const turned = { ...given, windows: given.windows.map((members) => [...members].reverse()) }
        expect(differ(await pool(method, turned), all)).toBeLessThan(1e-5)
        const last = await pool(method, { ...given, windows: given.windows.slice(-1) })
        expect(differ(last, all.slice(-1))).toBeLessThan(1e-6)
      }),
      { numRuns: 40 },
    )
  }
})

test('a softmax knows no constant: weights may all be moved', async () => {
  const given = { tokens: randomArray(24, 1), width: 4, windows: [[0, 1, 2, 3, 4, 5]] }
  const weights = Float32Array.of(0.001, 0.002, 0.0015, 0.003, 0, 0.0025)
  const moved = await pool('guided', { ...given, weights: weights.map((weight) => weight + 0.5) })
  expect(differ(moved, oracle('guided', { ...given, weights }))).toBeLessThan(1e-4)
})

test.each([
  ['quotients of 100', 1, 0.01],
  ['quotients beyond what exp can take', 1, 1e-5],
  ['weights that are large themselves', 1e30, 0.01],
  ['a temperature below float32', 1, 1e-300],
  ['differences that overflow', 3e38, 1e-30],
])('%s stay finite and choose the largest', async (_, largest, temperature) => {
  const weights = Float32Array.of(0, largest, largest / 2, 0)
  const tokens = Float32Array.of(1, 2, 30, 40, 5, 6, 7, 8)
  const given = {
    tokens,
    width: 2,
    windows: [
      [0, 1, 2, 3],
      [0, 3, 3, 0],
    ],
    weights,
    temperature,
  }
  const [first, second] = await pool('guided', given)
  expect(largestDifference(first!, [30, 40])).toBeLessThan(1e-4)
  expect(largestDifference(second!, [4, 5])).toBeLessThan(1e-4)
})

test('a window of one token is that token, by every method', async () => {
  const tokens = Float32Array.of(1, -2, 3, -4)
  for (const method of METHODS) {
    const given = { tokens, width: 2, windows: [[1], [0]], weights: Float32Array.of(0.1, 0.9) }
    expect(await pool(method, given)).toEqual([
      [3, -4],
      [1, -2],
    ])
  }
})

test('no windows give no tokens; windows without tokens and tokens that are not there fail', async () => {
  for (const method of METHODS) {
    const given = { tokens: Float32Array.of(1, 2), width: 1, weights: Float32Array.of(0.5, 0.5) }
    expect(await pool(method, { ...given, windows: [] })).toEqual([])
    await expect(pool(method, { ...given, windows: [[], []] })).rejects.toThrow('out of data bounds')
    await expect(pool(method, { ...given, windows: [[0, 2]] })).rejects.toThrow('out of data bounds')
  }
})

test.each(['none', 'median'])('method %s is refused', (method) => {
  expect(() => buildPooling(method as 'max')).toThrow(InvalidOptionError)
  expect(() => buildPooling(method as 'max')).toThrow('method: expected average, max, guided')
})
