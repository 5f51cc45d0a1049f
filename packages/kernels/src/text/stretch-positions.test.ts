import { InvalidOptionError, ShapeError } from '@longtake/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { largestDifference } from '../../test/oracle.js'
import { randomArray } from '../../test/random-weights.js'
import { stretchedLength, stretchPositions } from '../index.js'

const CLIP_ROWS = 77

/** Any table that can be stretched, with the numbers to do it. */
const stretch = fc
  .record({
    positions: fc.integer({ min: 2, max: 30 }),
    width: fc.integer({ min: 1, max: 5 }),
    factor: fc.integer({ min: 1, max: 7 }),
    kept: fc.nat(),
    seed: fc.nat(),
  })
  .map((sizes) => ({ ...sizes, kept: sizes.kept % (sizes.positions + 1) }))

/** The table as a broken line through its rows, read off at a place between them or beyond the last. */
function readOff(table: Float32Array, rows: number, width: number, place: number): number[] {
  const below = Math.min(Math.floor(place), rows - 2)
  const share = place - below
  return Array.from(
    { length: width },
    (_, column) =>
      table[below * width + column]! * (1 - share) + table[(below + 1) * width + column]! * share,
  )
}

test("CLIP's 77 positions become 248", () => {
  const table = Float32Array.from({ length: CLIP_ROWS }, (_, row) => row)
  const stretched = stretchPositions(table, CLIP_ROWS, 1)
  expect(stretched.length).toBe(248)
  expect(stretchedLength(CLIP_ROWS)).toBe(248)
  expect(Array.from(stretched.slice(0, 20))).toEqual(Array.from(table.slice(0, 20)))
  expect(Array.from(stretched.slice(19, 29))).toEqual([
    19, 20, 20.25, 20.5, 20.75, 21, 21.25, 21.5, 21.75, 22,
  ])
  // The end goes on as rows 75 and 76 did.
  expect(Array.from(stretched.slice(-5))).toEqual([75.75, 76, 76.25, 76.5, 76.75])
})

test('a worked example with two columns', () => {
  const table = Float32Array.of(5, 50, 1, 10, 3, 10, 4, 40)
  const expected = [5, 50, 1, 10, 2, 10, 3, 10, 3.5, 25, 4, 40, 4.5, 55]
  expect(Array.from(stretchPositions(table, 4, 2, 1, 2))).toEqual(expected)
})

test('every row is read off the broken line through the table', () => {
  fc.assert(
    fc.property(stretch, ({ positions, width, factor, kept, seed }) => {
      const table = randomArray(positions * width, seed)
      const before = table.slice()
      const stretched = stretchPositions(table, positions, width, kept, factor)
      const rows = stretchedLength(positions, kept, factor)
      expect(stretched.length).toBe(rows * width)
      const expected = Array.from({ length: rows }, (_, row) =>
        readOff(table, positions, width, row < kept ? row : kept + (row - kept) / factor),
      )
      expect(largestDifference(stretched, expected.flat())).toBeLessThan(1e-6)
      expect(table).toEqual(before)
    }),
  )
})

test('kept rows, and every row of the table in its new place, are the same numbers', () => {
  fc.assert(
    fc.property(stretch, ({ positions, width, factor, kept, seed }) => {
      const table = randomArray(positions * width, seed)
      const stretched = stretchPositions(table, positions, width, kept, factor)
      for (let row = 0; row < positions; row++) {
        const target = row < kept ? row : kept + factor * (row - kept)
        expect(stretched.slice(target * width, (target + 1) * width)).toEqual(
          table.slice(row * width, (row + 1) * width),
        )
      }
    }),
  )
})

test('a factor of 1, or all rows kept, changes nothing', () => {
  const table = randomArray(30, 3)
  expect(stretchPositions(table, 10, 3, 4, 1)).toEqual(table)
  expect(stretchPositions(table, 10, 3, 10, 4)).toEqual(table)
})

test.each<[string, Parameters<typeof stretchPositions>]>([
  ['positions', [new Float32Array(19), 19, 1]],
  ['positions', [new Float32Array(1), 1, 1, 0]],
  ['width', [new Float32Array(0), 77, 0]],
  ['kept', [new Float32Array(77), 77, 1, -1]],
  ['factor', [new Float32Array(77), 77, 1, 20, 0]],
  ['factor', [new Float32Array(77), 77, 1, 20, 1.5]],
])('a wrong %s is refused', (option, given) => {
  expect(() => stretchPositions(...given)).toThrow(InvalidOptionError)
  expect(() => stretchPositions(...given)).toThrow(`${option}: expected`)
})

test('a table of another length is refused', () => {
  expect(() => stretchPositions(new Float32Array(76), 77, 1)).toThrow(ShapeError)
  expect(() => stretchPositions(new Float32Array(76), 77, 1)).toThrow('77 numbers for [77, 1], got 76')
})
