import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Longtake, load } from '../packages/runtime/src/index.js'
import type { IsolatedLongtake } from '../packages/runtime/src/isolated/index.js'
import { openVideo, type VideoSource } from '../packages/runtime/src/video/index.js'
import { film, filmBytes } from './support/films.js'
import { until, useIsolated } from './support/isolated.js'
import { isolatedProcesses } from './support/processes.js'
import { expectRefusal } from './support/refusal.js'
import { temporaryPath, useTemporaryFolder } from './support/temporary-folder.js'
import { demoFile, openTiny } from './support/tiny-model.js'

useTemporaryFolder()
const isolated = useIsolated()

type Videos = NonNullable<Parameters<typeof isolated.open>[0]>['videos']

let here: Longtake
let there: IsolatedLongtake

beforeAll(async () => {
  here = (await openTiny()).longtake
  there = await isolated.open()
})

afterAll(async () => {
  await there?.close()
  await here?.close()
  await until(async () => (await isolatedProcesses()).length === 0)
})

/** A model of its own with limits. */
async function withLimits(videos: Videos, use: (longtake: IsolatedLongtake) => Promise<void>) {
  await using longtake = await isolated.open({ videos })
  await use(longtake)
}

async function factsOf(path: string) {
  await using video = await openVideo(path)
  return video.facts
}

/** A source that tells how much of it was read, and whether it was closed. */
async function countedSource(name: string) {
  const bytes = await filmBytes(name)
  const counted = { readBytes: 0, closed: 0, sizeBytes: bytes.length }
  const source: VideoSource = {
    name,
    size: async () => bytes.length,
    read: async (start, end) => {
      counted.readBytes += end - start
      return bytes.subarray(start, end)
    },
    close: async () => {
      counted.closed += 1
    },
  }
  return { source, counted }
}

describe('planned', () => {
  test('says the facts and the plan that watching then has', async () => {
    const options = { frames: 6, kvCache: 'int8' } as const
    const { facts, plan } = await there.planned(film('h264.mp4'), options)
    expect(facts).toEqual(await factsOf(film('h264.mp4')))
    expect(plan).toEqual(await here.plan(film('h264.mp4'), options))
    expect(plan).toEqual(await there.plan(film('h264.mp4'), options))
    await using video = await there.watch(film('h264.mp4'), options)
    expect({ facts: video.facts, plan: video.plan }).toEqual({ facts, plan })
  })

  test('of pictures says how many stand for themselves', async () => {
    const pictures = [film('still.png'), film('still.jpg')]
    const { facts, plan } = await there.planned(pictures)
    expect(facts.stills).toBe(2)
    expect(plan).toEqual(await here.plan(pictures))
  })

  test('closes the source, whether it works or not', async () => {
    const good = await countedSource('h264.mp4')
    await there.planned(good.source)
    expect(good.counted.closed).toBeGreaterThan(0)
    const bad = await countedSource('audio-only.mp4')
    await expectRefusal(there.planned(bad.source), 'VIDEO_NO_VIDEO_TRACK')
    expect(bad.counted.closed).toBeGreaterThan(0)
  })

  test('refuses what watching refuses', async () => {
    await expectRefusal(there.planned(temporaryPath('missing.mp4')), 'VIDEO_NOT_FOUND')
    await expectRefusal(there.planned(film('h264.mp4'), { frames: -1 }), 'INVALID_OPTION')
    await expectRefusal(there.planned(film('h264.mp4'), { signal: AbortSignal.abort() }), 'CANCELLED')
  })
})

describe("a caller's own sources are closed where nothing comes to open them", () => {
  const models = {
    here: async () => here,
    there: async () => there,
    'behind an API': () => load('openai:http://127.0.0.1:9/v1#model'),
  }
  const refusals: readonly [string, object, string][] = [
    ['an unknown option', { speed: 2 }, 'INVALID_OPTION'],
    ['an option of the wrong type', { onProgress: 1 }, 'INVALID_OPTION'],
    ['a signal that has fired', { signal: AbortSignal.abort() }, 'CANCELLED'],
  ]
  const names = Object.keys(models) as (keyof typeof models)[]
  const cases = names.flatMap((name) =>
    refusals.map(([what, options, code]) => ({ name, what, options, code })),
  )
  test.each(cases)('$name: $what', async ({ name, options, code }) => {
    const model = await models[name]()
    for (const work of ['watch', 'plan'] as const) {
      const [first, second] = [await countedSource('still.png'), await countedSource('still.jpg')]
      await expectRefusal(model[work]([first.source, second.source], options), code)
      expect(first.counted.closed, work).toBeGreaterThan(0)
      expect(second.counted.closed, work).toBeGreaterThan(0)
      expect(first.counted.readBytes).toBe(0)
    }
    if (name === 'behind an API') await model.close()
  })

  test('nor when the model is closed, or there are too many', async () => {
    const closed = await load('openai:http://127.0.0.1:9/v1#model')
    await closed.close()
    const late = await countedSource('h264.mp4')
    await expectRefusal(closed.watch(late.source), 'ENGINE_CLOSED')
    expect(late.counted.closed).toBeGreaterThan(0)
    const many = await countedSource('still.png')
    await expectRefusal(here.watch(Array(65).fill(many.source)), 'INVALID_OPTION')
    expect(many.counted.closed).toBeGreaterThan(0)
  })
})

describe('videos', () => {
  test.each<[string, (facts: Awaited<ReturnType<typeof factsOf>>, by: number) => Videos]>([
    ['seconds', ({ durationSeconds }, by) => ({ maxSeconds: durationSeconds + by })],
    ['pixels', ({ width, height }, by) => ({ maxPixels: width * height + Math.sign(by) })],
    ['pictures', ({ frameCount = 0 }, by) => ({ maxPictures: frameCount + Math.sign(by) })],
  ])('with more %s than allowed are refused, watched or planned; as many are not', async (_, limit) => {
    const path = film('h264.mp4')
    const facts = await factsOf(path)
    expect(facts.frameCount).toBeGreaterThan(1)
    await withLimits(limit(facts, -0.01), async (longtake) => {
      const message = (await expectRefusal(longtake.watch(path), 'VIDEO_TOO_LARGE')).message
      for (const plan of [() => longtake.planned(path), () => longtake.plan(path)])
        expect((await expectRefusal(plan(), 'VIDEO_TOO_LARGE')).message).toBe(message)
      expect(longtake.state).toMatchObject({ status: 'ready', restarts: 0 })
    })
    await withLimits(limit(facts, 0), async (longtake) => {
      await using video = await longtake.watch(path, { frames: 8 })
      expect(video.plan.frames).toBe(8)
    })
  })

  test('that are too large are refused, and their sources are closed', async () => {
    await withLimits({ maxPixels: 100 }, async (longtake) => {
      const { source, counted } = await countedSource('8k.mp4')
      await expectRefusal(longtake.watch(source), 'VIDEO_TOO_LARGE')
      expect(counted.closed).toBeGreaterThan(0)
      const pictures = await Promise.all(['still.png', 'still.jpg'].map(countedSource))
      await expectRefusal(longtake.watch(pictures.map(({ source }) => source)), 'VIDEO_TOO_LARGE')
      for (const { counted } of pictures) expect(counted.closed).toBeGreaterThan(0)
    })
  })

  test('are watched with at most so many frames, whatever is asked for', async () => {
    await withLimits({ maxFrames: 16 }, async (longtake) => {
      const path = demoFile('0000.mp4')
      expect((await here.plan(path, { frames: 'auto' })).frames).toBeGreaterThan(16)
      for (const options of [{}, { frames: 'auto' }, { frames: 'auto', maxFrames: 100 }] as const) {
        const { plan } = await longtake.planned(path, options)
        expect(plan.frames).toBeLessThanOrEqual(16)
        expect(plan).toEqual(await here.plan(path, { ...options, maxFrames: 16 }))
      }
      const few = await longtake.planned(path, { frames: 'auto', maxFrames: 8 })
      expect(few.plan).toEqual(await here.plan(path, { frames: 'auto', maxFrames: 8 }))
    })
  })

  test('of pictures all are seen, whatever the limit of frames', async () => {
    await withLimits({ maxFrames: 1 }, async (longtake) => {
      const pictures = [film('still.png'), film('still.jpg'), film('still.png')]
      expect((await longtake.planned(pictures)).facts.stills).toBe(3)
      await using video = await longtake.watch(pictures)
      expect(video.plan).toEqual(await here.plan(pictures))
    })
  })

  test.each<[string, object]>([
    ['an unknown limit', { maxColours: 3 }],
    ['a negative length', { maxSeconds: -1 }],
    ['no frames', { maxFrames: 0 }],
    ['no number', { maxPixels: Number.NaN }],
    ['a text', { maxPictures: '7' }],
  ])('with %s no process is started', async (_, videos) => {
    const before = (await isolatedProcesses()).length
    await expectRefusal(isolated.open({ videos }), 'INVALID_OPTION')
    expect(await isolatedProcesses()).toHaveLength(before)
  })
})
