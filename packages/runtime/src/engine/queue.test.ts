import { expect, test } from 'vitest'
import { WorkQueue } from './queue.js'

const never = new AbortController().signal
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('work runs one at a time, in order, past failures', async () => {
  const queue = new WorkQueue()
  const log: string[] = []
  const work = (name: string) => async () => {
    log.push(`${name} starts`)
    await turn()
    log.push(`${name} ends`)
    if (name === 'b') throw new Error('b fails')
  }
  const [, b] = await Promise.allSettled(['a', 'b', 'c'].map((name) => queue.run(work(name), never)))
  expect(b?.status).toBe('rejected')
  expect(log).toEqual(['a starts', 'a ends', 'b starts', 'b ends', 'c starts', 'c ends'])
})

test('work that still waits leaves at once when it is cancelled, and never starts', async () => {
  const queue = new WorkQueue()
  let release = (): void => {}
  const first = queue.run(
    () =>
      new Promise<void>((resolve) => {
        release = resolve
      }),
    never,
  )
  const controller = new AbortController()
  let started = false
  const second = queue.run(async () => {
    started = true
  }, controller.signal)
  controller.abort()
  await expect(second).rejects.toThrow(expect.objectContaining({ code: 'CANCELLED' }))
  release()
  await first
  await queue.idle()
  expect(started).toBe(false)
})
