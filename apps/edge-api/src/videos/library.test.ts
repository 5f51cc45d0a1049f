import type { VideoSource } from '@longtake/runtime'
import { beforeEach, describe, expect, test } from 'vitest'
import type { FoundUpload, UploadStore, VideoStore } from '../services.js'
import type { WatchWork } from './job.js'
import { VideoLibrary } from './library.js'
import { parseRecord, type VideoRecord } from './record.js'
import { Uploads } from './uploads.js'

const TTL_MS = 1000

let now: number
let removed = 0
let touched: number[] = []
/** What was written down, by id. */
let written: Map<string, string>
let uploads: Uploads
let library: VideoLibrary

function stored(sizeBytes: number) {
  return {
    open: async () => ({ size: async () => sizeBytes }) as VideoSource,
    touch: async (usedAt: number) => void touched.push(usedAt),
    remove: async () => {
      removed += 1
    },
  }
}

/** Keeps bytes in memory and counts what is removed. */
function memoryStore(found: readonly FoundUpload[] = []): UploadStore {
  return { found, put: async (_id, _owner, bytes) => stored(bytes.length) }
}

/** Keeps records as the text that a next process reads. */
function recordStore(): VideoStore {
  const found = [...written.values()].flatMap((text) => parseRecord(text) ?? [])
  return {
    found,
    save: async (record) => void written.set(record.id, JSON.stringify(record)),
    remove: async (id) => void written.delete(id),
  }
}

function openLibrary(): VideoLibrary {
  return new VideoLibrary(uploads, recordStore(), { videosPerKey: 2, ttlMs: TTL_MS }, () => now)
}

beforeEach(() => {
  now = 0
  removed = 0
  touched = []
  written = new Map()
  uploads = new Uploads(memoryStore(), { bytesPerKey: 10, ttlMs: TTL_MS }, () => now)
  library = openLibrary()
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

const REPORT: NonNullable<VideoRecord['report']> = {
  video: { duration: 1, width: 2, height: 3, codec: 'vp9' },
  plan: {
    frames: 8,
    clips: 1,
    visualTokens: 16,
    contextTokens: 20,
    rope: { type: 'none', scale: 1 },
    pooling: null,
    kvCache: { type: 'fp32', bytes: 100 },
    sampling: 'exact',
  },
  notes: [],
}

describe('the next process', () => {
  test('knows what was saved as it was, and nothing that was not', async () => {
    const work = { ...workOn(), watch: { frames: 8, pooling: 'none' } as const }
    const ready = library.add('ann', work, 'https://example.com/a')
    ready.jobId = 'job_1'
    await library.save(ready)
    await library.settle(ready, { report: REPORT })
    now = 10
    const failed = library.add('ann', work, 'x')
    await library.settle(failed, { failure: { code: 'VIDEO_EMPTY', message: 'Nothing.' } })
    library.add('bob', work, 'x')
    const next = openLibrary()
    expect(next.size).toBe(2)
    expect(next.list('ann')).toEqual([failed, ready])
    expect(next.waiting).toEqual([])
    expect(next.get('ann', ready.id).report).toEqual(REPORT)
    expect(() => next.get('bob', ready.id)).toThrow(/no video/)
  })

  test('forgets at the same time, which uses put off', async () => {
    const used = library.add('ann', workOn(), 'x')
    const unused = library.add('bob', workOn(), 'x')
    for (const record of [used, unused]) await library.save(record)
    now = TTL_MS / 2
    library.get('ann', used.id)
    await library.sweep()
    now = TTL_MS
    const next = openLibrary()
    expect(next.list('bob')).toEqual([])
    expect((await next.sweep()).map(({ id }) => id)).toEqual([unused.id])
    expect(next.get('ann', used.id).id).toBe(used.id)
    expect([...written.keys()]).toEqual([used.id])
  })

  test('does not find what was removed, also while it was being written', async () => {
    const record = library.add('ann', workOn(), 'x')
    await library.save(record)
    const saving = library.settle(record, { report: REPORT })
    await library.remove(record)
    await saving
    await library.settle(record, { report: REPORT })
    expect(openLibrary().size).toBe(0)
  })

  test('holds the bytes of its videos, and lets others go in their time', async () => {
    const id = `upl_${'0'.repeat(32)}`
    const loose = `upl_${'1'.repeat(32)}`
    const ofAnn = { owner: 'ann', sizeBytes: 4, usedAt: 0, stored: stored(4) }
    await library.save(library.add('ann', workOn(id), 'x'))
    const found = [
      { ...ofAnn, id },
      { ...ofAnn, id: loose },
    ]
    uploads = new Uploads(memoryStore(found), { bytesPerKey: 10, ttlMs: TTL_MS }, () => now)
    const next = openLibrary()
    now = TTL_MS
    await uploads.sweep()
    expect(removed).toBe(1)
    expect(await (await uploads.open('ann', id)).size()).toBe(4)
    await expect(uploads.open('ann', loose)).rejects.toMatchObject({ code: 'VIDEO_NOT_FOUND' })
    await expect(uploads.open('bob', id)).rejects.toMatchObject({ code: 'VIDEO_NOT_FOUND' })
    // A use is written down, and counts against the owner as ever.
    expect(touched).toEqual([TTL_MS])
    await expect(uploads.put('ann', new Uint8Array(7))).rejects.toMatchObject({ status: 413 })
    await next.sweep()
    expect(removed).toBe(2)
  })

  test.each(['', 'null', '[]', '{"id":"vid_1"}', '{"id":"../../etc/passwd"}', '{"id":'])(
    'takes %j for no video',
    (text) => {
      expect(parseRecord(text)).toBeUndefined()
    },
  )
})
