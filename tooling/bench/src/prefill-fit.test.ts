import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fitPrefill, type PrefillRun, predictSeconds } from './prefill-fit.js'

/** Tokens one after the other, each paying for every position up to its own. */
function naiveSeconds(held: number, tokens: number, a: number, b: number): number {
  let seconds = 0
  for (let token = 0; token < tokens; token++) seconds += a + b * (held + token + 1)
  return seconds
}

const cost = fc.double({ min: 1e-6, max: 1, noNaN: true })
const place = fc.record({
  held: fc.integer({ min: 0, max: 20_000 }),
  tokens: fc.integer({ min: 1, max: 600 }),
})

test('finds both costs again and predicts any other run', () => {
  fc.assert(
    fc.property(cost, cost, fc.array(place, { maxLength: 5 }), place, (a, b, others, asked) => {
      const places = [{ held: 0, tokens: 512 }, { held: 16_000, tokens: 512 }, ...others]
      const runs = places.map((at) => ({ ...at, seconds: naiveSeconds(at.held, at.tokens, a, b) }))
      const fit = fitPrefill(runs)
      const expected = naiveSeconds(asked.held, asked.tokens, a, b)
      expect(fit.deviation).toBeLessThan(1e-6)
      expect(Math.abs(predictSeconds(fit, asked) / expected - 1)).toBeLessThan(1e-4)
    }),
  )
})

test('costs are never below 0, whatever was measured', () => {
  const run = fc.record({
    held: fc.integer({ min: 0, max: 20_000 }),
    tokens: fc.integer({ min: 1, max: 600 }),
    seconds: fc.double({ min: 1e-3, max: 1e3, noNaN: true }),
  })
  fc.assert(
    fc.property(fc.array(run, { minLength: 1, maxLength: 6 }), (runs: PrefillRun[]) => {
      const fit = fitPrefill(runs)
      expect(fit.secondsPerToken).toBeGreaterThanOrEqual(0)
      expect(fit.secondsPerSeen).toBeGreaterThanOrEqual(0)
      expect(fit.secondsPerToken + fit.secondsPerSeen).toBeGreaterThan(0)
      expect(Number.isFinite(fit.deviation)).toBe(true)
    }),
  )
})

test('runs at one place only: every token costs the same', () => {
  const fit = fitPrefill([
    { held: 512, tokens: 512, seconds: 5.12 },
    { held: 512, tokens: 512, seconds: 5.12 },
  ])
  expect(fit.secondsPerToken).toBeCloseTo(0.01, 12)
  expect(fit.secondsPerSeen).toBe(0)
})

test('says how far runs are from the fit', () => {
  const runs = [0, 1000, 2000].map((held) => ({ held, tokens: 10, seconds: held === 1000 ? 2 : 1 }))
  expect(fitPrefill(runs).deviation).toBeGreaterThan(0.2)
})
