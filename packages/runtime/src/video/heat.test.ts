import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { chooseFrames, heatColour, heatShares, mattered } from './index.js'

describe('mattered', () => {
  test('names what stands out, in time order', () => {
    expect(mattered([0.1, 0.9, 0.1, 0.6, 0.1, 0.44])).toEqual([1, 3])
    expect(mattered([1, 1, 1])).toEqual([])
    expect(mattered([0, 0])).toEqual([])
    expect(mattered([])).toEqual([])
  })

  test('never names more than eight', () => {
    const weights = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 200 })
    fc.assert(
      fc.property(weights, (list) => {
        const indices = mattered(list)
        expect(indices.length).toBeLessThanOrEqual(8)
        const largest = Math.max(...list)
        for (const index of indices) expect(list[index]).toBeGreaterThanOrEqual(largest / 2)
      }),
    )
  })
})

describe('chooseFrames', () => {
  const weights = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 300 })

  test('takes as many as there may be, in time order, the heaviest among them', () => {
    fc.assert(
      fc.property(weights, fc.integer({ min: 1, max: 80 }), (list, most) => {
        const chosen = chooseFrames(list, most)
        expect(chosen).toHaveLength(Math.min(most, list.length))
        expect(chosen).toEqual([...new Set(chosen)].sort((a, b) => a - b))
        const largest = Math.max(...list)
        expect(chosen.some((index) => list[index] === largest)).toBe(true)
      }),
    )
  })

  test('leaves no part of the video out', () => {
    fc.assert(
      fc.property(weights, fc.integer({ min: 2, max: 40 }), (list, most) => {
        const chosen = chooseFrames(list, most)
        const gaps = chosen.slice(1).map((index, place) => index - chosen[place]!)
        const stretch = Math.ceil(list.length / Math.ceil(most / 2))
        expect(Math.max(0, ...gaps)).toBeLessThan(2 * stretch)
      }),
    )
  })

  test('spreads evenly where all weigh alike', () => {
    expect(chooseFrames(Array(9).fill(0), 3)).toEqual([1, 4, 7])
  })
})

describe('heat', () => {
  test('is the share of the largest, and calm where nothing stands out', () => {
    expect([...heatShares([0, 1, 4])]).toEqual([0, 0.25, 1])
    expect([...heatShares([3, 3, 3])]).toEqual([0.5, 0.5, 0.5])
    expect([...heatShares([0, 0])]).toEqual([0, 0])
    expect([...heatShares([])]).toEqual([])
  })

  test('gets lighter with every step', () => {
    const lightness = (share: number): number => {
      const [red, green, blue] = heatColour(share)
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
    for (let step = 1; step <= 50; step++)
      expect(lightness(step / 50)).toBeGreaterThan(lightness((step - 1) / 50))
    expect(heatColour(7)).toEqual(heatColour(1))
  })
})
