import { createHash } from 'node:crypto'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { VideoSource } from '../video/index.js'
import {
  cacheFolder,
  contentKey,
  EDGE_HASH_BYTES,
  FULL_HASH_BYTES,
  featureKey,
  HASH_BLOCK_BYTES,
  HASH_BLOCKS,
  type JsonValue,
} from './index.js'

/** Zeros, except at some places; counts what is read. */
function sparse(sizeBytes: number, ones: readonly number[] = []): VideoSource & { readBytes: number } {
  return {
    name: 'sparse',
    readBytes: 0,
    size: async () => sizeBytes,
    async read(start, end) {
      const bytes = new Uint8Array(Math.max(0, Math.min(end, sizeBytes) - start))
      for (const place of ones) if (place >= start && place < start + bytes.length) bytes[place - start] = 1
      this.readBytes += bytes.length
      return bytes
    },
    close: async () => {},
  }
}

test('a small video is named by every byte and by its size', async () => {
  const keys = await Promise.all(
    [sparse(0), sparse(1), sparse(2), sparse(5000, [0]), sparse(5000, [4999]), sparse(5000, [2500])].map(
      (source) => contentKey(source),
    ),
  )
  expect(new Set(keys).size).toBe(keys.length)
  expect(keys.every((key) => /^[0-9a-f]{64}$/.test(key))).toBe(true)
  expect(await contentKey(sparse(5000, [2500]))).toBe(keys[5])
  // By the rule, computed by itself.
  const hash = createHash('sha256')
    .update('longtake content 1\n2\n')
    .update(Uint8Array.of(0, 1))
    .update('\n2\n')
  expect(await contentKey(sparse(2, [1]))).toBe(hash.digest('hex'))
})

test('how a source cuts its answers does not count', async () => {
  const whole = sparse(3000, [7, 2999])
  const drops = {
    ...whole,
    read: (start: number, end: number) => whole.read(start, Math.min(end, start + 7)),
  }
  expect(await contentKey(drops)).toBe(await contentKey(whole))
})

test('a large video costs a bounded amount, and a change is seen at both ends and in every block', async () => {
  const size = 3 * FULL_HASH_BYTES + 12_345
  const source = sparse(size)
  const plain = await contentKey(source)
  expect(source.readBytes).toBe(2 * EDGE_HASH_BYTES + HASH_BLOCKS * HASH_BLOCK_BYTES)
  const distance = (size - 2 * EDGE_HASH_BYTES) / HASH_BLOCKS
  const middle = (block: number) => Math.floor(EDGE_HASH_BYTES + (block + 0.5) * distance)
  const places = [0, EDGE_HASH_BYTES - 1, size - EDGE_HASH_BYTES, size - 1, middle(0), middle(31), middle(63)]
  for (const place of places) expect(await contentKey(sparse(size, [place]))).not.toBe(plain)
  expect(await contentKey(sparse(size + 1))).not.toBe(plain)
  // What the rule says that it cannot see.
  expect(await contentKey(sparse(size, [Math.floor(EDGE_HASH_BYTES + distance)]))).toBe(plain)
})

test('a source that ends before its size is named by what there is', async () => {
  const short = { ...sparse(9000), size: async () => 10_000 }
  expect(await contentKey(short)).not.toBe(await contentKey(sparse(10_000)))
})

test('a source without a usable size is refused, a cancelled one is left', async () => {
  for (const size of [Number.NaN, -1, 1.5, Number.POSITIVE_INFINITY]) {
    await expect(contentKey(sparse(size))).rejects.toMatchObject({ code: 'VIDEO_UNREADABLE' })
  }
  await expect(contentKey(sparse(1), AbortSignal.abort())).rejects.toMatchObject({ code: 'CANCELLED' })
  const controller = new AbortController()
  const source = sparse(FULL_HASH_BYTES)
  const aborting = {
    ...source,
    read: (start: number, end: number) => {
      controller.abort()
      return source.read(start, end)
    },
  }
  await expect(contentKey(aborting, controller.signal)).rejects.toMatchObject({ code: 'CANCELLED' })
  expect(source.readBytes).toBeLessThan(FULL_HASH_BYTES)
})

test('a feature key depends on every value and not on the order of names', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (parts) => {
      const reversed = Object.fromEntries(Object.entries(parts).reverse())
      expect(featureKey(reversed as JsonValue)).toBe(featureKey(parts as JsonValue))
    }),
  )
  const different: JsonValue[] = [
    null,
    0,
    1,
    '1',
    '',
    [],
    {},
    [1],
    [[1]],
    { a: 1 },
    { a: '1' },
    { b: 1 },
    false,
  ]
  expect(new Set(different.map(featureKey)).size).toBe(different.length)
  expect(featureKey([1, 2])).not.toBe(featureKey([2, 1]))
  expect(featureKey({ a: 1 })).toBe(createHash('sha256').update('{"a":1}').digest('hex'))
})

test.each([
  [Number.NaN],
  [undefined],
  [new Date(0)],
  [() => 1],
  [1n],
  [{ a: undefined }],
  // A hole is no value.
  [new Array(1)],
])('no feature key is made of %s', (bad) => {
  expect(() => featureKey(bad as JsonValue)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
})

test('no feature key is made of a cycle', () => {
  const cycle: JsonValue[] = []
  cycle.push(cycle)
  expect(() => featureKey(cycle)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
})

test.each([
  ['linux', {}, join('/h', '.cache', 'longtake')],
  ['freebsd', {}, join('/h', '.cache', 'longtake')],
  ['linux', { XDG_CACHE_HOME: '/x' }, join('/x', 'longtake')],
  ['linux', { XDG_CACHE_HOME: 'relative' }, join('/h', '.cache', 'longtake')],
  ['linux', { XDG_CACHE_HOME: '' }, join('/h', '.cache', 'longtake')],
  ['linux', { XDG_CACHE_HOME: '/x', LONGTAKE_CACHE: '/mine' }, '/mine'],
  ['linux', { LONGTAKE_CACHE: '' }, join('/h', '.cache', 'longtake')],
  ['darwin', {}, join('/h', 'Library', 'Caches', 'longtake')],
  ['win32', { LOCALAPPDATA: '/l' }, join('/l', 'longtake', 'Cache')],
  ['win32', {}, join('/h', 'AppData', 'Local', 'longtake', 'Cache')],
])('on %s with %o, caches are in %s', (platform, environment, expected) => {
  expect(cacheFolder({ platform, environment, home: '/h' })).toBe(expected)
})
