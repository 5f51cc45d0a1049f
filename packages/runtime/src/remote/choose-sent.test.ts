import { expect, test } from 'vitest'
import { chooseSent } from './choose-sent.js'

const hit = (at: number) => Array.from({ length: 40 }, (_, index) => (index === at ? 0.9 : 0.001))

test('a relevant frame brings its neighbours in time', () => {
  const sent = chooseSent(hit(25), 40, 6, true)
  expect(sent).toHaveLength(6)
  expect(sent).toEqual(expect.arrayContaining([24, 25, 26]))
})

test('images that stand alone have no neighbours', () => {
  expect(chooseSent(hit(25), 40, 2, false)).toContain(25)
  expect(chooseSent([0.1, 0.2, 0.9, 0.05, 0.3], 5, 3, false)).toEqual([1, 2, 4])
})

test('the first and the last frame have one neighbour', () => {
  expect(chooseSent(hit(0), 40, 4, true)).toEqual(expect.arrayContaining([0, 1]))
  expect(chooseSent(hit(39), 40, 4, true)).toEqual(expect.arrayContaining([38, 39]))
})

test('without relevance frames are spread evenly', () => {
  expect(chooseSent(undefined, 8, 4, true)).toEqual([0, 2, 4, 6])
  expect(chooseSent(undefined, 3, 4, true)).toEqual([0, 1, 2])
})
