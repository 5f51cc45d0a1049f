import { expect, test } from 'vitest'
import type { WatchedNeedle } from './needle-job.js'
import { needleHeatMap, needlePlot } from './needle-pictures.js'
import { describeLength, scoreFollowUp, scoreLength } from './needle-score.js'

const watched = (rights: readonly boolean[], firstSeconds: number, text = 'a'): WatchedNeedle => ({
  answers: rights.map((isRight, index) => ({ position: index < 2 ? 0.05 : 0.95, text, isRight })),
  firstSeconds,
  followUpSeconds: rights.slice(1).map(() => 0.1),
  frames: 64,
  intervalSeconds: 5,
  visualTokens: 16,
  contextTokens: 30 + firstSeconds,
})
const report = {
  watched: [watched([true, true, false, true], 1), watched([true, false, false, false], 3)],
  peakBytes: 5e8,
  backend: 'resident',
}

test('answers are added up by place, over videos', () => {
  const shared = {
    minutes: 5,
    answers: 4,
    frames: 64,
    visualTokens: 16,
    contextTokens: 33,
    peakBytes: 5e8,
    seconds: 2,
  }
  expect(scoreLength(5, report)).toEqual([
    { ...shared, position: 0.05, accuracy: 0.75 },
    { ...shared, position: 0.95, accuracy: 0.25 },
  ])
})

test('a follow-up is compared by medians, and only with equal answers', () => {
  const fresh = [watched([true, true], 2), watched([true, true], 4), watched([true, true], 30)]
  const cached = [watched([true, true], 1), watched([true, true], 2), watched([true, true], 3)]
  const { ratio, cachedRatio, repetitions } = scoreFollowUp(60, fresh, cached)
  expect({ ratio, cachedRatio, repetitions }).toEqual({ ratio: 40, cachedRatio: 2, repetitions: 3 })
  const other = [...cached.slice(1), watched([true, true], 1, 'b')]
  expect(() => scoreFollowUp(60, fresh, other)).toThrow('differ')
})

test('the pictures show places down and lengths across, in order, with holes where nothing was measured', () => {
  const cells = [...scoreLength(120, report), ...scoreLength(5, report).slice(0, 1)]
  const { columns, rows, values } = needleHeatMap(cells)
  expect(columns).toEqual(['5 min', '120 min'])
  expect(rows).toEqual(['5 %', '95 %'])
  expect(values).toEqual([
    [0.75, 0.75],
    [Number.NaN, 0.25],
  ])
  const { xs, panels } = needlePlot([describeLength(120, report), describeLength(5, report)])
  expect(xs).toEqual([5, 120])
  expect(panels.map(({ values: points }) => points[0])).toEqual([2, 500, 33, 64])
})
