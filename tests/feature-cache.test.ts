import { mkdir, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { beforeEach, expect, test } from 'vitest'
import {
  createScratch,
  FeatureCache,
  type FeatureCacheError,
  type FeatureLayout,
  type JsonValue,
} from '../packages/runtime/src/features/index.js'
import {
  addEntry,
  allValues,
  folderBytes,
  frameValues,
  KEY,
  key,
  LAYOUT,
  putAll,
  readAll,
} from './support/features.js'
import { withoutPermission } from './support/permission.js'
import { expectRefusal } from './support/refusal.js'
import { temporaryPath, useTemporaryFolder } from './support/temporary-folder.js'

useTemporaryFolder()

const ROOMY = 1 << 24
let count = 0
let folder = ''

beforeEach(() => {
  folder = temporaryPath(`cache-${count++}`)
})

const openCache = (maxBytes = ROOMY) => FeatureCache.open({ folder, maxBytes })

/** Bytes of the entry that `addEntry` makes. */
async function entryBytes(): Promise<number> {
  const cache = await openCache()
  await addEntry(cache, KEY)
  const bytes = await folderBytes(folder)
  await rm(folder, { recursive: true })
  return bytes
}

test('gives back what was put, at once and when found again', async () => {
  const cache = await openCache()
  expect(await cache.find(KEY)).toBeUndefined()
  const writer = await cache.create(KEY, LAYOUT)
  await putAll(writer, LAYOUT)
  await writer.putBytes('thumbnail 0', Uint8Array.of(1, 2, 3))
  await writer.putBytes('nothing', new Uint8Array())
  await writer.putBytes('thumbnail 1', Uint8Array.of(4))
  expect(await cache.find(KEY)).toBeUndefined()
  const details = { plan: [1, 2.5, null], 'naïve 🎞': true }
  const committed = await writer.commit(details)
  const found = await (await openCache()).find(KEY)
  for (const reader of [committed, found]) {
    expect(reader?.layout).toEqual(LAYOUT)
    expect(reader?.details).toEqual(details)
    expect(reader && (await readAll(reader))).toEqual(allValues(LAYOUT))
    expect(await reader?.read('visual', 2, 4)).toEqual(
      Float32Array.of(...frameValues(LAYOUT, 'visual', 2), ...frameValues(LAYOUT, 'visual', 3)),
    )
    expect(await reader?.read('alignment', 5, 5)).toEqual(new Float32Array())
    expect(await reader?.bytes('thumbnail 0')).toEqual(Uint8Array.of(1, 2, 3))
    expect(await reader?.bytes('thumbnail 1')).toEqual(Uint8Array.of(4))
    expect(await reader?.bytes('nothing')).toEqual(new Uint8Array())
    expect(await reader?.bytes('thumbnail 2')).toBeUndefined()
    await reader?.close()
    await reader?.close()
    await expect(reader?.read('visual', 0, 1)).rejects.toMatchObject({ reason: 'closed' })
    await expect(reader?.bytes('thumbnail 0')).rejects.toMatchObject({ reason: 'closed' })
  }
})

test.skipIf(process.platform === 'win32')('others can neither list the folder nor read entries', async () => {
  await addEntry(await openCache(), KEY)
  expect((await stat(folder)).mode & 0o777).toBe(0o700)
  const names = await readdir(folder)
  expect(names).toEqual([`${KEY}.features`])
  expect((await stat(join(folder, `${KEY}.features`))).mode & 0o777).toBe(0o600)
})

const anyLayout: fc.Arbitrary<FeatureLayout> = fc.record({
  frames: fc.integer({ min: 1, max: 6 }),
  blocks: fc.uniqueArray(
    fc.record({
      name: fc.string({ minLength: 1, maxLength: 8, unit: 'binary' }),
      floatsPerFrame: fc.integer({ min: 1, max: 9 }),
    }),
    { minLength: 1, maxLength: 3, selector: ({ name }) => name },
  ),
})

test('any layout, in any order, with any details, reads back the same', async () => {
  const anyCase = anyLayout.chain((layout) => {
    const frames = layout.blocks.flatMap(({ name, floatsPerFrame }) =>
      Array.from({ length: layout.frames }, (_, frame) => ({ name, frame, floatsPerFrame })),
    )
    return fc.record({
      layout: fc.constant(layout),
      order: fc.shuffledSubarray(frames, { minLength: frames.length }),
      fill: fc.float(),
      details: fc.jsonValue() as fc.Arbitrary<JsonValue>,
      isScratch: fc.boolean(),
    })
  })
  const cache = await openCache()
  await fc.assert(
    fc.asyncProperty(anyCase, async ({ layout, order, fill, details, isScratch }) => {
      const writer = await (isScratch ? createScratch(layout) : cache.create(KEY, layout))
      const put = new Map<string, Float32Array>()
      // Not awaited one by one: calls may overlap.
      await Promise.all(
        order.map(({ name, frame, floatsPerFrame }, place) => {
          const values = new Float32Array(floatsPerFrame).fill(fill)
          values[0] = place
          put.set(`${name} ${frame}`, values)
          return writer.put(name, frame, values)
        }),
      )
      const committed = await writer.commit(details)
      const found = isScratch ? undefined : await cache.find(KEY)
      expect(isScratch || found !== undefined).toBe(true)
      for (const reader of found ? [committed, found] : [committed]) {
        expect(JSON.stringify(reader.details)).toBe(JSON.stringify(sorted(details)))
        for (const { name, frame } of order) {
          expect(await reader.read(name, frame, frame + 1)).toEqual(put.get(`${name} ${frame}`))
        }
        await reader.close()
      }
    }),
    { numRuns: 60 },
  )
})

/** JSON without the sign of zero, its names in order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(fields.map(([name, item]) => [name, sorted(item)]))
}

test('the least recently used entries go first, and finding is using', async () => {
  const bytes = await entryBytes()
  const cache = await openCache(3 * bytes + Math.floor(bytes / 2))
  for (const number of [1, 2, 3]) {
    await addEntry(cache, key(number))
    // Older than what follows by whole minutes, whatever the file system rounds to.
    const used = new Date(Date.now() - (10 - number) * 60_000)
    await utimes(join(folder, `${key(number)}.features`), used, used)
  }
  await (await cache.find(key(1)))?.close()
  await addEntry(cache, key(4))
  expect((await readdir(folder)).sort()).toEqual([1, 3, 4].map((number) => `${key(number)}.features`))
  expect(await folderBytes(folder)).toBeLessThanOrEqual(3 * bytes + bytes / 2)
})

test('a smaller limit takes effect when the cache is opened; files of others stay', async () => {
  const bytes = await entryBytes()
  const cache = await openCache()
  for (const number of [1, 2, 3]) await addEntry(cache, key(number))
  await writeFile(join(folder, 'notes.txt'), 'x'.repeat(10 * bytes))
  await openCache(bytes)
  const names = await readdir(folder)
  expect(names).toContain('notes.txt')
  expect(names.length).toBe(2)
})

test('what is being written counts, and is never evicted', async () => {
  const bytes = await entryBytes()
  const cache = await openCache(2 * bytes + Math.floor(bytes / 2))
  const first = await cache.create(key(1), LAYOUT)
  const second = await cache.create(key(2), LAYOUT)
  const problems: FeatureCacheError[] = []
  const third = await cache.create(key(3), LAYOUT, (problem) => problems.push(problem))
  expect(problems.map(({ reason }) => reason)).toEqual(['full'])
  for (const [number, writer] of [first, second, third].entries()) {
    await putAll(writer, LAYOUT, number)
    expect(await folderBytes(folder)).toBeLessThanOrEqual(2 * bytes + bytes / 2)
    const reader = await writer.commit(null)
    expect(await readAll(reader)).toEqual(allValues(LAYOUT, number))
    await reader.close()
  }
  expect((await readdir(folder)).sort()).toEqual([1, 2].map((number) => `${key(number)}.features`))
})

test('an entry that is larger than the cache is not kept, evicts nothing, and works all the same', async () => {
  const bytes = await entryBytes()
  const cache = await openCache(bytes)
  await addEntry(cache, key(1))
  const large = { frames: 50, blocks: LAYOUT.blocks }
  const problems: string[] = []
  const writer = await cache.create(key(2), large, ({ reason }) => problems.push(reason))
  await putAll(writer, large)
  const reader = await writer.commit('kept nowhere')
  expect(await readAll(reader)).toEqual(allValues(large))
  await reader.close()
  expect(problems).toEqual(['full'])
  expect(await readdir(folder)).toEqual([`${key(1)}.features`])
})

test.each([2, 100, 1 << 16, 1 << 21])(
  'attachments of %i bytes move to scratch when they outgrow the cache',
  async (attachmentBytes) => {
    const bytes = await entryBytes()
    const cache = await openCache(bytes + attachmentBytes / 2)
    const problems: string[] = []
    const writer = await cache.create(KEY, LAYOUT, ({ reason }) => problems.push(reason))
    await putAll(writer, LAYOUT)
    const attached = new Uint8Array(attachmentBytes).fill(7)
    for (const name of ['a', 'b']) {
      await writer.putBytes(name, attached)
      expect(await folderBytes(folder)).toBeLessThanOrEqual(bytes + attachmentBytes / 2)
    }
    const reader = await writer.commit(null)
    expect(await readAll(reader)).toEqual(allValues(LAYOUT))
    expect(Buffer.compare((await reader.bytes('b')) ?? Buffer.alloc(0), attached)).toBe(0)
    await reader.close()
    expect(problems).toEqual(['full'])
    expect(await readdir(folder)).toEqual([])
    expect(await cache.find(KEY)).toBeUndefined()
  },
)

test('a reader outlives its entry', async () => {
  const cache = await openCache()
  await addEntry(cache, KEY)
  const reader = await cache.find(KEY)
  await rm(folder, { recursive: true })
  expect(reader && (await readAll(reader))).toEqual(allValues(LAYOUT))
  await reader?.close()
  expect(await cache.find(KEY)).toBeUndefined()
  await addEntry(cache, KEY)
  await (await cache.find(KEY))?.close()
  expect(await readdir(folder)).toEqual([`${KEY}.features`])
})

test('a folder deleted while an entry is written costs the entry, not the features', async () => {
  const cache = await openCache()
  const problems: string[] = []
  const writer = await cache.create(KEY, LAYOUT, ({ reason }) => problems.push(reason))
  await writer.put('visual', 0, frameValues(LAYOUT, 'visual', 0))
  await rm(folder, { recursive: true })
  for (const { name } of LAYOUT.blocks) {
    for (let frame = name === 'visual' ? 1 : 0; frame < LAYOUT.frames; frame++) {
      await writer.put(name, frame, frameValues(LAYOUT, name, frame))
    }
  }
  const reader = await writer.commit(null)
  expect(problems).toEqual(['unwritable'])
  expect(await readAll(reader)).toEqual(allValues(LAYOUT))
  await reader.close()
})

test('two writers of one key: the last to commit is found, both readers stay right', async () => {
  const cache = await openCache()
  const writers = [await cache.create(KEY, LAYOUT), await cache.create(KEY, LAYOUT)]
  await Promise.all(writers.map((writer, seed) => putAll(writer, LAYOUT, seed)))
  const readers = [await writers[1]?.commit(1), await writers[0]?.commit(0)]
  expect(readers[0] && (await readAll(readers[0]))).toEqual(allValues(LAYOUT, 1))
  expect(readers[1] && (await readAll(readers[1]))).toEqual(allValues(LAYOUT, 0))
  const found = await cache.find(KEY)
  expect(found?.details).toBe(0)
  for (const reader of [...readers, found]) await reader?.close()
  expect(await readdir(folder)).toEqual([`${KEY}.features`])
})

test('aborting leaves nothing, whenever it comes', async () => {
  const cache = await openCache()
  const writer = await cache.create(KEY, LAYOUT)
  const putting = writer.put('visual', 0, frameValues(LAYOUT, 'visual', 0))
  await writer.abort()
  await putting
  await writer.abort()
  await expect(writer.commit(null)).rejects.toMatchObject({ reason: 'closed' })
  await expect(writer.putBytes('a', new Uint8Array(1))).rejects.toMatchObject({ reason: 'closed' })
  expect(await readdir(folder)).toEqual([])
})

test('a folder that may only be read gives its entries and keeps no new ones', async () => {
  const cache = await openCache()
  await addEntry(cache, key(1))
  const problems: string[] = []
  await withoutPermission(
    folder,
    async () => {
      const found = await (await openCache()).find(key(1))
      // An administrator who stepped down does not own the entry and may not read it at all.
      if (process.getuid?.() !== 0) expect(found).toBeDefined()
      await found?.close()
      const writer = await cache.create(key(2), LAYOUT, ({ reason }) => problems.push(reason))
      await putAll(writer, LAYOUT)
      const reader = await writer.commit(null)
      expect(await readAll(reader)).toEqual(allValues(LAYOUT))
      await reader.close()
    },
    0o555,
  )
  expect(problems).toEqual(['unwritable'])
  expect(await readdir(folder)).toEqual([`${key(1)}.features`])
})

test('a folder that is closed to us gives and keeps nothing, and work goes on', async () => {
  const cache = await openCache()
  await addEntry(cache, key(1))
  const problems: string[] = []
  await withoutPermission(folder, async () => {
    expect(await cache.find(key(1))).toBeUndefined()
    await expect(openCache()).rejects.toMatchObject({ reason: 'folder' })
    const writer = await cache.create(key(2), LAYOUT, ({ reason }) => problems.push(reason))
    await putAll(writer, LAYOUT)
    const reader = await writer.commit(null)
    expect(await readAll(reader)).toEqual(allValues(LAYOUT))
    await reader.close()
  })
  expect(problems).toEqual(['unwritable'])
  expect(await readdir(folder)).toEqual([`${key(1)}.features`])
})

test('a cache that can be no folder is refused by what is in the way', async () => {
  await writeFile(folder, 'a file')
  await expect(openCache()).rejects.toMatchObject({ name: 'FeatureCacheError', reason: 'folder' })
  await expect(FeatureCache.open({ folder: join(folder, 'below'), maxBytes: 1 })).rejects.toMatchObject({
    reason: 'folder',
  })
})

// There a system call says that a folder is missing which is there.
test.skipIf(process.platform !== 'linux')('a cache below /proc is refused, not waited for', async () => {
  await expect(FeatureCache.open({ folder: '/proc/longtake/cache', maxBytes: 1 })).rejects.toMatchObject({
    reason: 'folder',
  })
})

test('an entry gets its name though a folder is in the way', async () => {
  const cache = await openCache()
  await mkdir(join(folder, `${KEY}.features`, 'full'), { recursive: true })
  await addEntry(cache, KEY)
  const found = await cache.find(KEY)
  expect(found && (await readAll(found))).toEqual(allValues(LAYOUT))
  await found?.close()
})

test('finding can be cancelled', async () => {
  const cache = await openCache()
  await addEntry(cache, KEY)
  await expectRefusal(cache.find(KEY, AbortSignal.abort()), 'CANCELLED')
  expect(await readdir(folder)).toEqual([`${KEY}.features`])
})

test.each(['', 'A'.repeat(64), '../etc', 'a'.repeat(15), 'a'.repeat(129), `${KEY}\n`, `${KEY}/`, 'nul'])(
  'no path can be made of the key %j',
  async (bad) => {
    const cache = await openCache()
    await expectRefusal(cache.find(bad), 'INVALID_OPTION')
    await expectRefusal(cache.create(bad, LAYOUT), 'INVALID_OPTION')
  },
)

test.each([
  { folder: '', maxBytes: 1 },
  { folder: 'a\0b', maxBytes: 1 },
  { folder: 'x', maxBytes: 0 },
  { folder: 'x', maxBytes: 1.5 },
  { folder: 'x', maxBytes: Number.NaN },
  { folder: 'x', maxBytes: Number.POSITIVE_INFINITY },
])('refuses to open %o', async (options) => {
  await expectRefusal(FeatureCache.open(options), 'INVALID_OPTION')
})

const block = { name: 'a', floatsPerFrame: 1 }

test.each([
  { frames: 0, blocks: [block] },
  { frames: 1.5, blocks: [block] },
  { frames: 2 ** 21, blocks: [block] },
  { frames: 1, blocks: [] },
  { frames: 1, blocks: [block, block] },
  { frames: 1, blocks: [{ name: '', floatsPerFrame: 1 }] },
  { frames: 1, blocks: [{ name: 'a', floatsPerFrame: 0 }] },
  { frames: 1, blocks: [{ name: 'a', floatsPerFrame: 2 ** 29 }] },
  { frames: 2 ** 20, blocks: Array.from({ length: 5 }, (_, i) => ({ name: `${i}`, floatsPerFrame: 1 })) },
  {
    frames: 2 ** 20,
    blocks: Array.from({ length: 4 }, (_, i) => ({ name: `${i}`, floatsPerFrame: 2 ** 28 })),
  },
])('refuses layout %#', async (layout) => {
  await expectRefusal((await openCache()).create(KEY, layout), 'INVALID_OPTION')
  await expectRefusal(createScratch(layout), 'INVALID_OPTION')
})

test('misuse of a writer or reader is told at once and harms nothing', async () => {
  const writer = await (await openCache()).create(KEY, LAYOUT)
  const values = frameValues(LAYOUT, 'visual', 0)
  await expectRefusal(writer.put('nothing', 0, values), 'INVALID_OPTION')
  await expectRefusal(writer.put('visual', 5, values), 'INVALID_OPTION')
  await expectRefusal(writer.put('visual', 0.5, values), 'INVALID_OPTION')
  await expectRefusal(writer.put('visual', 0, values.subarray(1)), 'SHAPE')
  await expectRefusal(writer.commit(null), 'INVALID_OPTION')
  await putAll(writer, LAYOUT)
  await expectRefusal(writer.put('visual', 0, values), 'INVALID_OPTION')
  await writer.putBytes('a', new Uint8Array(1))
  await expectRefusal(writer.putBytes('a', new Uint8Array(1)), 'INVALID_OPTION')
  await expectRefusal(writer.putBytes('', new Uint8Array(1)), 'INVALID_OPTION')
  await expectRefusal(writer.commit(Number.NaN), 'INVALID_OPTION')
  await expectRefusal(writer.commit('x'.repeat(1 << 22)), 'INVALID_OPTION')
  const reader = await writer.commit(null)
  await expectRefusal(reader.read('nothing', 0, 1), 'INVALID_OPTION')
  await expectRefusal(reader.read('visual', -1, 1), 'INVALID_OPTION')
  await expectRefusal(reader.read('visual', 0, 6), 'INVALID_OPTION')
  await expectRefusal(reader.read('visual', 3, 2), 'INVALID_OPTION')
  expect(await readAll(reader)).toEqual(allValues(LAYOUT))
  await reader.close()
})
