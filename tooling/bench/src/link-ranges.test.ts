import { expect, test } from 'vitest'
import { linkRanges } from './link-ranges.js'

test('of a long film by its link only a part is fetched, and every picture is there', async () => {
  const { result, failed } = await linkRanges.run(['--frames', '8', '--groups', '60'], () => {})
  expect(failed).toBe(false)
  expect(result).toMatchObject({ pictures: 8, seconds: 600 })
  // Index, a keyframe and its neighbour for each picture, and what facts need.
  expect(result.fetchedBytes).toBeLessThan(9_000_000)
  expect(result.fileBytes).toBeGreaterThan(350_000_000)
})
