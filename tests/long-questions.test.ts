import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AnswerTrace, Longtake, WatchedVideo } from '../packages/runtime/src/index.js'
import { held } from './support/held.js'
import { useTemporaryFolder } from './support/temporary-folder.js'
import { type DemoQuestion, demoFile, demoQuestions, openTiny, type TinyModel } from './support/tiny-model.js'

useTemporaryFolder()

/** Kinds of questions about one shot that they name by what it shows. */
const LOOKUPS = new Set(['number', 'caption', 'colour', 'shape', 'when'])
/** Content tokens that the embedded checkpoint's guide has positions for, between begin and end. */
const ROOM = 246

let model: TinyModel
let longtake: Longtake
let questions: DemoQuestion[]
const videos = new Map<string, WatchedVideo>()

beforeAll(async () => {
  model = await openTiny()
  longtake = model.longtake
  questions = (await demoQuestions()).filter(({ kind }) => LOOKUPS.has(kind))
  for (const { file } of questions) {
    if (videos.has(file)) continue
    videos.set(file, await longtake.watch(demoFile(file), { promptTokens: 1300, maxNewTokens: 8 }))
  }
})

afterAll(() => longtake?.close())

/** The checkpoint's vocabulary has every word as one token. */
function words(text: string, count: number): string {
  const list = text.split(' ')
  return Array.from({ length: count }, (_, index) => list[index % list.length]).join(' ')
}

async function traced(video: WatchedVideo, question: string) {
  const { trace, notes, frames } = await video.ask(question, { maxTokens: 1, trace: true })
  if (trace === undefined) throw new Error('no trace')
  return { trace, notes: notes.join(' '), frames }
}

function videoOf({ file }: DemoQuestion): WatchedVideo {
  const video = videos.get(file)
  if (video === undefined) throw new Error(`${file} is not watched`)
  return video
}

/** The shot of the frame that the guide finds most relevant. */
function shotFound(
  video: WatchedVideo,
  frames: readonly { timestamp: number; relevance?: number }[],
  count: number,
) {
  const best = frames.reduce((most, frame) => ((frame.relevance ?? 0) > (most.relevance ?? 0) ? frame : most))
  const { startSeconds, durationSeconds } = video.facts
  return Math.floor(((best.timestamp - startSeconds) / durationSeconds) * count + 1e-6)
}

describe('a question of one segment', () => {
  test('points at the shot that it names, for most look-ups', async () => {
    let right = 0
    for (const question of questions) {
      const video = videoOf(question)
      const { frames, notes, trace } = await traced(video, question.text)
      expect({ notes, segments: trace.guideSegments }).toEqual({ notes: '', segments: 1 })
      if (question.shots.includes(shotFound(video, frames, question.shotCount))) right++
    }
    expect(questions.length).toBeGreaterThanOrEqual(8)
    expect(right).toBeGreaterThanOrEqual(questions.length * 0.75)
  })

  test.each([
    [77, 1],
    [ROOM, 1],
    [ROOM + 1, 2],
    [2 * ROOM, 2],
    [2 * ROOM + 1, 3],
    [1200, 5],
  ])('of %i tokens becomes %i segments, and beyond one the answer says so', async (tokens, segments) => {
    const [video] = videos.values()
    if (video === undefined) throw new Error('nothing is watched')
    const { trace, notes } = await traced(video, words('what is the number on red', tokens))
    expect(trace).toMatchObject({ textTokens: tokens, guideSegments: segments })
    if (segments === 1) expect(notes).toBe('')
    else expect(notes).toContain(`The question has ${tokens} tokens`)
    if (segments > 1) expect(notes).toMatch(new RegExp(`read it in ${segments} equal parts.*mean`))
  })
})

describe('a question of several segments', () => {
  /** Cosines add up over segments; only the length of their mean, one number, is divided by. */
  function expectMeanOf(whole: AnswerTrace, parts: readonly AnswerTrace[]): void {
    const mean = Float64Array.from(whole.cosine, (_, at) =>
      parts.reduce((sum, { cosine }) => sum + (cosine[at] ?? Number.NaN) / parts.length, 0),
    )
    const scale = dot(whole.cosine, mean) / dot(mean, mean)
    // The mean of unit vectors is no longer than 1.
    expect(scale).toBeGreaterThanOrEqual(1 - 1e-6)
    for (const [at, value] of whole.cosine.entries()) expect(value).toBeCloseTo(scale * (mean[at] ?? 0), 5)
  }

  function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
    return Array.from(a).reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0)
  }

  test('is guided by the mean of its parts, each read by itself', async () => {
    const [video] = videos.values()
    if (video === undefined) throw new Error('nothing is watched')
    const list = ['red star ?', 'blue circle what number', 'last caption tv'].map((text) => words(text, 200))
    const whole = await traced(video, list.join(' '))
    const parts: AnswerTrace[] = []
    for (const part of list) parts.push((await traced(video, part)).trace)
    expect(whole.trace.guideSegments).toBe(3)
    expect(parts.map(({ guideSegments }) => guideSegments)).toEqual([1, 1, 1])
    expectMeanOf(whole.trace, parts)
  })

  test('that says one thing over and over points where it pointed when it was short', async () => {
    for (const question of questions) {
      const video = videoOf(question)
      const short = await traced(video, question.text)
      const long = await traced(video, `${question.text} `.repeat(70))
      expect(long.trace.guideSegments).toBeGreaterThan(1)
      const shots = [short, long].map(({ frames }) => shotFound(video, frames, question.shotCount))
      expect(shots[1], question.text).toBe(shots[0])
    }
  })

  test('of more parts than are read at once is guided by all of them', async () => {
    await using video = await longtake.watch(demoFile('0000.mp4'), {
      frames: 8,
      promptTokens: 17 * ROOM + 20,
    })
    // The last part alone is of another kind: forgetting a run would show.
    const same = words('red star ?', ROOM)
    const last = words('blue circle what number', ROOM)
    const whole = await traced(video, `${`${same} `.repeat(16)}${last}`)
    expect(whole.trace.guideSegments).toBe(17)
    const [one, other] = [(await traced(video, same)).trace, (await traced(video, last)).trace]
    expectMeanOf(whole.trace, [...new Array<AnswerTrace>(16).fill(one), other])
  })

  test('asked again gives the same, between short ones too, and leaves nothing behind', async () => {
    const [question] = questions
    if (question === undefined) throw new Error('no questions')
    const video = videoOf(question)
    const long = `${words('if there is a video with shots in it', 600)} . ${question.text}`
    const short = await video.ask(question.text)
    const first = await video.ask(long)
    const before = await held(model.backend)
    for (let round = 0; round < 2; round++) {
      const [again, between] = await Promise.all([video.ask(long), video.ask(question.text)])
      expect({ text: again.text, frames: again.frames }).toEqual({ text: first.text, frames: first.frames })
      expect({ text: between.text, frames: between.frames }).toEqual({
        text: short.text,
        frames: short.frames,
      })
    }
    expect(await held(model.backend)).toEqual(before)
  })
})
