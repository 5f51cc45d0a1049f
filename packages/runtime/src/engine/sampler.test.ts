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

  test('a low one is greedy but for equals', () => {
    expect(new Set(draws({ temperature: 0.01, seed: 2 }))).toEqual(new Set([1, 3]))
  })
})

test.each([
  [{ temperature: -1 }, 'temperature'],
  [{ temperature: Number.NaN }, 'temperature'],
  [{ topP: 0 }, 'topP'],
  [{ topP: 1.5 }, 'topP'],
  [{ seed: 0.5 }, 'seed'],
  [{ seed: -1 }, 'seed'],
])('%j is refused by name', (options, option) => {
  expect(() => makeSampler(options)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', option }))
})
