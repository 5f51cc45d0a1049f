import { CancelledError } from '@longtake/core'
import { expect, test } from 'vitest'
import { type AnswerResult, startAnswer } from './answer.js'

const RESULT: AnswerResult = {
  text: 'red square',
  frames: [],
  usage: { promptTokens: 3, visualTokens: 1, completionTokens: 2 },
  timings: { open: 0, decode: 0, encode: 0, prefill: 0, firstToken: 1, total: 2 },
  finishReason: 'stop',
  notes: [],
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const slow = () =>
  startAnswer(async (write, signal) => {
    for (const piece of ['red', ' square']) {
      await turn()
      if (signal.aborted) throw new CancelledError()
      write(piece)
    }
    await turn()
    if (signal.aborted) throw new CancelledError()
    return RESULT
  })

const collect = async (answer: AsyncIterable<string>): Promise<string[]> => {
  const pieces: string[] = []
  for await (const piece of answer) pieces.push(piece)
  return pieces
}

test('streams, settles, and does both any number of times', async () => {
  const answer = slow()
  expect(await Promise.all([collect(answer), collect(answer)])).toEqual([
    ['red', ' square'],
    ['red', ' square'],
  ])
  expect(await answer).toBe(RESULT)
  expect(await collect(answer)).toEqual(['red', ' square'])
})

test('leaving the iteration cancels', async () => {
  const answer = slow()
  for await (const piece of answer) {
    expect(piece).toBe('red')
    break
  }
  await expect(answer).rejects.toThrow(expect.objectContaining({ code: 'CANCELLED' }))
})

test('the caller’s signal and cancel() end it, before it starts as well', async () => {
  const controller = new AbortController()
  const work = async (_: unknown, signal: AbortSignal): Promise<AnswerResult> => {
    await turn()
    if (signal.aborted) throw new CancelledError()
    return RESULT
  }
  const answer = startAnswer(work, controller.signal)
  controller.abort()
  await expect(answer).rejects.toThrow(CancelledError)
  await expect(startAnswer(work, AbortSignal.abort())).rejects.toThrow(CancelledError)
  const other = slow()
  other.cancel()
  await expect(collect(other)).rejects.toThrow(CancelledError)
})

test('a failure reaches iterations and awaits, and troubles nobody when nobody looks', async () => {
  const unhandled: unknown[] = []
  const note = (reason: unknown): void => void unhandled.push(reason)
  process.on('unhandledRejection', note)
  try {
    const failing = () => startAnswer(async () => Promise.reject(new CancelledError('no')))
    void failing()
    await expect(collect(failing())).rejects.toThrow('no')
    await expect(failing()).rejects.toThrow('no')
    await turn()
    await turn()
    expect(unhandled).toEqual([])
  } finally {
    process.off('unhandledRejection', note)
  }
})
