import type { AnswerResult, FrameWeight, WatchedVideo } from '@longtake/runtime'
import { expect, test } from 'vitest'
import { answerText, evidence } from './describe.js'

function described(weights: readonly number[], sent: number | undefined, isGuided = false) {
  const frames = weights.map((weight, index): FrameWeight => {
    return { index, timestamp: index, weight, ...(isGuided && { relevance: weight }) }
  })
  const result = {
    text: 'a ring',
    frames,
    notes: [],
    usage: {},
    finishReason: 'stop',
  } as unknown as AnswerResult
  const video = { plan: { sent, notes: [] }, facts: {} } as unknown as WatchedVideo
  return { text: answerText(result, video), frames: evidence(result, video).frames }
}

test('what an answer rests on', () => {
  expect(described([0.1, 0.8, 0.1], undefined).text).toBe('a ring\nRests on: 0:01 (80 %).')
  expect(described([0.5, 0.5], undefined).text).toBe('a ring\nRests on the whole video alike.')
})

test('of a model behind an API only what was sent is known, and why where a guide chose it', () => {
  expect(described([0, 0.5, 0, 0.5], 2)).toEqual({ text: 'a ring', frames: [] })
  expect(described([0, 0.9, 0, 0.1], 2, true)).toEqual({
    text: 'a ring\nSent as most relevant: 0:01 (90 %).',
    frames: [{ timestamp: 1, weight: 0.9 }],
  })
})
