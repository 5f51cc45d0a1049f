import { expect, test } from 'vitest'
import { measureDrift } from './logit-drift.js'

test('largest, relative, and the share of positions with the same best token', () => {
  // two positions of three tokens; the second's best changes from 2 to 0
  const exact = Float32Array.of(1, 2, -2, 0, 0, 4)
  const other = Float32Array.of(1, 3, -2, 2, 0, 1)
  const drift = measureDrift(exact, other, 3)
  expect(drift.largest).toBe(3)
  expect(drift.relative).toBeCloseTo(Math.sqrt((1 + 4 + 9) / (1 + 4 + 4 + 16)), 12)
  expect(drift.sameBest).toBe(0.5)
})

test('the same logits do not drift', () => {
  const logits = Float32Array.of(-3, -1, -2)
  expect(measureDrift(logits, logits, 3)).toEqual({ largest: 0, relative: 0, sameBest: 1 })
})

test('what is no number does not pass for a small difference', () => {
  expect(measureDrift(Float32Array.of(1, 2), Float32Array.of(1, Number.NaN), 2).largest).toBeNaN()
})

test('only logits of the same positions are compared', () => {
  expect(() => measureDrift(new Float32Array(6), new Float32Array(3), 3)).toThrow(RangeError)
  expect(() => measureDrift(new Float32Array(4), new Float32Array(4), 3)).toThrow(RangeError)
})
