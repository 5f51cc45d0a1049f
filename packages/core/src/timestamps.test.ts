import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatTimestamp, frameTimestamps, InvalidOptionError } from './index.js'

test('takes the middles of equal spans', () => {
  expect(frameTimestamps(0, 8, 4)).toEqual([1, 3, 5, 7])
  expect(frameTimestamps(-2, 4, 2)).toEqual([-1, 1])
  expect(frameTimestamps(3, 0, 3)).toEqual([3, 3, 3])
})

test('times ascend by one span, inside the stretch', () => {
  const start = fc.double({ min: -1e6, max: 1e6, noNaN: true })
  const length = fc.double({ min: 0.001, max: 1e6, noNaN: true })
  fc.assert(
    fc.property(start, length, fc.integer({ min: 1, max: 4096 }), (from, seconds, frames) => {
      const times = frameTimestamps(from, seconds, frames)
      const span = seconds / frames
      expect(times).toHaveLength(frames)
      expect(times[0]! - from).toBeCloseTo(span / 2, 6)
      expect(from + seconds - times.at(-1)!).toBeCloseTo(span / 2, 6)
      for (let index = 1; index < frames; index++)
        expect(times[index]).toBeGreaterThanOrEqual(times[index - 1]!)
    }),
    { numRuns: 50 },
  )
})

test('refuses what is no stretch', () => {
  expect(() => frameTimestamps(Number.NaN, 1, 1)).toThrow(InvalidOptionError)
  expect(() => frameTimestamps(0, -1, 1)).toThrow(InvalidOptionError)
  expect(() => frameTimestamps(0, Number.POSITIVE_INFINITY, 1)).toThrow(InvalidOptionError)
  expect(() => frameTimestamps(0, 1, 0)).toThrow(InvalidOptionError)
  expect(() => frameTimestamps(0, 1, 1e9)).toThrow(InvalidOptionError)
})

test('writes times as people do', () => {
  const written = [0, 7, 59.96, 60, 754.5, 3599.94, 3723.5, 36_000, -1.5, -0.01, 1e12].map(formatTimestamp)
  expect(written).toEqual([
    '0:00',
    '0:07',
    '1:00',
    '1:00',
    '12:34.5',
    '59:59.9',
    '1:02:03.5',
    '10:00:00',
    '-0:01.5',
    '0:00',
    '277777777:46:40',
  ])
})

test('written times read back to the tenth', () => {
  fc.assert(
    fc.property(fc.double({ min: -1e9, max: 1e9, noNaN: true }), (seconds) => {
      const text = formatTimestamp(seconds)
      expect(text).toMatch(/^-?(\d+:[0-5]\d|[0-5]?\d):[0-5]\d(\.[1-9])?$/)
      const read = text
        .replace('-', '')
        .split(':')
        .reduce((sum, part) => sum * 60 + Number(part), 0)
      expect(Math.abs(read - Math.abs(seconds))).toBeLessThanOrEqual(0.0501)
    }),
  )
})

test('refuses to write what is no time', () => {
  for (const seconds of [Number.NaN, Number.POSITIVE_INFINITY, 1e13]) {
    expect(() => formatTimestamp(seconds)).toThrow(InvalidOptionError)
  }
})
