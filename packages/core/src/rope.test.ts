import fc from 'fast-check'
import { expect, test } from 'vitest'
import { InvalidOptionError, type RopeScaling, ropeFrequencies, ropeTables, ShapeError } from './index.js'

const headDims = fc.integer({ min: 2, max: 128 }).map((pairs) => 2 * pairs)
const thetas = fc.double({ min: 50, max: 5e6, noNaN: true })
const factors = fc.double({ min: 1, max: 64, noNaN: true })
const lengths = fc.integer({ min: 64, max: 131_072 })

/** Largest relative difference of two lists. */
function distance(actual: readonly number[], expected: readonly number[]): number {
  expect(actual).toHaveLength(expected.length)
  return Math.max(...actual.map((value, index) => Math.abs(value / expected[index]! - 1)))
}

/** Angles by exponent and logarithm, one pair at a time. */
function oracle(theta: number, headDim: number): number[] {
  const angles: number[] = []
  for (let dim = 0; dim < headDim; dim += 2) angles.push(1 / Math.exp((dim / headDim) * Math.log(theta)))
  return angles
}

/** Every `step`-th value, or those at the given places. */
const pick = (values: readonly number[], places: readonly number[]) => places.map((place) => values[place]!)

test('none, linear and ntk follow their formulas', () => {
  fc.assert(
    fc.property(headDims, thetas, factors, (headDim, theta, factor) => {
      const plain = oracle(theta, headDim)
      const none = ropeFrequencies(theta, headDim, { type: 'none' }, 0)
      const linear = ropeFrequencies(theta, headDim, { type: 'linear', factor }, 0)
      const ntk = ropeFrequencies(theta, headDim, { type: 'ntk', factor }, 0)
      expect(distance(none.inverseFrequencies, plain)).toBeLessThan(1e-12)
      expect(
        distance(
          linear.inverseFrequencies,
          plain.map((angle) => angle / factor),
        ),
      ).toBeLessThan(1e-12)
      const base = Math.exp(Math.log(theta) + (headDim / (headDim - 2)) * Math.log(factor))
      expect(distance(ntk.inverseFrequencies, oracle(base, headDim))).toBeLessThan(1e-9)
      expect([none.theta, linear.theta, none.attentionFactor, ntk.attentionFactor]).toEqual([
        theta,
        theta,
        1,
        1,
      ])
    }),
  )
})

test('ntk keeps the fastest pair and divides the slowest by the factor', () => {
  fc.assert(
    fc.property(headDims, thetas, factors, (headDim, theta, factor) => {
      const plain = oracle(theta, headDim)
      const { inverseFrequencies: ntk } = ropeFrequencies(theta, headDim, { type: 'ntk', factor }, 0)
      expect(ntk[0]).toBe(1)
      expect(plain.at(-1)! / ntk.at(-1)!).toBeCloseTo(factor, 6)
      for (let pair = 1; pair < ntk.length; pair++) expect(ntk[pair]).toBeLessThan(ntk[pair - 1]!)
    }),
  )
})

test('dynamic is ntk by s·length/L − (s − 1) beyond L, and nothing below', () => {
  fc.assert(
    fc.property(
      headDims,
      thetas,
      factors,
      lengths,
      fc.integer({ min: 1, max: 200_000 }),
      (headDim, theta, factor, originalLength, length) => {
        const dynamic = ropeFrequencies(theta, headDim, { type: 'dynamic', factor, originalLength }, length)
        const alpha = length <= originalLength ? 1 : (factor * length) / originalLength - factor + 1
        const base = theta * alpha ** (1 + 2 / (headDim - 2))
        expect(dynamic.theta / base).toBeCloseTo(1, 9)
        expect(distance(dynamic.inverseFrequencies, oracle(base, headDim))).toBeLessThan(1e-9)
      },
    ),
  )
})

test('yarn keeps fast pairs, divides slow ones, ramps between, and warms attention by 0.1 ln s + 1', () => {
  fc.assert(
    fc.property(headDims, thetas, factors, lengths, (headDim, theta, factor, originalLength) => {
      const plain = oracle(theta, headDim)
      const yarn = ropeFrequencies(theta, headDim, { type: 'yarn', factor, originalLength }, 0)
      expect(yarn.attentionFactor).toBeCloseTo(1 + Math.log(factor) / 10, 12)
      // Boundaries in pairs, from turns(pair) = L · angle / 2π solved for the pair, rounded outwards.
      const boundary = (turns: number) =>
        (headDim / 2) * (Math.log(originalLength / (2 * Math.PI * turns)) / Math.log(theta))
      const first = Math.max(Math.floor(boundary(32)), 0)
      const last = Math.min(Math.ceil(boundary(1)), headDim - 1)
      yarn.inverseFrequencies.forEach((angle, pair) => {
        const kept = plain[pair]!
        if (pair <= first) expect(angle / kept).toBeCloseTo(1, 9)
        else if (pair >= last) expect(angle / (kept / factor)).toBeCloseTo(1, 9)
        else {
          const share = (pair - first) / (last - first)
          expect(angle / (kept * (1 - share + share / factor))).toBeCloseTo(1, 9)
        }
      })
    }),
  )
})

test('llama3 goes by wavelength: short ones stay, long ones are divided, between is smooth', () => {
  fc.assert(
    fc.property(headDims, thetas, factors, lengths, (headDim, theta, factor, originalLength) => {
      const scaling = {
        type: 'llama3',
        factor,
        originalLength,
        lowFrequencyFactor: 1,
        highFrequencyFactor: 4,
      } as const
      const { inverseFrequencies } = ropeFrequencies(theta, headDim, scaling, 0)
      oracle(theta, headDim).forEach((angle, pair) => {
        const wavelength = (2 * Math.PI) / angle
        const smooth = (originalLength / wavelength - 1) / 3
        const between = (1 - smooth) * (angle / factor) + smooth * angle
        const expected =
          wavelength < originalLength / 4 ? angle : wavelength > originalLength ? angle / factor : between
        expect(inverseFrequencies[pair]! / expected).toBeCloseTo(1, 9)
      })
    }),
  )
})

// Computed in float32 by Hugging Face transformers 5.18.0, modeling_rope_utils.py.
const published: readonly [
  string,
  number,
  number,
  RopeScaling,
  number,
  readonly number[],
  readonly number[],
][] = [
  [
    'linear',
    1e4,
    64,
    { type: 'linear', factor: 2.5 },
    0,
    [0, 1, 8, 16, 24, 31],
    [0.4, 0.2999577, 0.04, 0.004, 0.0004, 5.334086e-5],
  ],
  [
    'dynamic',
    1e4,
    64,
    { type: 'dynamic', factor: 2, originalLength: 2048 },
    5000,
    [0, 1, 8, 16, 24, 31],
    [1, 0.7177865, 0.07046318, 0.004965059, 0.0003498539, 3.434422e-5],
  ],
  [
    'yarn, d = 128',
    1e4,
    128,
    { type: 'yarn', factor: 4, originalLength: 4096 },
    0,
    [0, 8, 16, 20, 24, 28, 32, 40, 44, 48, 63],
    [
      1, 0.3162278, 0.1, 0.05623413, 0.027974, 0.01367907, 0.006538462, 0.001337887, 0.0005471629, 0.00025,
      2.886955e-5,
    ],
  ],
  [
    'yarn, d = 32',
    300,
    32,
    { type: 'yarn', factor: 1.75, originalLength: 128 },
    0,
    [0, 1, 2, 3, 4, 6, 8, 9, 12, 15],
    [
      1, 0.6667924, 0.4435005, 0.2941663, 0.1945133, 0.08413012, 0.03574073, 0.02309837, 0.007927222,
      0.002720575,
    ],
  ],
  [
    'llama3',
    5e5,
    128,
    { type: 'llama3', factor: 8, originalLength: 8192, lowFrequencyFactor: 1, highFrequencyFactor: 4 },
    0,
    [0, 16, 24, 28, 29, 30, 32, 34, 35, 36, 40, 63],
    [
      1, 0.03760603, 0.007292665, 0.003211446, 0.002166571, 0.001371894, 0.000524846, 0.0001785078,
      9.556212e-5, 7.784655e-5, 3.428102e-5, 3.068926e-7,
    ],
  ],
]

test.each(published)(
  '%s agrees with the reference implementation',
  (_, theta, headDim, scaling, length, places, expected) => {
    const { inverseFrequencies } = ropeFrequencies(theta, headDim, scaling, length)
    expect(distance(pick(inverseFrequencies, places), expected)).toBeLessThan(2e-6)
  },
)

test('yarn stays sensible where every pair is slow, or every pair is fast', () => {
  const slow = ropeFrequencies(100, 8, { type: 'yarn', factor: 3, originalLength: 4 }, 0)
  expect(distance(slow.inverseFrequencies, [1, 0.1 ** 0.5 / 3, 0.1 / 3, 0.1 ** 1.5 / 3])).toBeLessThan(1e-12)
  const fast = ropeFrequencies(10, 8, { type: 'yarn', factor: 3, originalLength: 2 ** 24 }, 0)
  expect(distance(fast.inverseFrequencies, oracle(10, 8))).toBeLessThan(1e-12)
})

test('a factor of 1 changes nothing, in any type', () => {
  const length = 4096
  const types: RopeScaling[] = [
    { type: 'linear', factor: 1 },
    { type: 'ntk', factor: 1 },
    { type: 'dynamic', factor: 1, originalLength: length },
    { type: 'yarn', factor: 1, originalLength: length },
    { type: 'llama3', factor: 1, originalLength: length, lowFrequencyFactor: 1, highFrequencyFactor: 4 },
  ]
  for (const scaling of types) {
    const rope = ropeFrequencies(10_000, 64, scaling, length)
    expect(distance(rope.inverseFrequencies, oracle(10_000, 64))).toBeLessThan(1e-12)
    expect(rope.attentionFactor).toBe(1)
  }
})

test('tables are the cosines and sines of position times angle, in float32', () => {
  const positions = fc.uniqueArray(fc.integer({ min: 0, max: 200_000 }), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(headDims, thetas, factors, positions, (headDim, theta, factor, places) => {
      const rope = ropeFrequencies(theta, headDim, { type: 'yarn', factor, originalLength: 4096 }, 0)
      const { cos, sin } = ropeTables(rope, places)
      const pairs = headDim / 2
      expect([cos.length, sin.length]).toEqual([places.length * pairs, places.length * pairs])
      places.forEach((position, row) => {
        rope.inverseFrequencies.forEach((angle, pair) => {
          expect(cos[row * pairs + pair]).toBe(Math.fround(rope.attentionFactor * Math.cos(position * angle)))
          expect(sin[row * pairs + pair]).toBe(Math.fround(rope.attentionFactor * Math.sin(position * angle)))
        })
      })
    }),
    { numRuns: 30 },
  )
})

test('a number of positions counts from 0', () => {
  const rope = ropeFrequencies(300, 32, { type: 'ntk', factor: 1.75 }, 224)
  expect(ropeTables(rope, 5)).toEqual(ropeTables(rope, [0, 1, 2, 3, 4]))
  expect(ropeTables(rope, 0).cos).toHaveLength(0)
  expect([...ropeTables(rope, 1).cos]).toEqual(new Array(16).fill(1))
})

test.each([
  ['theta 0', 0, 64, { type: 'none' }],
  ['theta 1', 1, 64, { type: 'none' }],
  ['theta NaN', Number.NaN, 64, { type: 'none' }],
  ['odd head', 1e4, 63, { type: 'none' }],
  ['head 0', 1e4, 0, { type: 'none' }],
  ['ntk with one pair', 1e4, 2, { type: 'ntk', factor: 2 }],
  ['factor 0', 1e4, 64, { type: 'linear', factor: 0 }],
  ['factor below 1', 1e4, 64, { type: 'ntk', factor: 0.5 }],
  ['factor infinite', 1e4, 64, { type: 'ntk', factor: Number.POSITIVE_INFINITY }],
  ['no factor', 1e4, 64, { type: 'linear' }],
  ['no original length', 1e4, 64, { type: 'yarn', factor: 2 }],
  ['betas crossed', 1e4, 64, { type: 'yarn', factor: 2, originalLength: 8, betaFast: 1, betaSlow: 2 }],
  ['attention factor 0', 1e4, 64, { type: 'yarn', factor: 2, originalLength: 8, attentionFactor: 0 }],
  [
    'bands crossed',
    1e4,
    64,
    { type: 'llama3', factor: 2, originalLength: 8, lowFrequencyFactor: 4, highFrequencyFactor: 4 },
  ],
  ['unknown type', 1e4, 64, { type: 'longrope', factor: 2 }],
  ['no scaling', 1e4, 64, null],
])('refuses %s', (_, theta, headDim, scaling) => {
  expect(() => ropeFrequencies(theta, headDim, scaling as RopeScaling, 128)).toThrow(InvalidOptionError)
})

test('refuses tables without angles or with impossible positions', () => {
  const rope = { inverseFrequencies: [1], attentionFactor: 1 }
  expect(() => ropeTables({ ...rope, inverseFrequencies: [] }, 1)).toThrow(ShapeError)
  for (const positions of [-1, 1.5, Number.NaN, 1e9, [0, -1], [0.5]]) {
    expect(() => ropeTables(rope, positions)).toThrow(InvalidOptionError)
  }
})

test('the largest stretch there is keeps every angle finite', () => {
  const longest = 2 ** 24
  for (const headDim of [4, 128]) {
    const scaling = { type: 'dynamic', factor: longest, originalLength: 1 } as const
    const { theta, inverseFrequencies } = ropeFrequencies(1e12, headDim, scaling, longest)
    expect(Number.isFinite(theta)).toBe(true)
    expect(inverseFrequencies.every((angle) => angle > 0 && angle <= 1)).toBe(true)
  }
})
