import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { frameSpans, timeTicks } from './index.js'

describe('time along an axis', () => {
  test('frames stand for the time around them', () => {
    expect(frameSpans([0.5, 1.5, 3.5])).toEqual([
      { start: 0, end: 1 },
      { start: 1, end: 2.5 },
      { start: 2.5, end: 4.5 },
    ])
    // Nothing is before a video's first picture.
    expect(frameSpans([0, 10])[0]).toEqual({ start: 0, end: 5 })
    expect(frameSpans([7])).toEqual([{ start: 7, end: 8 }])
    expect(frameSpans([])).toEqual([])
  })

  test('ticks are round, within the stretch, and no more than asked for', () => {
    expect(timeTicks({ start: 0, end: 64 }, 6)).toEqual([0, 15, 30, 45, 60])
    expect(timeTicks({ start: 3, end: 7200 }, 5)).toEqual([1800, 3600, 5400, 7200])
    expect(timeTicks({ start: 5, end: 5 }, 5)).toEqual([])
    const start = fc.double({ min: -1e5, max: 1e6, noNaN: true })
    const length = fc.double({ min: 0.01, max: 1e7, noNaN: true })
    fc.assert(
      fc.property(start, length, fc.integer({ min: 2, max: 20 }), (from, seconds, most) => {
        const ticks = timeTicks({ start: from, end: from + seconds }, most)
        expect(ticks.length).toBeLessThanOrEqual(most)
        for (const tick of ticks) {
          expect(tick).toBeGreaterThan(from - 1e-5)
          expect(tick).toBeLessThan(from + seconds + 1e-5)
        }
      }),
      // A step of twelve days: what is forgiven must not grow with it.
      { examples: [[1, 950400.0000000001, 2]] },
    )
  })
})
