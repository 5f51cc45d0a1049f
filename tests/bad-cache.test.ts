import { rmSync, writeFileSync } from 'node:fs'
import { copyFile, readdir, readFile, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { FeatureCache, type FeatureLayout } from '../packages/runtime/src/features/index.js'
import type { Longtake, WatchOptions } from '../packages/runtime/src/index.js'
import { film, filmBytes } from './support/films.js'
import { held } from './support/held.js'
import { expectRefusal } from './support/refusal.js'
import { temporaryPath, useTemporaryFolder } from './support/temporary-folder.js'
import { openTiny, type TinyModel } from './support/tiny-model.js'

useTemporaryFolder()

const QUESTION = 'Which shape is at the start of the video?'
const OTHER_QUESTION = 'What caption is shown last?'
const FROM_CACHE = /came from the cache/
const NOT_USED = /cache was not used/
const FIRST = film('h264.mp4')
const SECOND = film('one-keyframe.mp4')

let model: TinyModel
let longtake: Longtake
let folder = ''
let count = 0

beforeAll(async () => {
  folder = temporaryPath('cache')
  model = await openTiny({ cache: { folder } })
  longtake = model.longtake
})

afterAll(() => longtake?.close())

beforeEach(() => rm(folder, { recursive: true, force: true }))

interface Told {
  /** Everything of an answer that depends on the video. */
  readonly answer: unknown
  readonly notes: string
}

async function ask(input: string | Uint8Array, options: WatchOptions = {}, by = longtake): Promise<Told> {
  await using video = await by.watch(input, { frames: 16, pooling: 'guided', ...options })
  const { text, frames, usage, notes } = await video.ask(QUESTION, { maxTokens: 4 })
  return { answer: { text, frames, usage }, notes: [...video.plan.notes, ...notes].join(' ') }
}

const entries = async (): Promise<string[]> => (await readdir(folder)).map((name) => join(folder, name))

async function onlyEntry(): Promise<string> {
  const [path, ...others] = await entries()
  if (path === undefined || others.length > 0) throw new Error(`${others.length + 1} entries`)
  return path
}

/** The first video with bytes that no player reads, as long as the second. */
async function firstPadded(): Promise<Buffer> {
  const [bytes, { size }] = [await filmBytes('h264.mp4'), await stat(SECOND)]
  const free = Buffer.alloc(size - bytes.length)
  free.writeUInt32BE(free.length)
  free.write('free', 4)
  return Buffer.concat([bytes, free])
}

/** A copy of the padded first video, to be changed. */
async function changeable(): Promise<string> {
  const path = temporaryPath(`film-${count++}.mp4`)
  await writeFile(path, await firstPadded())
  return path
}

async function damage(path: string): Promise<void> {
  const bytes = await readFile(path)
  for (let at = 200; at < bytes.length; at += 64) bytes.writeUInt8(bytes.readUInt8(at) ^ 0x55, at)
  await writeFile(path, bytes)
}

describe('entries', () => {
  test('of two videos that changed names are not taken for each other', async () => {
    const first = await ask(FIRST)
    const second = await ask(SECOND)
    expect(second.answer).not.toEqual(first.answer)
    const [one = '', two = ''] = await entries()
    await rename(one, `${one}.away`)
    await rename(two, one)
    await rename(`${one}.away`, two)
    for (const [path, expected] of [
      [FIRST, first],
      [SECOND, second],
    ] as const) {
      const again = await ask(path)
      expect(again.answer).toEqual(expected.answer)
      expect(again.notes).not.toMatch(FROM_CACHE)
      expect((await ask(path)).notes).toMatch(FROM_CACHE)
    }
  })

  test.each<[string, WatchOptions]>([
    ['another pooling', { pooling: 'average' }],
    ['another number of frames', { frames: 24 }],
    ['other frames', { endSeconds: 1 }],
    ['another order', { layout: 'unordered' }],
  ])('of %s under this one’s name are not used', async (_, options) => {
    const expected = await ask(FIRST)
    const path = await onlyEntry()
    await rm(path)
    await ask(FIRST, options)
    await rename(await onlyEntry(), path)
    const again = await ask(FIRST)
    expect(again.answer).toEqual(expected.answer)
    expect(again.notes).not.toMatch(FROM_CACHE)
  })

  test.each<[string, FeatureLayout]>([
    ['lacks a block', { frames: 16, blocks: [{ name: 'projected', floatsPerFrame: 4 * 128 }] }],
    [
      'is too small',
      {
        frames: 16,
        blocks: [
          { name: 'projected', floatsPerFrame: 128 },
          { name: 'alignment', floatsPerFrame: 4 },
        ],
      },
    ],
    ['has too few frames', { frames: 8, blocks: [{ name: 'projected', floatsPerFrame: 4 * 128 }] }],
  ])('that are whole but %s are told and written again', async (_, layout) => {
    const expected = await ask(FIRST)
    const name = (await onlyEntry()).replace(/^.*[/\\]/, '')
    const cache = await FeatureCache.open({ folder, maxBytes: 1 << 24 })
    const writer = await cache.create(name.replace('.features', ''), layout)
    for (const { name: block, floatsPerFrame } of layout.blocks) {
      for (let frame = 0; frame < layout.frames; frame++)
        await writer.put(block, frame, new Float32Array(floatsPerFrame))
    }
    await (await writer.commit(null)).close()
    const again = await ask(FIRST)
    expect(again.answer).toEqual(expected.answer)
    expect(again.notes).toMatch(NOT_USED)
    expect((await ask(FIRST)).notes).toMatch(FROM_CACHE)
  })

  test.each<[string, (bytes: Buffer) => Uint8Array]>([
    ['with one flipped bit', (bytes) => bytes.map((byte, at) => (at === 3000 ? byte ^ 1 : byte))],
    ['that were cut', (bytes) => bytes.subarray(0, bytes.length / 2)],
    ['of zero bytes', () => Buffer.alloc(0)],
    ['that are all zero', (bytes) => Buffer.alloc(bytes.length)],
  ])('%s are made again', async (_, change) => {
    const expected = await ask(FIRST)
    const path = await onlyEntry()
    await writeFile(path, change(await readFile(path)))
    const again = await ask(FIRST)
    expect(again.answer).toEqual(expected.answer)
    expect(again.notes).not.toMatch(FROM_CACHE)
    expect((await ask(FIRST)).notes).toMatch(FROM_CACHE)
  })
})

describe('a video', () => {
  test('that was replaced by one of the same name, size and time is another video', async () => {
    const path = await changeable()
    const { atime, mtime } = await stat(path)
    const before = await ask(path)
    await copyFile(SECOND, path)
    await utimes(path, atime, mtime)
    const after = await ask(path)
    expect(after.notes).not.toMatch(FROM_CACHE)
    expect(after.answer).toEqual((await ask(SECOND)).answer)
    expect(after.answer).not.toEqual(before.answer)
  })

  test('that is overwritten while it is decoded is refused, and nothing of it is kept', async () => {
    const path = await changeable()
    const other = await filmBytes('one-keyframe.mp4')
    const before = await held(model.backend)
    const onProgress: WatchOptions['onProgress'] = ({ stage, done }) => {
      if (stage === 'decode' && done === 1) writeFileSync(path, other)
    }
    const failure = await expectRefusal(ask(path, { onProgress }), 'VIDEO_UNREADABLE')
    expect(failure.message).toContain('film-')
    expect((await held(model.backend)).native).toEqual(before.native)
    expect(await entries()).toEqual([])
    expect((await ask(await changeable())).notes).not.toMatch(FROM_CACHE)
  })

  test('that was overwritten is not read again where its features are damaged', async () => {
    const path = await changeable()
    await using video = await longtake.watch(path, { frames: 16, pooling: 'guided' })
    const { text } = await video.ask(QUESTION)
    await writeFile(path, await filmBytes('one-keyframe.mp4'))
    await damage(await onlyEntry())
    const failure = await expectRefusal(video.ask(OTHER_QUESTION), 'VIDEO_UNREADABLE')
    expect(failure.message).toMatch(/film-\d+\.mp4 was changed/)
    // What it was comes back, and so do answers.
    await writeFile(path, await firstPadded())
    const { notes } = await video.ask(OTHER_QUESTION)
    expect(notes.join()).toMatch(/computed again/)
    expect((await video.ask(QUESTION)).text).toBe(text)
  })
})

describe('a folder', () => {
  const asking = async (path: string): Promise<Told[]> => {
    const { longtake: other } = await openTiny({ cache: { folder: path } })
    try {
      return [await ask(FIRST, {}, other), await ask(FIRST, {}, other)]
    } finally {
      await other.close()
    }
  }

  test('that was removed while a video was watched costs a note', async () => {
    const expected = await ask(FIRST)
    await rm(folder, { recursive: true })
    let isRemoved = false
    const onProgress: WatchOptions['onProgress'] = ({ stage, done }) => {
      if (stage !== 'encode' || done === 0 || isRemoved) return
      isRemoved = true
      rmSync(folder, { recursive: true })
    }
    const { answer, notes } = await ask(FIRST, { onProgress })
    expect(isRemoved).toBe(true)
    expect(answer).toEqual(expected.answer)
    expect(notes).toMatch(NOT_USED)
    expect(notes).toMatch(/ENOENT/)
  })

  // Only there does the system say of a folder that it is missing and cannot be made.
  const isLinux = process.platform === 'linux'

  test.each<[string, (path: string) => string, (path: string) => Promise<void>]>([
    ['a file', (path) => path, (path) => writeFile(path, '')],
    ['below a file', (path) => join(path, 'cache'), (path) => writeFile(path, '')],
    ['a link to nothing', (path) => path, (path) => symlink(`${path}-none`, path)],
    ['a link to itself', (path) => path, (path) => symlink(path, path)],
    ['of a name that is too long', (path) => join(path, 'x'.repeat(300)), async () => {}],
    ['in what is no disk', (path) => (isLinux ? '/proc/longtake' : path), (path) => writeFile(path, '')],
  ])('that is %s costs a note that names it', async (_, place, prepare) => {
    const base = temporaryPath(`folder-${count++}`)
    await prepare(base)
    const path = place(base)
    const expected = await ask(FIRST)
    for (const { answer, notes } of await asking(path)) {
      expect(answer).toEqual(expected.answer)
      expect(notes).toMatch(NOT_USED)
      expect(notes).toContain(`${path} cannot be used as a cache`)
    }
  })

  test('that is a link to a folder is used', async () => {
    await FeatureCache.open({ folder, maxBytes: 1 })
    const link = temporaryPath(`folder-${count++}`)
    await symlink(folder, link)
    const [, second] = await asking(link)
    expect(second?.notes).toMatch(FROM_CACHE)
    expect(await entries()).toHaveLength(1)
  })

  test('of a name that no system has is refused when the model is loaded', async () => {
    const failure = await expectRefusal(openTiny({ cache: { folder: 'a\0b' } }), 'INVALID_OPTION')
    expect(failure).toMatchObject({ option: 'cache.folder' })
  })

  test('that may take next to nothing stays empty', async () => {
    const { longtake: other } = await openTiny({ cache: { folder, maxBytes: 1 } })
    try {
      expect((await ask(FIRST, {}, other)).notes).toMatch(NOT_USED)
      expect(await entries()).toEqual([])
    } finally {
      await other.close()
    }
  })
})
