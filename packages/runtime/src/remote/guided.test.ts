import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type OpenAiServer, startOpenAi } from '../../test/openai-server.js'
import { type Longtake, load } from '../index.js'
import { openVideo } from '../video/index.js'

const data = (name: string) => fileURLToPath(new URL(`../../../../tests/data/${name}`, import.meta.url))

interface DemoVideo {
  readonly file: string
  readonly shots: readonly unknown[]
  readonly questions: readonly {
    readonly kind: string
    readonly text: string
    readonly shots: readonly number[]
  }[]
}

let server: OpenAiServer
let guided: Longtake
let videos: readonly DemoVideo[]
beforeAll(async () => {
  server = await startOpenAi()
  guided = await load(`openai:${server.url}#some/model`, {
    threads: 1,
    remote: { guide: '@longtake/tiny', sendFrames: 4 },
  })
  videos = JSON.parse(await readFile(data('demo/questions.json'), 'utf8')).videos
})
afterAll(async () => {
  await guided?.close()
  await server?.[Symbol.asyncDispose]()
})

/** Times of what was sent with the last question, as its labels tell. */
function sentLabels(): string[] {
  const content = server.questions.at(-1)?.body.messages?.[0]?.content ?? []
  return content.flatMap(({ text }) => text ?? []).slice(0, -1)
}

describe('a guide', () => {
  test.each([0, 1, 2])(
    'finds the shots that questions about demo video %i are about, among few frames',
    async (at) => {
      const { file, shots, questions } = videos[at]!
      await using video = await guided.watch(data(`demo/${file}`))
      const { startSeconds, durationSeconds } = video.facts
      const shotOf = (seconds: number): number =>
        Math.floor(((seconds - startSeconds) / durationSeconds) * shots.length)
      // What is asked for by its place, first or last, a guide cannot find by what is to be seen.
      const asked = questions.filter(
        ({ kind, shots: about }) => about.length === 1 && !/first|last/.test(kind),
      )
      expect(asked.length).toBeGreaterThanOrEqual(3)
      let found = 0
      let even = 0
      for (const { text, shots: about } of asked) {
        const { frames } = await video.ask(text)
        const sent = frames.filter(({ weight }) => weight > 0)
        expect(sentLabels()).toHaveLength(4)
        if (sent.some(({ timestamp }) => about.includes(shotOf(timestamp)))) found++
        // What would have been sent without a guide.
        const spread = [1, 3, 5, 7].map((eighth) => shotOf(startSeconds + (durationSeconds * eighth) / 8))
        if (spread.some((shot) => about.includes(shot))) even++
      }
      expect(found).toBe(asked.length)
      expect(even).toBeLessThan(asked.length)
    },
  )

  test('relevance adds up to 1 over all frames, weights over those that were sent', async () => {
    await using video = await guided.watch(data('demo/0000.mp4'), { frames: 20 })
    const { frames } = await video.ask('What caption is on the cyan circle?')
    expect(frames).toHaveLength(20)
    const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
    expect(sum(frames.map(({ relevance = 0 }) => relevance))).toBeCloseTo(1, 5)
    const sent = frames.filter(({ weight }) => weight > 0)
    expect(sum(sent.map(({ weight }) => weight))).toBeCloseTo(1, 9)
    const whole = sum(sent.map(({ relevance = 0 }) => relevance))
    for (const { weight, relevance = 0 } of sent) expect(weight).toBeCloseTo(relevance / whole, 9)
    expect((await video.storyboard()).length).toBeGreaterThan(100)
  })

  test('takes a frame a second of longer videos, and says how many are sent', async () => {
    const plan = await guided.plan(data('demo/0000.mp4'))
    expect(plan).toMatchObject({ frames: 32, sent: 4 })
    expect(plan.notes.join(' ')).toContain('Of 32 frames 4 go with each question.')
  })

  test('chooses among still images', async () => {
    await using video = await openVideo(data('demo/0000.mp4'))
    const pictures = []
    for await (const { rgb, width, height } of video.frames([2.5, 9.5, 15.5, 20.5, 26.5, 30.5], 'exact'))
      pictures.push({ rgb: rgb.slice(), width, height })
    await using watched = await guided.watchFrames(pictures, { stills: true })
    await watched.ask('What caption is on the cyan circle?')
    expect(sentLabels()).toHaveLength(4)
    expect(sentLabels()).toContain('[picture 5]')
  })

  test('a question that is too long for it is sent with frames spread evenly', async () => {
    await using video = await guided.watch(data('demo/0000.mp4'))
    const { notes, frames } = await video.ask('What is on the circle? '.repeat(400))
    expect(notes.join(' ')).toContain('too long for the guide')
    expect(frames.flatMap(({ weight, index }) => (weight > 0 ? [index] : []))).toEqual([3, 11, 19, 27])
    expect(frames.every((frame) => !('relevance' in frame))).toBe(true)
  })

  test('must have a text guide', async () => {
    const remote = { guide: data('parity/video_llava') }
    await expect(load(`openai:${server.url}#model`, { remote })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      option: 'remote.guide',
    })
  })

  test('that is not there is told as any model is', async () => {
    const remote = { guide: '/nowhere/at/all' }
    await expect(load(`openai:${server.url}#model`, { remote })).rejects.toMatchObject({
      code: 'CHECKPOINT_NOT_FOUND',
    })
  })
})
