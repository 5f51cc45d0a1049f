import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadWith } from '../packages/runtime/src/engine/longtake.js'
import type { AnswerResult, Longtake, WatchedVideo, WatchOptions } from '../packages/runtime/src/index.js'
import { type Backend, openBackend } from '../packages/runtime/src/ort/index.js'
import { abortAfterTurns, outcomeOf } from './support/aborting.js'
import { film, madePictures } from './support/films.js'
import { type Held, held } from './support/held.js'
import { openRandomModel, type RandomModel } from './support/random-model.js'
import { expectRefusal } from './support/refusal.js'
import { useTemporaryFolder } from './support/temporary-folder.js'

useTemporaryFolder()

const KV_TYPES = ['fp32', 'int8', 'int4'] as const
const QUESTION = 'what is the first colour ?'
const TOKENS = 8

let model: RandomModel
let longtake: Longtake
const unhandled: unknown[] = []
const note = (reason: unknown): void => void unhandled.push(reason)

beforeAll(async () => {
  process.on('unhandledRejection', note)
  model = await openTalkative()
  longtake = model.longtake
  for (const kvCache of KV_TYPES) await answerTo(kvCache)
})

afterAll(async () => {
  await longtake?.close()
  process.off('unhandledRejection', note)
  // Every failure reached somebody or was meant for nobody.
  expect(unhandled).toEqual([])
})

/** A model whose answers have no end of their own, so that there is always something to cancel. */
function openTalkative(backend?: 'resident' | 'portable'): Promise<RandomModel> {
  return openRandomModel({
    ...(backend && { backend }),
    change: ({ files }) => {
      files['generation_config.json'] = { eos_token_id: [] }
    },
  })
}

const heldNow = (): Promise<Held> => held(model.backend)

async function answerTo(kvCache: (typeof KV_TYPES)[number]): Promise<AnswerResult> {
  await using video = await longtake.watch(film('vp9.webm'), { frames: 4, kvCache, prefillChunk: 8 })
  return await video.ask(QUESTION, { maxTokens: TOKENS })
}

describe('watching', () => {
  test.each(['fp32', 'int8'] as const)('is cancelled at every step of every stage, %s', async (kvCache) => {
    const options: WatchOptions = { frames: 4, kvCache, prefillChunk: 8 }
    let steps = 0
    const onProgress = (): void => void steps++
    await (await longtake.watch(film('vp9.webm'), { ...options, onProgress })).close()
    expect(steps).toBeGreaterThan(10)
    const before = await heldNow()
    // At the very last step all is done, and whoever cancels then may get the video.
    for (let step = 1; step < steps; step++) {
      const controller = new AbortController()
      let seen = 0
      const cancel = (): void => {
        if (++seen === step) controller.abort()
      }
      const { signal } = controller
      await expectRefusal(
        longtake.watch(film('vp9.webm'), { ...options, signal, onProgress: cancel }),
        'CANCELLED',
      )
      expect(await heldNow(), `step ${step}`).toEqual(before)
    }
  })

  test('is cancelled at any moment', async () => {
    const before = await heldNow()
    const outcomes = new Set<string>()
    for (let turns = 0; turns <= 60; turns += 3) {
      const signal = abortAfterTurns(turns)
      const options = { frames: 4, kvCache: KV_TYPES[turns % 3]!, prefillChunk: 8, signal }
      const watching = longtake.watch(film('h264.mp4'), options)
      outcomes.add(await outcomeOf(watching.then((video) => video.close())))
      expect(await heldNow(), `${turns} turns`).toEqual(before)
    }
    expect([...outcomes].filter((outcome) => outcome !== 'fulfilled')).toEqual(['CANCELLED'])
  })

  test('cancelled beforehand touches nothing', async () => {
    const signal = AbortSignal.abort(new Error('enough'))
    const failure = await expectRefusal(longtake.watch('missing.mp4', { signal }), 'CANCELLED')
    expect(failure.cause).toEqual(new Error('enough'))
    await expectRefusal(longtake.plan('missing.mp4', { signal }), 'CANCELLED')
    await expectRefusal(longtake.watchFrames(madePictures(4), { signal }), 'CANCELLED')
    await expectRefusal(longtake.inspect(madePictures(4), { question: 'what ?', signal }), 'CANCELLED')
  })

  test('planning is cancelled at any moment', async () => {
    const before = await heldNow()
    for (let turns = 0; turns < 10; turns++) {
      const outcome = await outcomeOf(longtake.plan(film('h264.mkv'), { signal: abortAfterTurns(turns) }))
      expect(['fulfilled', 'CANCELLED']).toContain(outcome)
      expect(await heldNow()).toEqual(before)
    }
  })
})

describe('answering', () => {
  test.each([
    ...KV_TYPES.map((kvCache) => ['resident', kvCache] as const),
    ['portable', 'fp32'] as const,
    ['portable', 'int4'] as const,
  ])('cancelled after every token, %s %s: the next answer is as if it never was', async (kind, kvCache) => {
    const { longtake: own, backend } = kind === 'resident' ? model : await openTalkative(kind)
    const video = await own.watchFrames(madePictures(8), { kvCache })
    const expected = (await video.ask(QUESTION, { maxTokens: TOKENS })).text
    await video.ask('is the last one red or blue ?', { maxTokens: 2 })
    const before = await held(backend)
    for (let tokens = 1; tokens < TOKENS; tokens++) {
      const controller = new AbortController()
      const answer = video.ask('is the last one red or blue ?', { signal: controller.signal })
      let pieces = 0
      const reading = (async () => {
        for await (const _ of answer) if (++pieces === tokens) controller.abort()
      })()
      await expectRefusal(reading, 'CANCELLED')
      await expectRefusal(answer, 'CANCELLED')
      expect((await video.ask(QUESTION, { maxTokens: TOKENS })).text).toBe(expected)
    }
    expect(await held(backend)).toEqual(before)
    await video.close()
    if (own !== longtake) await own.close()
  })

  test('cancelled at any moment, with a question of many chunks', async () => {
    const video = await longtake.watchFrames(madePictures(8), { promptTokens: 700 })
    const expected = (await video.ask(QUESTION, { maxTokens: TOKENS })).text
    const long = 'is the red blue green first last colour '.repeat(80)
    await video.ask(long, { maxTokens: 2 })
    const outcomes = new Set<string>()
    for (let turns = 0; turns <= 40; turns += 2) {
      outcomes.add(await outcomeOf(video.ask(long, { maxTokens: 4, signal: abortAfterTurns(turns) })))
      expect((await video.ask(QUESTION, { maxTokens: TOKENS })).text).toBe(expected)
    }
    expect(outcomes).toContain('CANCELLED')
    expect([...outcomes].filter((outcome) => outcome !== 'fulfilled')).toEqual(['CANCELLED'])
    await video.close()
  })

  test('cancelled while others wait: they are answered, in order', async () => {
    await using video = await longtake.watchFrames(madePictures(8))
    const alone = (await video.ask(QUESTION, { maxTokens: TOKENS })).text
    const controller = new AbortController()
    const first = video.ask(QUESTION, { signal: controller.signal })
    const second = video.ask(QUESTION, { maxTokens: TOKENS })
    const third = video.ask(QUESTION, { signal: controller.signal })
    const fourth = video.ask(QUESTION, { maxTokens: TOKENS })
    controller.abort()
    await expectRefusal(third, 'CANCELLED')
    await expectRefusal(first, 'CANCELLED')
    expect([(await second).text, (await fourth).text]).toEqual([alone, alone])
  })

  test('a cancelled answer leaves the storyboard of the one before', async () => {
    await using video = await longtake.watchFrames(madePictures(8))
    await video.ask(QUESTION, { maxTokens: 2 })
    const marked = await video.storyboard()
    const answer = video.ask('is the last one red ?')
    for await (const _ of answer) break
    await expectRefusal(answer, 'CANCELLED')
    expect(Buffer.from(await video.storyboard()).equals(Buffer.from(marked))).toBe(true)
  })
})

describe('closing', () => {
  test.each([0, 1, 3, 6])(
    'a video after %i pieces of an answer ends it and frees everything',
    async (pieces) => {
      const before = await heldNow()
      const video = await longtake.watchFrames(madePictures(8), { maxNewTokens: 60 })
      const answer = video.ask(QUESTION)
      const waiting = video.ask(QUESTION)
      let closing: Promise<void> | undefined
      const reading = (async () => {
        let seen = 0
        if (pieces === 0) closing = video.close()
        for await (const _ of answer) if (++seen === pieces) closing = video.close()
      })()
      await expectRefusal(reading, 'ENGINE_CLOSED')
      await expectRefusal(waiting, 'ENGINE_CLOSED')
      await closing
      await expectRefusal(video.ask(QUESTION), 'ENGINE_CLOSED')
      await expectRefusal(video.storyboard(), 'ENGINE_CLOSED')
      await video.close()
      expect(await heldNow()).toEqual(before)
    },
  )

  test('a model at any moment ends watching, asking and planning', async () => {
    for (let turns = 0; turns <= 24; turns += 4) {
      const own = await openRandomModel()
      const video = await own.longtake.watchFrames(madePictures(8))
      const works = [
        own.longtake.watch(film('h264.mp4'), { frames: 8 }),
        own.longtake.plan(film('h264.mkv')),
        own.longtake.inspect(madePictures(8), { question: QUESTION }),
        video.ask(QUESTION, { maxTokens: 60 }),
      ].map((work) => outcomeOf(work))
      const isOver = new Promise((resolve) => abortAfterTurns(turns).addEventListener('abort', resolve))
      if (turns > 0) await isOver
      await own.longtake.close()
      for (const outcome of await Promise.all(works))
        expect(['fulfilled', 'ENGINE_CLOSED']).toContain(outcome)
      await expectRefusal(own.longtake.watch(film('h264.mp4')), 'ENGINE_CLOSED')
      expect((await held(own.backend)).native).toEqual({})
      expect((await heldNow()).openFiles.filter((name) => name.startsWith(own.folder))).toEqual([])
    }
  })
})

describe('loading', () => {
  /** A back end that calls before each session is made. */
  function observed(backend: Backend, onSession: (count: number) => void): Backend {
    let count = 0
    return {
      name: backend.name,
      tensor: (type, dims, data) => backend.tensor(type, dims, data),
      session: (graph, options) => {
        onSession(++count)
        return backend.session(graph, options)
      },
      close: () => backend.close(),
    }
  }

  test('is cancelled at every graph', async () => {
    const before = await heldNow()
    for (let graph = 1; graph <= 3; graph++) {
      const controller = new AbortController()
      let backend: Backend | undefined
      const loading = loadWith(model.folder, { threads: 1, signal: controller.signal }, async () => {
        backend = await openBackend('resident')
        return observed(backend, (count) => count === graph && controller.abort())
      })
      await expectRefusal(loading, 'CANCELLED')
      expect(backend?.liveHandles).toEqual({})
      expect(await heldNow()).toEqual(before)
    }
  })

  test('is cancelled at any moment', async () => {
    const before = await heldNow()
    for (let turns = 0; turns <= 30; turns += 5) {
      let backend: Backend | undefined
      const loading = loadWith(model.folder, { threads: 1, signal: abortAfterTurns(turns) }, async () => {
        backend = await openBackend('resident')
        return backend
      })
      const outcome = await outcomeOf(loading.then((loaded) => loaded.close()))
      expect(['fulfilled', 'CANCELLED']).toContain(outcome)
      expect(backend?.liveHandles ?? {}).toEqual({})
      expect(await heldNow()).toEqual(before)
    }
  })
})

test('a video that nobody closes goes with the model', async () => {
  const own = await openRandomModel()
  const videos: WatchedVideo[] = []
  for (let count = 0; count < 3; count++) videos.push(await own.longtake.watchFrames(madePictures(4)))
  await own.longtake.close()
  expect((await held(own.backend)).native).toEqual({})
  for (const video of videos) await expectRefusal(video.ask('what ?'), 'ENGINE_CLOSED')
})
