import { chmod, mkdir, open, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { beforeAll, beforeEach, expect, test } from 'vitest'
import { FeatureCache } from '../packages/runtime/src/features/index.js'
import { addEntry, allValues, KEY, key, LAYOUT, putAll, readAll } from './support/features.js'
import { temporaryPath, useTemporaryFolder } from './support/temporary-folder.js'

useTemporaryFolder()

const MAX_BYTES = 1 << 20
let cache: FeatureCache
let folder = ''
let path = ''
let good: Buffer

beforeAll(async () => {
  folder = temporaryPath('cache')
  path = join(folder, `${KEY}.features`)
  cache = await FeatureCache.open({ folder, maxBytes: MAX_BYTES })
  const writer = await cache.create(KEY, LAYOUT)
  await putAll(writer, LAYOUT)
  await writer.putBytes(
    'thumbnail',
    Uint8Array.from({ length: 40 }, (_, i) => i),
  )
  await (await writer.commit({ plan: 'p' })).close()
  good = await readFile(path)
})

beforeEach(async () => {
  await rm(path, { recursive: true, force: true })
  await writeFile(path, good)
})

/** Expects that nothing is found and that nothing stays in the way. */
async function expectDropped(): Promise<void> {
  expect(await cache.find(KEY)).toBeUndefined()
  expect(await readdir(folder)).toEqual([])
}

test('any changed byte is found', async () => {
  const anyChange = fc.record({
    place: fc.integer({ min: 0, max: good.length - 1 }),
    difference: fc.integer({ min: 1, max: 255 }),
  })
  await fc.assert(
    fc.asyncProperty(anyChange, async ({ place, difference }) => {
      const changed = Buffer.from(good)
      changed[place] = good.readUInt8(place) ^ difference
      await writeFile(path, changed)
      await expectDropped()
    }),
    { numRuns: 150 },
  )
})

test('every single flipped bit of header, index and checksums is found', async () => {
  const data = 64 + LAYOUT.frames * 15 * 4 + 40
  for (const place of [...Array(64).keys(), ...range(data, good.length)]) {
    const changed = Buffer.from(good)
    changed[place] = good.readUInt8(place) ^ (1 << (place % 8))
    await writeFile(path, changed)
    await expectDropped()
  }
})

function range(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, i) => start + i)
}

test('any truncation, and anything added, is found', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: good.length - 1 }), async (length) => {
      await writeFile(path, good.subarray(0, length))
      await expectDropped()
    }),
    { numRuns: 60 },
  )
  await writeFile(path, Buffer.concat([good, Buffer.alloc(1)]))
  await expectDropped()
})

test('any bytes at all are dropped without an exception', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.boolean(), async (bytes, hasMagic) => {
      await writeFile(path, hasMagic ? Buffer.concat([good.subarray(0, 12), bytes]) : bytes)
      await expectDropped()
    }),
    { numRuns: 60 },
  )
})

/** Where the preamble keeps what. */
const AT = { version: 8, indexBytes: 12, checksums: 16, tailChecksum: 20, fileBytes: 24, own: 60 }

/** Writes an entry whose checksums are right and whose index says whatever a forger wants. */
async function forge(
  change: (index: Record<string, unknown>) => unknown,
  preamble = (_: Buffer): void => {},
): Promise<void> {
  const indexBytes = good.readUInt32LE(AT.indexBytes)
  const tailStart = good.length - indexBytes - good.readUInt32LE(AT.checksums) * 4
  const index: unknown = JSON.parse(good.subarray(tailStart, tailStart + indexBytes).toString())
  const text = change(index as Record<string, unknown>)
  const forged = Buffer.from(typeof text === 'string' ? text : JSON.stringify(text ?? index))
  const tail = Buffer.concat([forged, good.subarray(tailStart + indexBytes)])
  const file = Buffer.concat([good.subarray(0, tailStart), tail])
  file.writeUInt32LE(forged.length, AT.indexBytes)
  file.writeUInt32LE(crc32(tail), AT.tailChecksum)
  file.writeBigUInt64LE(BigInt(file.length), AT.fileBytes)
  preamble(file)
  file.writeUInt32LE(crc32(file.subarray(0, AT.own)), AT.own)
  await writeFile(path, file)
}

test('a forged entry that changes nothing is read: the forger below knows the format', async () => {
  await forge((index) => ({ ...index, details: 'forged' }))
  const reader = await cache.find(KEY)
  expect(reader?.details).toBe('forged')
  expect(reader && (await readAll(reader))).toEqual(allValues(LAYOUT))
  await reader?.close()
})

test.each<[string, (file: Buffer) => void]>([
  ['another version', (file) => file.writeUInt32LE(1, AT.version)],
  ['another byte order', (file) => file.write('xx', 6)],
  ['an index of 4 GiB', (file) => file.writeUInt32LE(2 ** 32 - 1, AT.indexBytes)],
  ['four thousand million checksums', (file) => file.writeUInt32LE(2 ** 32 - 1, AT.checksums)],
  ['as many checksums as may be', (file) => file.writeUInt32LE(2 ** 22, AT.checksums)],
  ['16 EiB', (file) => file.writeBigUInt64LE(2n ** 64n - 1n, AT.fileBytes)],
  ['an index of nothing', (file) => file.writeUInt32LE(0, AT.indexBytes)],
  ['no checksums', (file) => file.writeUInt32LE(0, AT.checksums)],
])('a header that claims %s is dropped', async (_, change) => {
  await forge(() => undefined, change)
  await expectDropped()
})

const blocks = LAYOUT.blocks

test.each<[string, unknown]>([
  ['no object', '[]'],
  ['no JSON', '{"layout":'],
  ['a million brackets', '['.repeat(1e6)],
  ['null', 'null'],
  ['the key of another entry', { key: key(1) }],
  ['no key', { key: undefined }],
  ['no layout', { layout: undefined }],
  ['absurdly many frames', { layout: { frames: 2 ** 31, blocks } }],
  ['more frames than there are', { layout: { frames: 6, blocks } }],
  ['frames that are text', { layout: { frames: '5', blocks } }],
  ['a negative size', { layout: { frames: 5, blocks: [{ name: 'a', floatsPerFrame: -1 }, blocks[1]] } }],
  ['an absurd size', { layout: { frames: 5, blocks: [{ name: 'a', floatsPerFrame: 1e300 }, blocks[1]] } }],
  ['a block twice', { layout: { frames: 5, blocks: [blocks[0], blocks[0]] } }],
  ['blocks that are null', { layout: { frames: 5, blocks: [null, null] } }],
  ['no list of attachments', { attachments: {} }],
  ['an attachment too few', { attachments: [] }],
  ['an attachment of negative length', { attachments: [['a', -1, 0]] }],
  [
    'attachments that cancel out',
    {
      attachments: [
        ['a', 50, 0],
        ['b', -10, 0],
      ],
    },
  ],
  ['an absurd attachment', { attachments: [['a', 2 ** 53, 0]] }],
  ['an attachment without a name', { attachments: [['', 40, 0]] }],
  ['an attachment that is null', { attachments: [null] }],
])('an index with %s is dropped', async (_, change) => {
  await forge((index) =>
    typeof change === 'string' ? change : Object.assign(index, change as Record<string, unknown>),
  )
  await expectDropped()
})

test('names that mean something to JavaScript are only names', async () => {
  await forge(({ key, layout, attachments }) =>
    JSON.stringify({ key, layout, attachments, details: 0 }).replace(
      '"details":0',
      '"details":{"__proto__":{"polluted":true}}',
    ),
  )
  const reader = await cache.find(KEY)
  expect(reader).toBeDefined()
  expect(Reflect.get({}, 'polluted')).toBeUndefined()
  expect(await reader?.bytes('__proto__')).toBeUndefined()
  await reader?.close()
})

test('entries that changed names are dropped: each knows what it was written for', async () => {
  const other = join(folder, `${key(2)}.features`)
  await addEntry(cache, key(2), LAYOUT, 7)
  const foreign = await readFile(other)
  await writeFile(other, good)
  await writeFile(path, foreign)
  expect(await cache.find(key(2))).toBeUndefined()
  await expectDropped()
})

test('a file that is larger than the whole cache is dropped unread', async () => {
  // Sparse: a petabyte would take days to check.
  await truncate(path, 2 ** 40)
  await expectDropped()
})

test('a link is removed, what it points to stays', async () => {
  const target = temporaryPath('elsewhere')
  await writeFile(target, good)
  await rm(path)
  await symlink(target, path)
  await expectDropped()
  expect((await readFile(target)).equals(good)).toBe(true)
})

test('a link to a folder is removed, the folder stays', async () => {
  const target = temporaryPath('precious')
  await mkdir(target)
  await writeFile(join(target, 'file'), 'kept')
  await rm(path)
  await symlink(target, path)
  await expectDropped()
  expect(await readdir(target)).toEqual(['file'])
})

test('a folder, empty or not, is removed', async () => {
  await rm(path)
  await mkdir(path)
  await expectDropped()
  await mkdir(path)
  await writeFile(join(path, 'inside'), 'x')
  await expectDropped()
})

// An administrator may read it all the same.
test.skipIf(process.getuid?.() === 0)('an entry that may not be read is dropped', async () => {
  await chmod(path, 0)
  await expectDropped()
})

test('bytes that change under an open reader are told, not returned', async () => {
  const reader = await cache.find(KEY)
  const handle = await open(path, 'r+')
  await handle.write(Uint8Array.of(0xff), 0, 1, 64 + 12 * 4 + 1)
  await handle.close()
  await expect(reader?.read('visual', 0, 3)).rejects.toMatchObject({
    name: 'FeatureCacheError',
    reason: 'changed',
  })
  expect(await reader?.read('visual', 2, 3)).toEqual(
    Float32Array.from(allValues(LAYOUT).visual?.slice(24, 36) ?? []),
  )
  await truncate(path, 100)
  await expect(reader?.read('alignment', 0, 1)).rejects.toMatchObject({ reason: 'unreadable' })
  await expect(reader?.bytes('thumbnail')).rejects.toMatchObject({ reason: 'unreadable' })
  await reader?.close()
  await expectDropped()
})

test('what was dropped can be written again', async () => {
  await writeFile(path, 'rubbish')
  await expectDropped()
  await addEntry(cache, KEY)
  const reader = await cache.find(KEY)
  expect(reader && (await readAll(reader))).toEqual(allValues(LAYOUT))
  await reader?.close()
})
