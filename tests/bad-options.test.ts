import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Longtake, WatchedVideo, WatchOptions } from '../packages/runtime/src/index.js'
import { film } from './support/films.js'
import { type Held, held } from './support/held.js'
import { openRandomModel, type RandomModel } from './support/random-model.js'
import { expectRefusal } from './support/refusal.js'
import { useTemporaryFolder } from './support/temporary-folder.js'

useTemporaryFolder()

let model: RandomModel
let longtake: Longtake

beforeAll(async () => {
  model = await openRandomModel()
  longtake = model.longtake
})

afterAll(() => longtake?.close())

const heldNow = (): Promise<Held> => held(model.backend)

describe('a question', () => {
  const LONG = 'what is '.repeat(5000)
  let video: WatchedVideo
  let expected: string

  beforeAll(async () => {
    video = await longtake.watch(film('vp9.webm'), { frames: 4 })
    // From the second answer on, inputs of both lengths are kept.
    for (let count = 0; count < 2; count++)
      expected = (await video.ask('is the red first ?', { maxTokens: 6 })).text
  })

  afterAll(() => video?.close())

  const questions: [string, unknown, string][] = [
    ['that is empty', '', 'INVALID_OPTION'],
    ['of spaces', ' \n\t ', 'INVALID_OPTION'],
    ['that is no text', null, 'INVALID_OPTION'],
    ['that is a list', ['what ?'], 'INVALID_OPTION'],
    ['of 10,000 words', LONG, 'CONTEXT_TOO_LONG'],
    ['of two million letters', 'a'.repeat(2_000_000), 'CONTEXT_TOO_LONG'],
  ]

  test.each(questions)('%s is refused, and the next one answered', async (_, question, code) => {
    const before = await heldNow()
    await expectRefusal(video.ask(question as string), code)
    expect((await video.ask('is the red first ?', { maxTokens: 6 })).text).toBe(expected)
    expect(await heldNow()).toEqual(before)
  })

  test('of 10,000 words is answered where the plan has room for it', async () => {
    await using roomy = await longtake.watch(film('vp9.webm'), { frames: 4, promptTokens: 10_020 })
    const before = await heldNow()
    const result = await roomy.ask(LONG, { maxTokens: 4 })
    expect(result.usage).toEqual({ promptTokens: 20 + 3 + 10_002, visualTokens: 20, completionTokens: 4 })
    expect((await roomy.ask(LONG, { maxTokens: 4 })).text).toBe(result.text)
    expect((await heldNow()).native.session).toBe(before.native.session)
  })

  test.each([
    ['half of a surrogate pair', '\ud800 what \udc00'],
    ['zero bytes', '\0\0\0'],
    ['a million letters in one word', 'a'.repeat(1_000_000)],
    ['a million spaces', `a${' '.repeat(999_998)}b`],
    ['special tokens, which are only text', '</s><video><s> </s>'],
  ])('of %s is answered', async (_, question) => {
    const { usage } = await video.ask(question, { maxTokens: 2 })
    expect(usage.completionTokens).toBeGreaterThan(0)
    expect((await video.ask('is the red first ?', { maxTokens: 6 })).text).toBe(expected)
  })
})

describe('options', () => {
  const options: [WatchOptions, string][] = [
    [{ frames: 0 }, 'frames'],
    [{ frames: -8 }, 'frames'],
    [{ frames: 1.5 }, 'frames'],
    [{ frames: Number.NaN }, 'frames'],
    [{ frames: Number.POSITIVE_INFINITY }, 'frames'],
    [{ frames: 1e9 }, 'frames'],
    [{ frames: '8' as unknown as number }, 'frames'],
    [{ frames: null as unknown as number }, 'frames'],
    [{ fps: 0 }, 'fps'],
    [{ fps: Number.NaN }, 'fps'],
    [{ fps: 1, frames: 8 }, 'fps'],
    [{ maxFrames: 0 }, 'maxFrames'],
    [{ startSeconds: -1 }, 'startSeconds'],
    [{ startSeconds: 1e9 }, 'startSeconds'],
    [{ startSeconds: 2, endSeconds: 1 }, 'endSeconds'],
    [{ layout: 'spiral' as 'interleaved' }, 'layout'],
    [{ rope: 'longrope' as 'yarn' }, 'rope'],
    [{ rope: { type: 'linear', factor: Number.NaN } }, 'rope.factor'],
    [{ kvCache: 'int2' as 'int4' }, 'kvCache'],
    [{ memoryBudgetBytes: 1 }, 'memoryBudgetBytes'],
    [{ promptTokens: 2 ** 40 }, 'promptTokens'],
    [{ maxNewTokens: 0 }, 'maxNewTokens'],
    [{ prefillChunk: 0 }, 'prefillChunk'],
  ]

  test.each(options)('%j are refused by name', async (option, name) => {
    const before = await heldNow()
    const failure = await expectRefusal(longtake.watch(film('h264.mp4'), option), 'INVALID_OPTION')
    expect(failure).toMatchObject({ option: name })
    expect(await heldNow()).toEqual(before)
  })

  test.each([
    [[null], 'frames[0]'],
    [['picture'], 'frames[0]'],
    [[{ rgb: new Uint8Array(12), width: 2, height: 2, timestampSeconds: Number.NaN }], 'timestampSeconds'],
    [[{ rgb: new Uint8Array(12), width: 2, height: 2, timestampSeconds: 1e300 }], 'video.startSeconds'],
    [[{ rgb: new Float32Array(12), width: 2, height: 2 }], 'rgb'],
    [new Array(5000).fill({ rgb: new Uint8Array(3), width: 1, height: 1 }), 'frames'],
  ])('pictures %# are refused by name', async (pictures, name) => {
    const before = await heldNow()
    const failure = await expectRefusal(longtake.watchFrames(pictures as never), 'INVALID_OPTION')
    expect(failure.message).toContain(name)
    expect(await heldNow()).toEqual(before)
  })

  test('a picture of 16,384 × 1 is watched', async () => {
    const rgb = new Uint8Array(16_384 * 3).map((_, place) => place % 251)
    await using video = await longtake.watchFrames([{ rgb, width: 16_384, height: 1 }])
    expect((await video.ask('what ?', { maxTokens: 2 })).text).not.toBe('')
    expect((await video.storyboard()).length).toBeGreaterThan(100)
  })

  test('of a storyboard and of an inspection are refused by name', async () => {
    await using video = await longtake.watch(film('one-frame.mp4'))
    await expectRefusal(video.storyboard(null as never), 'INVALID_OPTION')
    await expectRefusal(video.storyboard({ rows: 3 } as never), 'INVALID_OPTION')
    await expectRefusal(video.storyboard({ weights: [1] }), 'SHAPE')
    await expectRefusal(video.storyboard({ weights: [1, -1, 1, 1] }), 'INVALID_OPTION')
    await expectRefusal(video.storyboard({ columns: 0 }), 'INVALID_OPTION')
    const picture = { rgb: new Uint8Array(12), width: 2, height: 2 }
    for (const options of [{ question: 5 }, { prompt: 5 }, { question: '' }, { prompt: '' }, {}, null])
      await expectRefusal(longtake.inspect([picture], options as never), 'INVALID_OPTION')
  })
})
