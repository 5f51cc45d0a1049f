import { expect, test } from 'vitest'
import { Gate, nativeCallLimit } from './gate.js'

test('one thread of the pool stays free', () => {
  expect(nativeCallLimit(undefined)).toBe(3)
  expect(nativeCallLimit('16')).toBe(15)
  expect(nativeCallLimit('1')).toBe(1)
  for (const odd of ['', '0', '-4', 'many', '2.5']) expect(nativeCallLimit(odd)).toBe(3)
})

test('runs as many tasks as it may, in order, and goes on after failures', async () => {
  const gate = new Gate(2)
  let active = 0
  let most = 0
  const order: number[] = []
  const task = (index: number) =>
    gate.pass(undefined, async () => {
      order.push(index)
      most = Math.max(most, ++active)
      await new Promise((resolve) => setImmediate(resolve))
      active--
      if (index % 3 === 0) throw new Error('failed')
      return index
    })
  const results = await Promise.allSettled([0, 1, 2, 3, 4, 5, 6].map(task))
  expect(results.map(({ status }) => status === 'fulfilled')).toEqual([
    false,
    true,
    true,
    false,
    true,
    true,
    false,
  ])
  expect(order).toEqual([0, 1, 2, 3, 4, 5, 6])
  expect(most).toBe(2)
})

test('a waiting task leaves when its signal fires, and the others move up', async () => {
  const gate = new Gate(1)
  const open: (() => void)[] = []
  const first = gate.pass(undefined, () => new Promise<void>((resolve) => open.push(resolve)))
  const controller = new AbortController()
  const second = gate.pass(controller.signal, async () => 'second')
  const third = gate.pass(undefined, async () => 'third')
  controller.abort()
  await expect(second).rejects.toMatchObject({ code: 'CANCELLED' })
  open[0]?.()
  await first
  expect(await third).toBe('third')
})
