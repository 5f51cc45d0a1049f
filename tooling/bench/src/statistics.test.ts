import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { accuracyOf, margin95, median, quantile, spreadOf, wilsonMargin } from './statistics.js'

describe('quantiles', () => {
  test('of small sets', () => {
    expect(median([3, 1, 2])).toBe(2)
    expect(median([4, 1, 3, 2])).toBe(2.5)
    expect(quantile([10, 20, 30, 40, 50], 0.25)).toBe(20)
    expect(spreadOf([1, 2, 3, 4, 5])).toEqual({ median: 3, low: 2, high: 4 })
    expect(median([])).toBeNaN()
  })

  test('lie within the values, and do not depend on their order', () => {
    const values = fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 1 })
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (items, share) => {
        const found = quantile(items, share)
        expect(found).toBeGreaterThanOrEqual(Math.min(...items))
        expect(found).toBeLessThanOrEqual(Math.max(...items))
        expect(quantile([...items].reverse(), share)).toBe(found)
      }),
    )
  })
})

describe('margins', () => {
  test("are Wilson's", () => {
    // 81 of 263: the published interval is 0.2553 to 0.3662
    expect(wilsonMargin(81, 263)).toBeCloseTo((0.3662 - 0.2553) / 2, 4)
    expect(wilsonMargin(0, 10)).toBeGreaterThan(0.1)
    expect(wilsonMargin(200, 200)).toBeCloseTo(wilsonMargin(0, 200), 12)
  })

  test('grow where the questions of one video stand or fall together', () => {
    const even = Array.from({ length: 20 }, () => ({ right: 5, total: 10 }))
    const together = Array.from({ length: 20 }, (_, video) => ({
      right: video % 2 === 0 ? 10 : 0,
      total: 10,
    }))
    expect(accuracyOf(even)).toBe(accuracyOf(together))
    expect(margin95(even)).toBeCloseTo(wilsonMargin(100, 200), 12)
    // every video all right or all wrong: as if each were one question, with the n/(n−1) of a sample
    expect(margin95(together)).toBeCloseTo(1.959964 * Math.sqrt(0.25 / 19), 12)
  })

  test('are between 0 and 1 for any marks', () => {
    const tally = fc
      .record({ right: fc.nat(20), wrong: fc.nat(20) })
      .map(({ right, wrong }) => ({ right, total: right + wrong }))
    fc.assert(
      fc.property(fc.array(tally), (clusters) => {
        fc.pre(clusters.some(({ total }) => total > 0))
        const margin = margin95(clusters)
        expect(margin).toBeGreaterThan(0)
        expect(margin).toBeLessThan(3)
      }),
    )
    expect(margin95([])).toBeNaN()
  })
})
