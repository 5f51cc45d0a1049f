import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ByteStore } from './byte-store.js'
import { ChainStore } from './chain-store.js'
import { EntryWriter } from './entry-writer.js'
import { FeatureCacheError, writeFailure } from './error.js'
import { placeLayout } from './layout.js'
import { memoryStore } from './memory-store.js'

/** A disk with room for so many bytes, wherever they lie; tells whether it was closed. */
function smallDisk(roomBytes: number): ByteStore & { isClosed: boolean } {
  const memory = memoryStore(2 ** 30)
  let left = roomBytes
  return {
    isClosed: false,
    async write(bytes, position) {
      left -= bytes.length
      if (left < 0) throw writeFailure('It', Object.assign(new Error('full'), { code: 'ENOSPC' }))
      await memory.write(bytes, position)
    },
    read: (target, position) => memory.read(target, position),
    async close() {
      this.isClosed = true
      await memory.close()
    },
  }
}

test('whenever disks fill up, everything written stays, in the first that has room', async () => {
  const anyCase = fc.record({
    rooms: fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 3 }),
    order: fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7], { minLength: 8 }),
  })
  await fc.assert(
    fc.asyncProperty(anyCase, async ({ rooms, order }) => {
      const disks = [...rooms.map(smallDisk), smallDisk(64)]
      const problems: string[] = []
      const chain = await ChainStore.open(
        disks.map((disk) => async () => disk),
        ({ reason }) => problems.push(reason),
      )
      await Promise.all(order.map((place) => chain.write(new Uint8Array(8).fill(place + 1), place * 8)))
      const found = new Uint8Array(64)
      await chain.read(found, 0)
      expect([...found]).toEqual(Array.from({ length: 64 }, (_, i) => Math.floor(i / 8) + 1))
      expect(chain.current).toBe(disks.at(-1))
      expect(problems).toEqual(rooms.map(() => 'full'))
      // A disk that never held anything was closed as well.
      expect(disks.map(({ isClosed }) => isClosed)).toEqual([...rooms.map(() => true), false])
      await chain.close()
      expect(disks.at(-1)?.isClosed).toBe(true)
    }),
    { numRuns: 100 },
  )
})

test('with no room anywhere it fails for good, and the writer above it says so and lets go', async () => {
  const disks = [smallDisk(20), smallDisk(10)]
  const chain = await ChainStore.open(disks.map((disk) => async () => disk))
  const layout = placeLayout({ frames: 3, blocks: [{ name: 'a', floatsPerFrame: 3 }] })
  const writer = new EntryWriter(layout, chain)
  await writer.put('a', 0, new Float32Array(3))
  await expect(writer.put('a', 1, new Float32Array(3))).rejects.toMatchObject({ reason: 'full' })
  await expect(writer.put('a', 2, new Float32Array(3))).rejects.toBeInstanceOf(FeatureCacheError)
  await expect(writer.commit(null)).rejects.toMatchObject({ reason: 'full' })
  await writer.abort()
  expect(disks.map(({ isClosed }) => isClosed)).toEqual([true, true])
})

test('stores that cannot be opened are passed over; with none left that is the error', async () => {
  const broken = async () => {
    throw new FeatureCacheError('unwritable', 'Broken.')
  }
  const problems: string[] = []
  const chain = await ChainStore.open([broken, async () => memoryStore(8)], ({ reason }) =>
    problems.push(reason),
  )
  expect(problems).toEqual(['unwritable'])
  await chain.close()
  await expect(ChainStore.open([broken, broken])).rejects.toMatchObject({ reason: 'unwritable' })
  await expect(ChainStore.open([])).rejects.toMatchObject({ reason: 'full' })
})

test('a chain passes over stores that cannot be opened while it moves', async () => {
  const broken = async () => {
    throw new FeatureCacheError('unwritable', 'Broken.')
  }
  const chain = await ChainStore.open([async () => smallDisk(4), broken, async () => memoryStore(99)])
  await chain.write(Uint8Array.of(1, 2, 3, 4), 0)
  await chain.write(Uint8Array.of(5), 4)
  const found = new Uint8Array(5)
  await chain.read(found, 0)
  expect([...found]).toEqual([1, 2, 3, 4, 5])
  await chain.close()
})

test('memory ends where it was told, and gives nothing that was not written', async () => {
  const memory = memoryStore(2 ** 20 + 10)
  await memory.write(new Uint8Array(20).fill(9), 2 ** 20 - 10)
  const found = new Uint8Array(20)
  await memory.read(found, 2 ** 20 - 10)
  expect(found.every((byte) => byte === 9)).toBe(true)
  await expect(memory.write(new Uint8Array(11), 2 ** 20)).rejects.toMatchObject({ reason: 'full' })
  await expect(memory.read(new Uint8Array(1), 2 ** 20 + 10)).rejects.toMatchObject({ reason: 'unreadable' })
  await memory.close()
  await expect(memory.read(found, 0)).rejects.toMatchObject({ reason: 'closed' })
  await expect(memory.write(found, 0)).rejects.toMatchObject({ reason: 'closed' })
})
