import { expect, test } from 'vitest'
import { Entrance } from './entrance.js'

test('those who come together are let in one by one, in their order, and the event loop goes round in between', async () => {
  const entrance = new Entrance()
  const seen: string[] = []
  const work = Array.from({ length: 4 }, async (_, number) => {
    await entrance.enter()
    seen.push(`request ${number}`)
  })
  let rounds = 0
  const goRound = (): void => {
    seen.push('round')
    if (++rounds < 4) setImmediate(goRound)
  }
  setImmediate(goRound)
  await Promise.all(work)
  const requests = seen.filter((one) => one !== 'round')
  expect(requests).toEqual(['request 0', 'request 1', 'request 2', 'request 3'])
  const isTogether = seen.some(
    (one, at) => one !== 'round' && seen[at + 1] !== undefined && seen[at + 1] !== 'round',
  )
  expect(isTogether).toBe(false)
})

test('who comes later, or when all others are in, has its turn too', async () => {
  const entrance = new Entrance()
  await entrance.enter()
  const first = entrance.enter()
  await Promise.all([first, entrance.enter()])
  await entrance.enter()
})
