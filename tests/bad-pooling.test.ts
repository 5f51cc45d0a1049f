import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AnswerResult, Longtake, WatchedVideo, WatchOptions } from '../packages/runtime/src/index.js'
import type { VideoInputs } from '../packages/runtime/src/video/index.js'
import { abortAfterTurns, outcomeOf } from './support/aborting.js'
import { film } from './support/films.js'
import { type Held, held } from './support/held.js'
import { openRandomModel } from './support/random-model.js'
import { expectRefusal } from './support/refusal.js'
import { useTemporaryFolder } from './support/temporary-folder.js'
import { dataPath, demoFile, openTiny, type TinyModel } from './support/tiny-model.js'

useTemporaryFolder()

const QUESTION = 'Which shape is at the start of the video?'
const PICTURES = ['rgb.png', '420.jpg', 'plain.gif'].map((name) => dataPath(`images/${name}`))

let model: TinyModel
let longtake: Longtake

beforeAll(async () => {
  model = await openTiny()
  longtake = model.longtake
})

afterAll(async () => {
  await longtake?.close()
  expect(sum(Object.values(model.backend.liveHandles ?? {}))).toBe(0)
})

const heldNow = (): Promise<Held> => held(model.backend)

function sum(values: Iterable<number>): number {
  return [...values].reduce((total, value) => total + value, 0)
}

/** Weights and relevance that are shares of something, whatever was asked. */
function expectSound({ frames, usage, text }: AnswerResult): void {
  expect(typeof text).toBe('string')
  expect(usage.completionTokens).toBeGreaterThan(0)
  expect(frames.every(({ weight, relevance = 0 }) => weight >= 0 && relevance >= 0)).toBe(true)
  expect(sum(frames.map(({ weight }) => weight))).toBeCloseTo(1, 5)
  if (frames[0]?.relevance !== undefined)
    expect(sum(frames.map(({ relevance = 0 }) => relevance))).toBeCloseTo(1, 5)
}

/** What two answers must share to be the same. */
const essence = ({ text, frames, usage, finishReason }: AnswerResult) => ({
  text,
  frames,
  usage,
  finishReason,
})

describe('a question', () => {
  let video: WatchedVideo
  let expected: AnswerResult

  beforeAll(async () => {
    video = await longtake.watch(demoFile('0000.mp4'))
    expected = await video.ask(QUESTION)
  })

  afterAll(() => video?.close())

  test.each([
    ['only emoji', '🙂'],
    ['many joined emoji', '👩‍👩‍👧‍👦🎉'.repeat(50)],
    ['Chinese', '视频里第一个形状是什么？'],
    ['Arabic', 'ما هو الشكل الأول؟'],
    ['combining marks', `Wha\u0301t\u0327 is e\u0301${'\u0301'.repeat(50)} ?`],
    ['marks of direction', '\u202eWhat\u200f\u2067 shape ?'],
    ['lone surrogates', '\ud800 what \udc00 is \udfff'],
    ['control characters', '\0\u0001\u0007\u001b[31mWhat\u007f\u0085?'],
    ['nothing visible', '\u200b\u00ad\u2060'],
    ['full-width letters', 'ｗｈａｔ'],
    ['special tokens', '</s><video><s></s><pad><unk>'],
    ['one word of 100,000 letters', 'a'.repeat(100_000)],
    ['100,000 question marks', '?'.repeat(100_000)],
  ])('of %s is answered, and harms no other', async (_, question) => {
    const before = await heldNow()
    expectSound(await video.ask(question, { maxTokens: 4, trace: true }))
    expect(essence(await video.ask(QUESTION))).toEqual(essence(expected))
    expect(await heldNow()).toEqual(before)
  })

  test.each([
    ['nothing', '', 'INVALID_OPTION'],
    ['every kind of whitespace', ' \t\n\u00a0\u3000\u2028\ufeff', 'INVALID_OPTION'],
    ['more words than are planned for', 'what is '.repeat(12_500), 'CONTEXT_TOO_LONG'],
    ['more marks than are planned for', `e${'\u0301'.repeat(9)} `.repeat(200), 'CONTEXT_TOO_LONG'],
  ])('of %s is refused, and harms no other', async (_, question, code) => {
    const before = await heldNow()
    await expectRefusal(video.ask(question), code)
    expect(essence(await video.ask(QUESTION))).toEqual(essence(expected))
    expect(await heldNow()).toEqual(before)
  })

  test('special tokens in it are the characters they are spelled with', async () => {
    const spelled = await video.ask('</s><video> ?', { trace: true })
    expect(spelled.trace?.textTokens).toBeGreaterThan(2)
    expect(spelled.trace?.guideSegments).toBe(1)
    expect(spelled.trace?.prompt.after).not.toContain('</s>')
  })

  test('twenty at once, some cancelled, are answered as if each were alone', async () => {
    const before = await heldNow()
    const questions = Array.from({ length: 20 }, (_, number) => `What shape has number ${number % 10} ?`)
    const alone = await video.ask('What shape has number 7 ?')
    const answers = questions.map((question, number) => {
      const signal = number % 3 === 1 ? abortAfterTurns(number * 5) : undefined
      return video.ask(question, { signal })
    })
    answers[19]?.cancel()
    const outcomes = await Promise.all(answers.map((answer) => outcomeOf(answer)))
    for (const [number, outcome] of outcomes.entries())
      expect(outcome).toMatch(number % 3 === 1 || number === 19 ? /^(fulfilled|CANCELLED)$/ : /^fulfilled$/)
    expect(outcomes[19]).toBe('CANCELLED')
    expect(essence(await answers[17]!)).toEqual(essence(alone))
    expect(await heldNow()).toEqual(before)
  })
})

const pooled = (fields: object): WatchOptions => ({ pooling: { method: 'guided', ...fields } as never })

describe('a plan', () => {
  test.each<[WatchOptions, string]>([
    [pooled({ kernel: [1, 3, 3] }), 'pooling.kernel'],
    [pooled({ kernel: [33, 1, 1] }), 'pooling.kernel'],
    [pooled({ kernel: [99_999, 1, 1] }), 'pooling.kernel'],
    [pooled({ kernel: [0, 1, 1] }), 'pooling.kernel'],
    [pooled({ kernel: [-1, 1, 1] }), 'pooling.kernel'],
    [pooled({ kernel: [1.5, 1, 1] }), 'pooling.kernel'],
    [pooled({ kernel: [Number.NaN, 1, 1] }), 'pooling.kernel'],
    [pooled({ kernel: [1, 2] }), 'pooling.kernel'],
    [pooled({ kernel: '1,2,2' }), 'pooling.kernel'],
    [pooled({ kernel: ['1', '2', '2'] }), 'pooling.kernel'],
    [pooled({ kernel: new Array(3) }), 'pooling.kernel'],
    [pooled({ kernel: null }), 'pooling.kernel'],
    [pooled({ kernel: [1, 1, 1], stride: [1, 0, 1] }), 'pooling.stride'],
    [pooled({ stride: [1, 1, 1] }), 'pooling.stride'],
    [pooled({ shape: [33, 1, 1] }), 'pooling.shape'],
    [pooled({ shape: [1, 3, 1] }), 'pooling.shape'],
    [pooled({ kernel: [1, 1, 1], size: 3 }), 'pooling.size'],
    [{ pooling: 'Guided' as 'guided' }, 'pooling'],
    [{ pooling: ['guided'] as never }, 'pooling.0'],
    [{ tokenBudget: 0 }, 'tokenBudget'],
    [{ tokenBudget: 1e9 }, 'tokenBudget'],
    [{ tokenBudget: Number.POSITIVE_INFINITY }, 'tokenBudget'],
    [{ tokenBudget: '64' as never }, 'tokenBudget'],
    [{ ...pooled({ kernel: [1, 2, 2] }), tokenBudget: 4 }, 'tokenBudget'],
    [{ pooling: 'none', tokenBudget: 1 }, 'tokenBudget'],
    [{ startSeconds: 1, endSeconds: 1 }, 'endSeconds'],
    [{ startSeconds: 0, endSeconds: 0 }, 'endSeconds'],
  ])('with %j is refused by name', async (options, option) => {
    const before = await heldNow()
    const work = longtake.watch(film('h264.mp4'), { frames: 32, ...options })
    expect(await expectRefusal(work, 'INVALID_OPTION')).toMatchObject({ option })
    expect(await heldNow()).toEqual(before)
  })

  test.each<[WatchOptions, VideoInputs, number]>([
    [{ tokenBudget: 1 }, film('h264.mp4'), 1],
    [{ tokenBudget: 2 }, film('h264.mp4'), 2],
    [{ tokenBudget: 2 ** 24 }, film('h264.mp4'), 32],
    [{ tokenBudget: 1, frames: 512 }, film('h264.mp4'), 1],
    [{ frames: 1 }, film('h264.mp4'), 8],
    [{ endSeconds: Number.MIN_VALUE }, film('h264.mp4'), 8],
    [{}, film('one-frame.mp4'), 8],
    [{ tokenBudget: 1 }, film('one-frame.mp4'), 1],
    [{ frames: 300, tokenBudget: 3 }, film('one-frame.webm'), 3],
    [{}, film('starts-negative.mp4'), 32],
    [{}, film('starts-late.mkv'), 32],
    [pooled({ shape: [7, 1, 2] }), film('h264.mp4'), 14],
    [pooled({ shape: [33, 2, 2] }), film('h264.mp4'), 132],
    [pooled({ kernel: [3, 1, 1], stride: [1, 2, 2] }), film('h264.mp4'), 30],
    [pooled({ kernel: [1, 1, 1], stride: [8192, 8192, 8192] }), film('h264.mp4'), 1],
    [{ tokenBudget: 1 }, PICTURES, 1],
    [{ tokenBudget: 2 }, PICTURES, 2],
    [{ tokenBudget: 1 }, PICTURES.slice(0, 1), 1],
    [pooled({ kernel: [2, 1, 1] }), PICTURES, 4],
  ])('with %j of %s gives a sound answer', async (options, input, tokens) => {
    const before = await heldNow()
    const video = await longtake.watch(input, options)
    expect(video.plan.visualTokens).toBe(tokens)
    const result = await video.ask(QUESTION, { maxTokens: 4, trace: true })
    expectSound(result)
    expect(result.frames).toHaveLength(video.plan.frames)
    expect(sum(result.trace?.windows.map(({ attention }) => attention) ?? [])).toBeCloseTo(1, 5)
    expect(sum(result.trace?.relevance ?? [])).toBeCloseTo(1, 4)
    expect((await video.storyboard()).length).toBeGreaterThan(100)
    await video.close()
    expect(await heldNow()).toEqual(before)
  })

  test.each(['frames', 'fps', 'maxFrames', 'startSeconds', 'sampling'] as const)(
    'of pictures with %s is refused',
    async (name) => {
      const value = name === 'sampling' ? 'exact' : 1
      const failure = await expectRefusal(longtake.watch(PICTURES, { [name]: value }), 'INVALID_OPTION')
      expect(failure).toMatchObject({ option: name })
    },
  )

  test('that is guided, of a checkpoint without a guide, is refused', async () => {
    const { longtake: plain } = await openRandomModel()
    try {
      const failure = await expectRefusal(
        plain.watch(film('h264.mp4'), { pooling: 'guided' }),
        'INVALID_OPTION',
      )
      expect(failure.message).toMatch(/'average', 'max' or 'none'/)
    } finally {
      await plain.close()
    }
  })

  test('gives the same answer with both back ends and any chunk, whatever cache and layout', async () => {
    const { longtake: portable } = await openTiny({ backend: 'portable' })
    const answer = async (by: Longtake, options: WatchOptions): Promise<string> => {
      await using video = await by.watch(demoFile('0002.webm'), { frames: 16, ...options })
      return (await video.ask(QUESTION, { maxTokens: 4 })).text
    }
    try {
      for (const kvCache of ['fp32', 'int8', 'int4'] as const) {
        for (const layout of ['interleaved', 'contiguous', 'unordered'] as const) {
          const text = await answer(longtake, { kvCache, layout })
          expect(await answer(portable, { kvCache, layout }), `${kvCache} ${layout}`).toBe(text)
          if (layout === 'interleaved')
            expect(await answer(longtake, { kvCache, layout, prefillChunk: 1 })).toBe(text)
        }
      }
    } finally {
      await portable.close()
    }
  })
})
