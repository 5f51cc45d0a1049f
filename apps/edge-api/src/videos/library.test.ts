import type { VideoSource } from '@longtake/runtime'
import { beforeEach, expect, test } from 'vitest'
import type { UploadStore } from '../services.js'
import type { WatchWork } from './job.js'
import { VideoLibrary } from './library.js'
import { Uploads } from './uploads.js'

const TTL_MS = 1000

let now: number
let removed = 0
let uploads: Uploads
let library: VideoLibrary

/** Keeps bytes in memory and counts what is removed. */
function memoryStore(): UploadStore {
  return {
    put: async (bytes) => ({
      open: async () => ({ size: async () => bytes.length }) as VideoSource,
      remove: async () => {
        removed += 1
      },
    }),
  }
}

beforeEach(() => {
  now = 0
  removed = 0
  uploads = new Uploads(memoryStore(), { bytesPerKey: 10, ttlMs: TTL_MS }, () => now)
  library = new VideoLibrary(uploads, { videosPerKey: 2, ttlMs: TTL_MS }, () => now)
})

function workOn(id?: string): WatchWork {
  return { model: 'm', sources: id === undefined ? [] : [{ type: 'upload', id }], watch: {} }
}

test('a video is known until its time after the last use is over', async () => {
  const { id } = library.add('ann', workOn(), 'x')
  now = TTL_MS - 1
  expect(library.get('ann', id).id).toBe(id)
  now = 2 * TTL_MS - 2
  await library.sweep()
  expect(library.get('ann', id).id).toBe(id)
  now = 4 * TTL_MS
  expect(() => library.get('ann', id)).toThrow(/no video/)
  expect(library.list('ann')).toEqual([])
  expect((await library.sweep()).map((it) => it.id)).toEqual([id])
  expect(library.size).toBe(0)
})

test('expired videos take no place of the owner, and places are counted by owner', () => {
  library.add('ann', workOn(), 'x')
  library.add('ann', workOn(), 'x')
  expect(() => library.add('ann', workOn(), 'x')).toThrow(/at once/)
  expect(library.add('bob', workOn(), 'x').owner).toBe('bob')
  now = TTL_MS
  expect(library.add('ann', workOn(), 'x').owner).toBe('ann')
})

test('bytes stay as long as a video holds them, and go with the last one', async () => {
  const upload = await uploads.put('ann', Uint8Array.of(1, 2, 3))
  const videos = [library.add('ann', workOn(upload), 'x'), library.add('ann', workOn(upload), 'x')]
  now = 10 * TTL_MS
  await uploads.sweep()
  expect(await (await uploads.open('ann', upload)).size()).toBe(3)
  for (const video of videos) await library.remove(video)
  expect(removed).toBe(1)
  await expect(uploads.open('ann', upload)).rejects.toMatchObject({ code: 'VIDEO_NOT_FOUND' })
})

test('the same bytes are kept once for an owner, and are nobody else\u2019s', async () => {
  const one = await uploads.put('ann', Uint8Array.of(1, 2, 3))
  expect(await uploads.put('ann', Uint8Array.of(1, 2, 3))).toBe(one)
  expect(await uploads.put('bob', Uint8Array.of(1, 2, 3))).not.toBe(one)
  await expect(uploads.open('bob', one)).rejects.toMatchObject({ code: 'VIDEO_NOT_FOUND' })
})

test('what nobody holds makes room, what a video holds does not', async () => {
  const held = await uploads.put('ann', new Uint8Array(5).fill(1))
  library.add('ann', workOn(held), 'x')
  const loose = await uploads.put('ann', new Uint8Array(5).fill(2))
  const next = await uploads.put('ann', new Uint8Array(4).fill(3))
  await expect(uploads.open('ann', loose)).rejects.toMatchObject({ code: 'VIDEO_NOT_FOUND' })
  await expect(uploads.put('ann', new Uint8Array(6).fill(4))).rejects.toMatchObject({ status: 413 })
  expect(await (await uploads.open('ann', held)).size()).toBe(5)
  now = TTL_MS
  await uploads.sweep()
  await expect(uploads.open('ann', next)).rejects.toMatchObject({ code: 'VIDEO_NOT_FOUND' })
})
