import { expect, test } from 'vitest'
import { load } from './load.js'

test('a small crowd loses nothing, and its places in the queue only shrink', {
  timeout: 120_000,
}, async () => {
  const sizes = ['--clients', '24', '--modest', '2', '--questions', '12']
  const { result } = await load.run(sizes, () => {})
  expect(result).toMatchObject({ clients: 24, lost: 0, wrongPositions: 0, questions: 12 })
  expect(result.positionsTold).toBeGreaterThan(0)
  expect(result.lagP99Ms).toBeGreaterThan(0)
  expect(result.memoryBytes).toHaveLength(5)
  // Nobody else is left than the server, its engine and the decoder that is kept ready.
  expect(result.processes).toBeLessThanOrEqual(3)
})

test('refuses sizes that are none', async () => {
  await expect(load.run(['--clients', '0'], () => {})).rejects.toMatchObject({ code: 'INVALID_OPTION' })
})
