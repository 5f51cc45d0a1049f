import { expect, test } from 'vitest'
import { describeAnswer } from './describe.js'
import { joinStills } from './stills.js'

const frames = [0.05, 0.05, 0.4, 0.3, 0.1, 0.1].map((weight, index) => ({
  index,
  timestamp: Math.floor(index / 2),
  weight,
  relevance: index / 15,
}))

test('frames that show one picture are told together', () => {
  const joined = joinStills({ stills: 3 }, frames)
  expect(joined.map(({ index, timestamp }) => [index, timestamp])).toEqual([
    [0, 0],
    [1, 1],
    [2, 2],
  ])
  for (const [index, { weight, relevance }] of joined.entries()) {
    expect(weight).toBeCloseTo([0.1, 0.7, 0.2][index] ?? Number.NaN)
    expect(relevance).toBeCloseTo([1 / 15, 5 / 15, 9 / 15][index] ?? Number.NaN)
  }
  expect(joinStills({}, frames)).toBe(frames)
})

test('an answer about pictures names the picture, about a video the time', () => {
  const result = {
    text: 'k',
    frames,
    usage: { promptTokens: 20, visualTokens: 6, completionTokens: 1 },
    timings: { open: 0, decode: 0, encode: 0, prefill: 0, firstToken: 0, total: 0 },
    finishReason: 'stop',
    notes: [],
  } as const
  const moments = (facts: { stills?: number }): string =>
    describeAnswer({ plan: { frames: 6 }, facts }, result, 1000).split(' · ')[0] ?? ''
  expect(moments({ stills: 3 })).toBe('looked at picture 2 (70 %)')
  expect(moments({})).toBe('looked at 0:01 (40 %), 0:01 (30 %)')
})
