import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isLongtakeError, LinkError } from '../packages/core/src/index.js'
import type { Longtake, WatchOptions, WatchProgress } from '../packages/runtime/src/index.js'
import type { IsolatedLongtake } from '../packages/runtime/src/isolated/index.js'
import type { VideoInput, VideoInputs, VideoSource } from '../packages/runtime/src/video/index.js'
import { film, filmBytes } from './support/films.js'
import { until, useIsolated } from './support/isolated.js'
import { isolatedProcesses } from './support/processes.js'
import { writeTalkative } from './support/random-model.js'
import { expectRefusal } from './support/refusal.js'
import { temporaryFile, temporaryPath, useTemporaryFolder } from './support/temporary-folder.js'
import { demoFile, openTiny } from './support/tiny-model.js'

useTemporaryFolder()
const isolated = useIsolated()

const QUESTION = 'what is the first colour ?'

let here: Longtake
let there: IsolatedLongtake

beforeAll(async () => {
  here = (await openTiny()).longtake
  there = await isolated.open()
})

afterAll(async () => {
  await there?.close()
  await here?.close()
  expect(await isolatedProcesses()).toEqual([])
})

/** All that there is to know of a video and two answers about it. */
async function everything(longtake: Pick<Longtake, 'watch'>, input: VideoInputs, options: WatchOptions) {
  const progress: WatchProgress[] = []
  const onProgress = (step: WatchProgress): void => void progress.push(step)
  await using video = await longtake.watch(input, { ...options, onProgress })
  const answer = video.ask(QUESTION, { trace: true })
  const pieces: string[] = []
  for await (const piece of answer) pieces.push(piece)
  const { timings, ...result } = await answer
  expect(Object.values(timings).every((milliseconds) => milliseconds >= 0)).toBe(true)
  const sampled = { temperature: 1, seed: 3, stop: ['x'], maxTokens: 5 }
  const { timings: _, ...second } = await video.ask('when is it red ?', sampled)
  const { plan, facts, timestamps } = video
  const places = timestamps.map((_, index) => index)
  const pictures = await Promise.all([
    video.storyboard({ columns: 3 }),
    ...places.map((at) => video.thumbnail(at)),
  ])
  const seen = places.map((at) => video.seen(at))
  return { plan, facts, timestamps, progress, pieces, result, second, pictures: pictures.map(asBase64), seen }
}

function asBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

test('a model in a process of its own is the same model', async () => {
  expect(there.spec).toEqual(here.spec)
  expect(there.weights).toBe(here.weights)
  expect(there.backend).toEqual(here.backend)
  expect(there.state).toMatchObject({ status: 'ready', restarts: 0, pid: expect.any(Number) })
})

describe('watching and asking give the same as in this process', () => {
  const cases: [string, () => Promise<VideoInputs> | VideoInputs, WatchOptions][] = [
    ['a film', () => demoFile('0000.mp4'), {}],
    ['a film as bytes', () => filmBytes('vp9.webm'), { frames: 5, kvCache: 'int8' }],
    ['a film as a Blob', async () => new Blob([await readFile(film('h264.mkv'))]), { pooling: 'average' }],
    ['an AVI', () => film('mpeg4.avi'), { pooling: 'none', sampling: 'exact' }],
    ['a still picture', () => film('still.png'), {}],
    ['still pictures', () => [film('still.png'), film('still.jpg'), film('still.png')], {}],
    ['one frame many times', () => film('one-frame.mp4'), { frames: 8 }],
    ['8K', () => film('8k.mp4'), {}],
  ]

  test.each(cases)('%s', async (_, make, options) => {
    const input = await make()
    expect(await everything(there, input, options)).toEqual(await everything(here, input, options))
    expect(await there.plan(input, options)).toEqual(await here.plan(input, options))
  })

  test("a caller's own source is read here, by range, and closed", async () => {
    const bytes = await filmBytes('h264.mp4')
    const reads: number[] = []
    let isClosed = false
    const source: VideoSource = {
      name: 'own.mp4',
      size: async () => bytes.length,
      read: async (start, end) => {
        reads.push(end - start)
        return bytes.subarray(start, end)
      },
      close: async () => {
        isClosed = true
      },
    }
    const expected = await everything(here, film('h264.mp4'), {})
    expect(await everything(there, source, {})).toEqual(expected)
    expect(isClosed).toBe(true)
    expect(Math.max(...reads)).toBeLessThanOrEqual(4 * 2 ** 20)
  })
})

describe('errors stay what they are', () => {
  test.each<[string, () => Promise<VideoInput> | VideoInput, string]>([
    ['a missing file', () => temporaryPath('missing.mp4'), 'VIDEO_NOT_FOUND'],
    ['an empty file', () => temporaryFile('empty.mp4', ''), 'VIDEO_EMPTY'],
    ['text', () => temporaryFile('text.mp4', 'This was never a film.'.repeat(99)), 'VIDEO_NOT_A_VIDEO'],
    ['sound alone', () => film('audio-only.mp4'), 'VIDEO_NO_VIDEO_TRACK'],
    ['an unknown codec', () => film('unknown-codec.mkv'), 'VIDEO_UNSUPPORTED_CODEC'],
    ['a link', () => 'https://example.org/talk.mp4', 'INVALID_OPTION'],
    ['a number', () => 7 as unknown as VideoInput, 'INVALID_OPTION'],
  ])('%s', async (_, make, code) => {
    const input = await make()
    const expected = await expectRefusal(here.watch(input), code)
    const failure = await expectRefusal(there.watch(input), code)
    expect({ ...failure, message: failure.message }).toEqual({ ...expected, message: expected.message })
    expect(failure.constructor.name).toBe(expected.constructor.name)
  })

  test.each<[string, object]>([
    ['an unknown option', { colour: 'red' }],
    ['an option out of its range', { frames: -1 }],
    ['an option that is no data', { pooling: () => 'guided' }],
    ['a signal that is none', { signal: 'now' }],
  ])('%s', async (_, options) => {
    const expected = await expectRefusal(here.watch(film('h264.mp4'), options), 'INVALID_OPTION')
    const failure = await expectRefusal(there.watch(film('h264.mp4'), options), 'INVALID_OPTION')
    expect(Reflect.get(failure, 'code')).toBe(Reflect.get(expected, 'code'))
  })

  test('of questions, and of what was closed', async () => {
    const video = await there.watch(film('h264.mp4'))
    await expectRefusal(video.ask(' '), 'INVALID_OPTION')
    await expectRefusal(video.ask('what ?', { temperature: Number.NaN }), 'INVALID_OPTION')
    await expectRefusal(video.ask('what '.repeat(5000)), 'CONTEXT_TOO_LONG')
    await expectRefusal(video.thumbnail(99), 'INVALID_OPTION')
    await expectRefusal(video.storyboard({ weights: [1] }), 'SHAPE')
    await video.close()
    await expectRefusal(video.ask(QUESTION), 'ENGINE_CLOSED')
    await expectRefusal(video.storyboard(), 'ENGINE_CLOSED')
  })

  test('of a source that fails half way', async () => {
    const bytes = await filmBytes('h264.mkv')
    let isClosed = false
    const source: VideoSource = {
      name: 'lost.mkv',
      size: async () => bytes.length,
      read: async (start, end) => {
        if (end > 2000) throw new Error('the connection was lost')
        return bytes.subarray(start, end)
      },
      close: async () => {
        isClosed = true
      },
    }
    await expectRefusal(there.watch(source), 'VIDEO_UNREADABLE')
    expect(isClosed).toBe(true)
  })

  test('of a link that breaks', async () => {
    const bytes = await filmBytes('h264.mkv')
    const source: VideoSource = {
      name: 'example.org',
      readsAhead: true,
      size: async () => bytes.length,
      read: async () => {
        throw new LinkError('LINK_CHANGED', 'The file behind the link is another than at the start.')
      },
      close: async () => {},
    }
    const failure = await expectRefusal(there.watch(source), 'LINK_CHANGED')
    expect(failure.name).toBe('LinkError')
    expect(failure.message).toBe((await expectRefusal(here.watch(source), 'LINK_CHANGED')).message)
  })

  test('of loading, which leaves no process', async () => {
    const numbers = async (): Promise<number[]> => (await isolatedProcesses()).map(({ pid }) => pid)
    const before = await numbers()
    await expectRefusal(isolated.open({}, temporaryPath('nowhere')), 'CHECKPOINT_NOT_FOUND')
    await expectRefusal(isolated.open({ threads: 0 }), 'INVALID_OPTION')
    await expectRefusal(isolated.open({ limits: { hangSeconds: 0 } }), 'INVALID_OPTION')
    await expectRefusal(isolated.open({ signal: AbortSignal.abort() }), 'CANCELLED')
    const controller = new AbortController()
    const onState = (): void => controller.abort()
    await expectRefusal(isolated.open({ signal: controller.signal, onState }), 'CANCELLED')
    expect(await numbers()).toEqual(before)
  })

  test('of damaged films, which end no process', async () => {
    const { pid } = there.state
    const random = lcg(7)
    for (const name of ['h264.mp4', 'vp9.webm', 'mpeg4.avi', 'hevc.mp4', 'still.png', 'still.jpg']) {
      const whole = await filmBytes(name)
      for (let change = 0; change < 6; change++) {
        const bytes = Buffer.from(whole)
        for (let count = 0; count < 40; count++) bytes[random(bytes.length)] = random(256)
        const cut = bytes.subarray(0, change % 2 === 0 ? bytes.length : random(bytes.length))
        expect(await outcomeOf(there, cut)).toBe(await outcomeOf(here, cut))
      }
    }
    expect(there.state).toMatchObject({ pid, restarts: 0 })
  })

  test('what onProgress throws ends the watching', async () => {
    const failure = new Error('enough')
    const onProgress = ({ stage }: WatchProgress): void => {
      if (stage === 'decode') throw failure
    }
    await expect(there.watch(demoFile('0000.mp4'), { onProgress })).rejects.toBe(failure)
  })
})

/** Whole numbers below a bound, the same ones each time. */
function lcg(seed: number): (bound: number) => number {
  let state = seed
  return (bound) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * bound)
  }
}

/** The answer, or the code and message of the refusal. */
async function outcomeOf(longtake: Pick<Longtake, 'watch'>, input: VideoInput): Promise<string> {
  try {
    await using video = await longtake.watch(input, { frames: 4 })
    const { text, frames } = await video.ask(QUESTION)
    return JSON.stringify({ text, frames, plan: video.plan })
  } catch (error) {
    if (!isLongtakeError(error)) throw error
    return `${error.code} ${error.message}`
  }
}

describe('cancelling', () => {
  let talkative: IsolatedLongtake

  beforeAll(async () => {
    talkative = await isolated.open({}, await writeTalkative())
  })
  afterAll(() => talkative?.close())

  test.each(['open', 'decode', 'encode', 'prefill'])('watching in %s', async (stage) => {
    const controller = new AbortController()
    const reason = new Error('the client left')
    const onProgress = (progress: WatchProgress): void => {
      if (progress.stage === stage) controller.abort(reason)
    }
    const work = talkative.watch(film('vp9.webm'), { signal: controller.signal, onProgress })
    expect((await expectRefusal(work, 'CANCELLED')).cause).toBe(reason)
  })

  test('in the middle of an answer, which then leaves the engine to the next', async () => {
    await using video = await talkative.watch(film('vp9.webm'), {
      frames: 4,
      promptTokens: 9000,
      maxNewTokens: 8000,
    })
    const answer = video.ask(QUESTION, { maxTokens: 8000 })
    for await (const _ of answer) break
    await expectRefusal(answer, 'CANCELLED')
    // It would stand in the queue behind the first.
    const { usage } = await video.ask(QUESTION, { maxTokens: 2 })
    expect(usage.completionTokens).toBe(2)
    const left = video.ask(QUESTION, { maxTokens: 8000 })
    const closing = video.close()
    await expectRefusal(left, 'ENGINE_CLOSED')
    await closing
  })

  test('a deadline ends work, and says so', async () => {
    await using hasty = await isolated.open({ limits: { askSeconds: 0.001 } }, await writeTalkative())
    await using video = await hasty.watch(film('vp9.webm'), {
      frames: 4,
      promptTokens: 9000,
      maxNewTokens: 8000,
    })
    await expectRefusal(video.ask(QUESTION, { maxTokens: 8000 }), 'ENGINE_TIMEOUT')
    expect(hasty.state).toMatchObject({ status: 'ready', restarts: 0 })
  })

  test('closing the model ends what is under way', async () => {
    const closed = await isolated.open({}, await writeTalkative())
    const video = await closed.watch(film('vp9.webm'), { frames: 4, promptTokens: 9000, maxNewTokens: 8000 })
    const answer = video.ask(QUESTION, { maxTokens: 8000 })
    const closing = closed.close()
    await expectRefusal(answer, 'ENGINE_CLOSED')
    await closing
    await expectRefusal(closed.watch(film('vp9.webm')), 'ENGINE_CLOSED')
    expect(closed.state).toMatchObject({ status: 'closed', pid: undefined })
    await until(async () => (await isolatedProcesses('engine')).length === 2)
  })
})
