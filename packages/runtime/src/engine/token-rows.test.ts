import { expect, test } from 'vitest'
import { TokenRows } from './token-rows.js'

test('rows come in the order asked for, and each is read once', async () => {
  const reads: (readonly number[])[] = []
  const read = async (ids: readonly number[]): Promise<Float32Array> => {
    reads.push(ids)
    return Float32Array.from(ids.flatMap((id) => [id, -id]))
  }
  const rows = new TokenRows(2)
  expect([...(await rows.take([3, 1, 3], read))]).toEqual([3, -3, 1, -1, 3, -3])
  expect([...(await rows.take([1, 2], read))]).toEqual([1, -1, 2, -2])
  expect(await rows.take([], read)).toHaveLength(0)
  expect(reads).toEqual([[3, 1], [2]])
})

test('memory is bounded: the row longest unused goes first', async () => {
  // One row fills half of the memory.
  const width = 2 * 1024 * 1024
  const rows = new TokenRows(width)
  const reads: number[] = []
  const read = async (ids: readonly number[]): Promise<Float32Array> => {
    reads.push(...ids)
    return new Float32Array(ids.length * width)
  }
  for (const id of [1, 2, 1, 3, 1, 2]) await rows.take([id], read)
  expect(reads).toEqual([1, 2, 3, 2])
})
