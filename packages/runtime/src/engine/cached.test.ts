import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { PoolingMethod } from '@longtake/core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { writeCheckpoint } from '../../test/random-checkpoint.js'
import type { Backend } from '../ort/index.js'
import { openResident, type ResidentBackend } from '../ort/resident.js'
import type { AnswerResult } from './answer.js'
import type { LoadOptions } from './load-options.js'
import { type Longtake, loadWith } from './longtake.js'
import { makeGuided } from './testing/naive-guide.js'
import type { WatchOptions, WatchProgress } from './watch-options.js'

const VIDEO = fileURLToPath(new URL('../../../../tests/data/video/vp9.webm', import.meta.url))
const PHOTO = fileURLToPath(new URL('../../../../tests/data/video/still.png', import.meta.url))
const QUESTION = 'what is the first colour ?'
const FROM_CACHE = /came from the cache/
const METHODS: readonly PoolingMethod[] = ['none', 'average', 'max', 'guided']

let checkpoint: string
let removeCheckpoint: () => Promise<void>
let native: ResidentBackend
let folder: string
let longtake: Longtake
/** Runs of the vision encoder so far. */
let encoderRuns = 0

beforeAll(async () => {
  const written = await writeCheckpoint(makeGuided())
  checkpoint = written.folder
  removeCheckpoint = written.remove
})

afterAll(() => removeCheckpoint?.())

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longtake-cache-'))
  longtake = await open({ cache: { folder } })
})

afterEach(async () => {
  await longtake.close()
  expect(Object.values(native.liveHandles).filter((count) => count > 0)).toEqual([])
  await rm(folder, { recursive: true, force: true })
})

function open(options: LoadOptions): Promise<Longtake> {
  return loadWith(checkpoint, { threads: 1, ...options }, async () => {
    native = await openResident()
    return counting(native)
  })
}

/** A back end that counts what its encoder is asked for. */
function counting(backend: Backend): Backend {
  return {
    name: backend.name,
    tensor: (type, dims, data) => backend.tensor(type, dims, data),
    session: async (model, options) => {
      const session = await backend.session(model, options)
      const isEncoder = session.inputs.includes('pixel_values')
      return {
        inputs: session.inputs,
        outputs: session.outputs,
        run: (...run) => {
          if (isEncoder) encoderRuns++
          return session.run(...run)
        },
        close: () => session.close(),
      }
    },
    close: () => backend.close(),
  }
}

interface Watched {
  readonly answer: AnswerResult
  readonly notes: readonly string[]
  readonly progress: readonly WatchProgress[]
}

async function watch(model: Longtake, options: WatchOptions = {}): Promise<Watched> {
  const progress: WatchProgress[] = []
  await using video = await model.watch(VIDEO, {
    frames: 16,
    pooling: { method: 'guided', kernel: [2, 2, 2] },
    ...options,
    onProgress: (step) => void progress.push(step),
  })
  const answer = await video.ask(QUESTION, { maxTokens: 8 })
  expect(video.timestamps).toHaveLength(16)
  expect(video.facts.width).toBeGreaterThan(0)
  await video.thumbnail(15)
  return { answer, notes: video.plan.notes, progress }
}

const comparable = ({ answer: { text, frames, usage } }: Watched) => ({ text, frames, usage })
const entries = async (): Promise<string[]> => readdir(folder)

describe('features that are kept', () => {
  test.each(METHODS)('answer as the first time, without decoding or encoding: %s', async (method) => {
    const options = { pooling: method }
    await using plain = await open({})
    const fresh = await watch(plain, options)
    const first = await watch(longtake, options)
    expect(first.notes.join()).not.toMatch(FROM_CACHE)
    const runs = encoderRuns
    const second = await watch(longtake, options)
    expect(encoderRuns).toBe(runs)
    expect(second.notes.join()).toMatch(FROM_CACHE)
    for (const stage of ['decode', 'encode']) {
      const steps = second.progress.filter((step) => step.stage === stage)
      expect(steps.map(({ done, total }) => [done, total])).toEqual([
        [0, 16],
        [16, 16],
      ])
    }
    expect(comparable(first)).toEqual(comparable(fresh))
    expect(comparable(second)).toEqual(comparable(fresh))
    await watch(longtake, { ...options, layout: 'contiguous' })
    expect(encoderRuns).toBeGreaterThan(runs)
  })

  test('serve another model in the same folder, another KV type and other windows', async () => {
    await watch(longtake)
    await using other = await open({ cache: { folder } })
    expect((await watch(other, { kvCache: 'int8' })).notes.join()).toMatch(FROM_CACHE)
    const wide = { pooling: { method: 'guided', kernel: [4, 2, 2] } } as const
    const { answer, notes } = await watch(other, wide)
    expect(notes.join()).toMatch(FROM_CACHE)
    expect(answer.usage.visualTokens).toBe(4 * 2 * 2)
    expect(await entries()).toHaveLength(1)
  })

  test('are told apart by video, plan, weights and how they are stored', async () => {
    await watch(longtake)
    const kept = async (): Promise<number> => (await entries()).length
    expect(await kept()).toBe(1)
    await watch(longtake, { frames: 16, endSeconds: 1 })
    expect(await kept()).toBe(2)
    await watch(longtake, { layout: 'unordered' })
    expect(await kept()).toBe(3)
    await using small = await open({ cache: { folder }, weights: 'int8' })
    await watch(small)
    expect(await kept()).toBe(4)
    const written = await writeCheckpoint(tuned())
    try {
      await using other = await loadWith(written.folder, { threads: 1, cache: { folder } }, openResident)
      expect((await watch(other)).notes.join()).not.toMatch(FROM_CACHE)
    } finally {
      await written.remove()
    }
    expect(await kept()).toBe(5)
  })

  test('are kept of stills too', async () => {
    const ask = async () => {
      await using video = await longtake.watch([PHOTO, PHOTO], { pooling: 'guided' })
      return { notes: video.plan.notes.join(), text: (await video.ask(QUESTION, { maxTokens: 4 })).text }
    }
    const first = await ask()
    expect(first.notes).not.toMatch(FROM_CACHE)
    const second = await ask()
    expect(second.notes).toMatch(FROM_CACHE)
    expect(second.text).toBe(first.text)
  })

  test('without the option nothing is kept', async () => {
    await using plain = await open({ cache: false })
    await watch(plain)
    expect(await entries()).toEqual([])
  })
})

/** The checkpoint after one number of its tower was changed. */
function tuned() {
  const made = makeGuided()
  const tensor = made.tensors.get('video_tower.vision_model.encoder.layers.0.self_attn.q_proj.weight')
  if (tensor !== undefined) tensor.values[7] = 0.123
  return made
}

describe('a cache that fails', () => {
  test('because its folder is a file costs a note', async () => {
    const path = join(folder, 'file')
    await writeFile(path, 'no folder')
    await using other = await open({ cache: { folder: path } })
    const { notes, answer } = await watch(other)
    expect(notes.join()).toMatch(/cache was not used/)
    expect(answer.text).not.toBe('')
  })

  test('because nothing fits costs a note', async () => {
    await using other = await open({ cache: { folder, maxBytes: 100 } })
    const { notes, answer } = await watch(other)
    expect(notes.join()).toMatch(/cache was not used/)
    expect(answer.text).not.toBe('')
    expect(await entries()).toEqual([])
  })

  test.each(['guided', 'average'] as const)(
    'because an entry was damaged before is filled again: %s',
    async (method) => {
      const first = await watch(longtake, { pooling: method })
      await damage()
      const second = await watch(longtake, { pooling: method })
      expect(second.notes.join()).not.toMatch(FROM_CACHE)
      expect(comparable(second)).toEqual(comparable(first))
      expect((await watch(longtake, { pooling: method })).notes.join()).toMatch(FROM_CACHE)
    },
  )

  test('because an entry is damaged between questions: features are computed again, and the answer says so', async () => {
    const options = { frames: 16, pooling: { method: 'guided', kernel: [2, 2, 2] } } as const
    await using video = await longtake.watch(VIDEO, options)
    const [one, two] = [await video.ask(QUESTION, { maxTokens: 8 }), await video.ask('is the last blue ?')]
    await damage()
    const again = await video.ask(QUESTION, { maxTokens: 8 })
    expect(again.notes.join()).toMatch(/computed again/)
    expect(again.text).toBe(one.text)
    const later = await video.ask('is the last blue ?')
    expect(later.notes).toEqual([])
    expect(later.text).toBe(two.text)
  })

  test('because its folder was deleted: what is open stays, and the next one is kept anew', async () => {
    await using video = await longtake.watch(VIDEO, { frames: 16, pooling: 'guided' })
    const { text } = await video.ask(QUESTION, { maxTokens: 8 })
    await rm(folder, { recursive: true })
    await video.ask('what ?', { maxTokens: 2 })
    expect((await video.ask(QUESTION, { maxTokens: 8 })).text).toBe(text)
    expect((await watch(longtake)).answer.text).not.toBe('')
  })
})

/** Changes every entry's bytes where they are. */
async function damage(): Promise<void> {
  for (const name of await entries()) {
    const path = join(folder, name)
    const bytes = await readFile(path)
    for (let at = 200; at < bytes.length; at += 64) bytes[at]! ^= 0x55
    await writeFile(path, bytes)
  }
}

describe('options of the cache', () => {
  test.each([
    [{ cache: 'yes' }, 'cache'],
    [{ cache: { folder: '' } }, 'cache.folder'],
    [{ cache: { maxBytes: 0 } }, 'cache.maxBytes'],
    [{ cache: { maxByte: 1 } }, 'maxByte'],
  ])('%j is refused', async (options, option) => {
    await expect(open(options as object)).rejects.toMatchObject({ code: 'INVALID_OPTION', option })
  })
})
