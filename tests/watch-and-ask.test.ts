import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { kvCacheBytes } from '../packages/core/src/index.js'
import type { Inspection, InspectOptions, Longtake, WatchOptions } from '../packages/runtime/src/index.js'
import { VIDEO_ID } from '../packages/runtime/test/random-checkpoint.js'
import { film, madePictures } from './support/films.js'
import { held } from './support/held.js'
import { type ObservedBackend, observe } from './support/observed-backend.js'
import { openRandomModel, type RandomModel } from './support/random-model.js'
import { useTemporaryFolder } from './support/temporary-folder.js'

useTemporaryFolder()

const KV_TYPES = ['fp32', 'int8', 'int4'] as const
const QUESTIONS = ['what is the first colour ?', 'is the red last ?', 'what ?'] as const

let model: RandomModel
let longtake: Longtake

beforeAll(async () => {
  model = await openRandomModel()
  longtake = model.longtake
})

afterAll(() => longtake?.close())

const pictures = madePictures(24)

/** Largest difference of two arrays, and that they are of one size. */
function difference(a: Inspection, b: Inspection): number {
  expect(a.logits.dims).toEqual(b.logits.dims)
  return a.logits.data.reduce(
    (most, value, index) => Math.max(most, Math.abs(value - b.logits.data[index]!)),
    0,
  )
}

const inspect = (own: Longtake, options: Partial<InspectOptions> = {}): Promise<Inspection> =>
  own.inspect(pictures, { question: QUESTIONS[0], greedyTokens: 12, ...options })

async function answers(
  own: Longtake,
  options: WatchOptions,
  questions: readonly string[],
): Promise<string[]> {
  await using video = await own.watchFrames(pictures, options)
  const texts: string[] = []
  for (const question of questions) texts.push((await video.ask(question, { maxTokens: 10 })).text)
  return texts
}

describe('the KV cache', () => {
  const shapes = [
    { layers: 1, heads: 2, kvHeads: 1, headDim: 8 },
    { layers: 3, heads: 4, kvHeads: 4, headDim: 24 },
    { layers: 2, heads: 6, kvHeads: 2, headDim: 32 },
  ]
  test.each(shapes)('takes the bytes that the plan says: %j', async (sizes) => {
    let observed: ObservedBackend | undefined
    const own = await openRandomModel({
      sizes: { ...sizes, hiddenSize: 48 },
      watchBackend: (backend) => {
        observed = observe(backend)
        return observed.backend
      },
    })
    for (const kvCache of KV_TYPES) {
      for (const frames of [4, 20]) {
        await using video = await own.longtake.watch(film('h264.mp4'), { frames, kvCache })
        const { contextTokens, kvCache: planned } = video.plan
        expect(planned).toEqual({
          type: kvCache,
          bytes: kvCacheBytes(own.longtake.spec.decoder, contextTokens, kvCache),
        })
        expect(observed?.cacheBytes()).toBe(planned.bytes)
        await video.ask('what ?', { maxTokens: 3 })
        expect(observed?.cacheBytes()).toBe(planned.bytes)
        await video.close()
        expect(observed?.cacheBytes()).toBe(0)
        const inspection = await inspect(own.longtake, { kvCache, greedyTokens: 1 })
        expect(inspection.cacheBytes).toBe(inspection.plan.kvCache.bytes)
      }
    }
    await own.longtake.close()
  })

  test.each(['int8', 'int4'] as const)('%s is filled within the memory budget', async (kvCache) => {
    let observed: ObservedBackend | undefined
    const own = await openRandomModel({
      watchBackend: (backend) => {
        observed = observe(backend)
        return observed.backend
      },
    })
    const unlimited = await inspect(own.longtake, { kvCache })
    // Both caches at once: that in fp32, and the quantised one made of it.
    const both = observed?.peakCacheBytes() ?? 0
    expect(both).toBeGreaterThan(unlimited.plan.kvCache.bytes)
    const enough = await inspect(own.longtake, { kvCache, memoryBudgetBytes: both })
    expect(enough.logits.data).toEqual(unlimited.logits.data)
    expect(observed?.peakCacheBytes()).toBe(both)
    // One byte less: the first chunk alone is held in fp32, and later ones are quantised as they come.
    const options = { kvCache, memoryBudgetBytes: both - 1, prefillChunk: 32 }
    const less = await inspect(own.longtake, options)
    const saved = kvCacheBytes(
      own.longtake.spec.decoder,
      unlimited.inputIds.lastIndexOf(VIDEO_ID) + 1 - 32,
      'fp32',
    )
    expect(observed?.peakCacheBytes()).toBe(both - saved)
    expect(difference(less, unlimited)).toBeGreaterThan(0)
    await own.longtake.close()
  })
})

describe('the same answer comes', () => {
  test.each(['none', 'linear', 'ntk', 'dynamic', 'yarn', 'llama3'] as const)(
    'from prefill at once, in chunks, and token by token, with RoPE %s beyond the trained length',
    async (rope) => {
      const whole = await inspect(longtake, { rope })
      expect(whole.plan.contextTokens).toBeGreaterThan(longtake.spec.context.trainedLength)
      for (const prefillChunk of [1, 7, 64]) {
        const chunks = await inspect(longtake, { rope, prefillChunk })
        expect(difference(chunks, whole)).toBeLessThan(1e-3)
        expect(chunks.greedy).toEqual(whole.greedy)
      }
    },
  )

  test.each(KV_TYPES)('for every chunk length and on both back ends, %s', async (kvCache) => {
    const portable = await openRandomModel({ backend: 'portable' })
    const expected = await answers(longtake, { kvCache }, QUESTIONS)
    expect(new Set(expected).size).toBeGreaterThan(1)
    for (const prefillChunk of [1, 13, 512]) {
      expect(await answers(longtake, { kvCache, prefillChunk }, QUESTIONS)).toEqual(expected)
      expect(await answers(portable.longtake, { kvCache, prefillChunk }, QUESTIONS)).toEqual(expected)
    }
    const [resident, copied] = await Promise.all(
      [longtake, portable.longtake].map((own) => inspect(own, { kvCache })),
    )
    expect(difference(resident!, copied!)).toBeLessThan(1e-3)
    await portable.longtake.close()
  })

  test.each(KV_TYPES)('to a follow-up as to a first question, %s', async (kvCache) => {
    const alone: string[] = []
    for (const question of QUESTIONS) alone.push(...(await answers(longtake, { kvCache }, [question])))
    expect(await answers(longtake, { kvCache }, QUESTIONS)).toEqual(alone)
    expect(await answers(longtake, { kvCache }, [...QUESTIONS].reverse())).toEqual([...alone].reverse())
  })

  test('with quantised weights on both back ends', async () => {
    for (const weights of ['int8', 'int4'] as const) {
      const [resident, portable] = await Promise.all(
        (['resident', 'portable'] as const).map((backend) => openRandomModel({ backend, load: { weights } })),
      )
      const expected = await answers(resident!.longtake, { kvCache: 'int8' }, QUESTIONS)
      expect(await answers(portable!.longtake, { kvCache: 'int8' }, QUESTIONS)).toEqual(expected)
      await Promise.all([resident!.longtake.close(), portable!.longtake.close()])
    }
  })
})

describe('several at once', () => {
  test('videos watched and asked at the same time do not know of each other', async () => {
    const kinds = [
      { film: 'h264.mp4', options: { frames: 8 } },
      { film: 'vp9.webm', options: { frames: 16, kvCache: 'int8' } },
      { film: 'rotated-90.mp4', options: { frames: 4, kvCache: 'int4', layout: 'contiguous' } },
    ] as const
    const work = async ({ film: name, options }: (typeof kinds)[number]): Promise<string[]> => {
      await using video = await longtake.watch(film(name), options)
      const asked = QUESTIONS.map((question) => video.ask(question, { maxTokens: 8 }))
      return (await Promise.all(asked)).map(({ text }) => text)
    }
    const alone: string[][] = []
    for (const kind of kinds) alone.push(await work(kind))
    const before = await held(model.backend)
    expect(await Promise.all(kinds.map(work))).toEqual(alone)
    const after = await held(model.backend)
    // Runs at the same time each keep a frame of their own for the next time.
    for (const kind of ['value', 'session', 'sessionOptions', 'env'])
      expect(after.native[kind]).toBe(before.native[kind])
    expect(after.openFiles).toEqual(before.openFiles)
  })

  test('questions to two videos in turn', async () => {
    const others = madePictures(24, 1)
    await using one = await longtake.watchFrames(pictures)
    await using other = await longtake.watchFrames(others)
    const first = (await one.ask(QUESTIONS[0], { maxTokens: 8 })).text
    const second = (await other.ask(QUESTIONS[1], { maxTokens: 8 })).text
    for (let round = 0; round < 3; round++) {
      const results = await Promise.all([
        other.ask(QUESTIONS[1], { maxTokens: 8 }),
        one.ask(QUESTIONS[0], { maxTokens: 8 }),
      ])
      expect(results.map(({ text }) => text)).toEqual([second, first])
    }
  })

  test('models share one library and do not share their end', async () => {
    const own = await openRandomModel()
    const [expected] = await answers(longtake, {}, [QUESTIONS[0]])
    const asked = answers(longtake, {}, [QUESTIONS[0]])
    await own.longtake.close()
    expect(await asked).toEqual([expected])
  })
})

describe('an answer', () => {
  test('has as many tokens as were planned for, and with maxTokens as many as there is room for', async () => {
    await using video = await longtake.watchFrames(pictures, { promptTokens: 20, maxNewTokens: 5 })
    expect(video.plan.maxNewTokens).toBe(5)
    const planned = await video.ask(QUESTIONS[1])
    expect(planned).toMatchObject({ usage: { completionTokens: 5 }, finishReason: 'length' })
    const { usage, text } = await video.ask(QUESTIONS[1], { maxTokens: 1000 })
    expect(usage.completionTokens).toBeGreaterThan(5)
    expect(usage.promptTokens + usage.completionTokens).toBeLessThanOrEqual(video.plan.contextTokens)
    expect(text.startsWith(planned.text)).toBe(true)
  })

  test('is computed once for repeated pictures, and for one picture as for the same one many times', async () => {
    const [picture] = pictures
    const copies = Array.from({ length: 8 }, (_, index) => ({
      ...picture!,
      rgb: picture!.rgb.slice(),
      timestampSeconds: index,
    }))
    const repeated = await longtake.inspect(
      copies.map((copy) => ({ ...copy, rgb: picture!.rgb })),
      {
        question: 'what ?',
      },
    )
    const copied = await longtake.inspect(copies, { question: 'what ?' })
    expect(repeated.pixelValues.data).toEqual(copied.pixelValues.data)
    expect(repeated.greedy).toEqual(copied.greedy)
  })
})
