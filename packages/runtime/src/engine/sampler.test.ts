import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { makeSampler } from './sampler.js'

const LOGITS = Float32Array.of(1, 3, 2, 3)

const draws = (options: Parameters<typeof makeSampler>[0], count = 400): number[] => {
  const sampler = makeSampler(options)
  return Array.from({ length: count }, () => sampler(LOGITS))
}

test('greedy by default: the largest, the first of equals', () => {
  expect(makeSampler()(LOGITS)).toBe(1)
})

describe('with a temperature', () => {
  test('the same seed draws the same, another one differs', () => {
    expect(draws({ temperature: 1, seed: 7 })).toEqual(draws({ temperature: 1, seed: 7 }))
    expect(draws({ temperature: 1, seed: 7 })).not.toEqual(draws({ temperature: 1, seed: 8 }))
  })

  test('tokens come as often as their probabilities say', () => {
    // softmax(1, 3, 2, 3): 0.055, 0.405, 0.149, 0.405
    const counts = [0, 0, 0, 0]
    for (const id of draws({ temperature: 1, seed: 1 }, 4000)) counts[id]!++
    for (const [id, share] of [0.0548, 0.3983, 0.1485, 0.3983].entries()) {
      expect(Math.abs(counts[id]! / 4000 - share)).toBeLessThan(0.03)
    }
  })

  test('topP keeps as few tokens as reach it', () => {
    expect(new Set(draws({ temperature: 1, topP: 0.39, seed: 1 }))).toEqual(new Set([1]))
    expect(new Set(draws({ temperature: 1, topP: 0.6, seed: 1 }))).toEqual(new Set([1, 3]))
  })

  test('topK keeps the most probable, minP those near the best', () => {
    expect(new Set(draws({ temperature: 1, topK: 1, seed: 1 }))).toEqual(new Set([1]))
    expect(new Set(draws({ temperature: 1, topK: 3, seed: 1 }))).toEqual(new Set([1, 2, 3]))
    // e^-1 = 0.37 and e^-2 = 0.14 of the best.
    expect(new Set(draws({ temperature: 1, minP: 0.3, seed: 1 }))).toEqual(new Set([1, 2, 3]))
    expect(new Set(draws({ temperature: 1, minP: 0.1, seed: 1 }, 1000))).toEqual(new Set([0, 1, 2, 3]))
    expect(new Set(draws({ temperature: 1, minP: 1, seed: 1 }))).toEqual(new Set([1, 3]))
  })

  test('topP is a share of what topK leaves', () => {
    // Of 1, 3 and 2 the two best have 0.42 each.
    expect(new Set(draws({ temperature: 1, topK: 3, topP: 0.43, seed: 1 }))).toEqual(new Set([1, 3]))
    expect(new Set(draws({ temperature: 1, topK: 3, topP: 0.41, seed: 1 }))).toEqual(new Set([1]))
  })

  test('only tokens are drawn that sorting everything would keep', () => {
    const logits = fc.float32Array({
      noNaN: true,
      noDefaultInfinity: true,
      min: -30,
      max: 30,
      minLength: 1,
      maxLength: 60,
    })
    const options = fc.record({
      temperature: fc.double({ min: 0.05, max: 5, noNaN: true }),
      topK: fc.nat({ max: 70 }),
      topP: fc.oneof(fc.constant(1), fc.double({ min: 0.01, max: 1, noNaN: true })),
      minP: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1, noNaN: true })),
      seed: fc.nat(),
    })
    fc.assert(
      fc.property(logits, options, (values, chosen) => {
        expect(naiveCandidates(values, chosen)).toContain(makeSampler(chosen)(values))
      }),
      { numRuns: 500 },
    )
  })

  test('a low one is greedy but for equals', () => {
    expect(new Set(draws({ temperature: 0.01, seed: 2 }))).toEqual(new Set([1, 3]))
  })
})

/** Everything is sorted, and what the three bounds leave is a prefix. */
function naiveCandidates(
  logits: Float32Array,
  { temperature, topK, topP, minP }: { temperature: number; topK: number; topP: number; minP: number },
): number[] {
  const best = Math.max(...logits)
  const sorted = Array.from(logits, (logit, id) => ({ id, weight: Math.exp((logit - best) / temperature) }))
    .sort((a, b) => b.weight - a.weight || a.id - b.id)
    .slice(0, topK || logits.length)
  const total = sorted.reduce((sum, { weight }) => sum + weight, 0)
  const before = sorted.map((_, place) => sorted.slice(0, place).reduce((sum, { weight }) => sum + weight, 0))
  return (
    sorted
      // Rounding may put a token on either side of the border.
      .filter(({ weight }, place) => place === 0 || (before[place]! < topP * total + 1e-9 && weight >= minP))
      .map(({ id }) => id)
  )
}

describe('a repetition penalty', () => {
  test('divides positive logits and multiplies negative ones, of prompt and answer, once each', () => {
    const sampler = makeSampler({ repetitionPenalty: 2 }, [1, 1, 3])
    // 4 → 2 and 3.5 → 1.75 in the prompt, so 3 is the best; then it is 1.5.
    const logits = Float32Array.of(-1, 4, 3, 3.5, 1.9)
    expect([sampler(logits), sampler(logits), sampler(logits), sampler(logits)]).toEqual([2, 1, 1, 1])
    // -1 × 2 is below -1.5 once it was chosen.
    const negative = makeSampler({ repetitionPenalty: 2 })
    const below = Float32Array.of(-1, -1.5)
    expect([negative(below), negative(below), negative(below)]).toEqual([0, 1, 0])
    expect(logits).toEqual(Float32Array.of(-1, 4, 3, 3.5, 1.9))
  })

  test('below 1 asks for repetition, and ids outside the vocabulary count for nothing', () => {
    const sampler = makeSampler({ repetitionPenalty: 0.5 }, [0, 99, -1])
    expect(sampler(Float32Array.of(1, 1.9))).toBe(0)
  })
})

test.each([
  [{ temperature: -1 }, 'temperature'],
  [{ temperature: Number.NaN }, 'temperature'],
  [{ topP: 0 }, 'topP'],
  [{ topP: 1.5 }, 'topP'],
  [{ topK: -1 }, 'topK'],
  [{ topK: 1.5 }, 'topK'],
  [{ minP: -0.1 }, 'minP'],
  [{ minP: 1.1 }, 'minP'],
  [{ repetitionPenalty: 0 }, 'repetitionPenalty'],
  [{ repetitionPenalty: Number.POSITIVE_INFINITY }, 'repetitionPenalty'],
  [{ seed: 0.5 }, 'seed'],
  [{ seed: -1 }, 'seed'],
])('%j is refused by name', (options, option) => {
  expect(() => makeSampler(options)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', option }))
})
