import { expect, test } from 'vitest'
import { formatMs, formatNumber, formatPercent, formatTable } from './table.js'

test('numbers stand to the right, words to the left', () => {
  const table = formatTable([
    ['name', 'time'],
    ['a', '1.00 ms'],
    ['longer', '12.0 ms'],
  ])
  expect(table.split('\n')).toEqual(['name       time', 'a       1.00 ms', 'longer  12.0 ms'])
})

test.each([
  [0, '0'],
  [0.001234, '0.00123'],
  [1.234, '1.23'],
  [12.34, '12.3'],
  [123.4, '123'],
  [123_456, '123456'],
  [-12.34, '-12.3'],
  [Number.NaN, '–'],
])('%d with three digits is %s', (value, text) => {
  expect(formatNumber(value)).toBe(text)
})

test('units', () => {
  expect(formatMs(0.5)).toBe('0.500 ms')
  expect(formatPercent(0.1234)).toBe('12.3 %')
})
