import { expect, test } from 'vitest'
import { hostileLinksBench } from './hostile-links.js'
import { hostileLinks } from './hostile-urls.js'

test('no hostile link reaches the canary, and every honest one works', async () => {
  const notes: string[] = []
  const { result, failed } = await hostileLinksBench.run([], (text) => notes.push(text))
  expect(notes).toEqual([])
  expect(failed).toBe(false)
  expect(result).toMatchObject({ reached: 0, reachedBytes: 0, opened: 0, legitimateRefused: 0 })
  expect(result.tried).toBeGreaterThanOrEqual(120)
  // The canary does notice: each of its hosts saw the link that was allowed to it.
  expect(result.controlConnections).toBeGreaterThanOrEqual(2)
})

test('hostile links are all different', () => {
  const urls = hostileLinks({ port: 1234, trusted: 'http://127.0.0.2:1234' }).map(({ url }) => url)
  expect(new Set(urls).size).toBe(urls.length)
})
