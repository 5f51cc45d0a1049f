import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { InspectOptions, Longtake, VideoInput } from '../packages/runtime/src/index.js'
import { openVideo } from '../packages/runtime/src/video/index.js'
import { film, madePictures } from './support/films.js'
import { demoFile, demoQuestions, openTiny } from './support/tiny-model.js'
import { chromium, openWebPage, type WebPage } from './support/web-page.js'

const place = chromium ? 'in Chromium' : 'in Chromium (LEFT OUT: none on the path or in LONGTAKE_CHROMIUM)'

describe.skipIf(chromium === undefined)(place, () => {
  let web: WebPage
  let node: Longtake

  beforeAll(async () => {
    const [opened, tiny] = await Promise.all([openWebPage(), openTiny()])
    web = opened
    node = tiny.longtake
    await web.page.evaluate(async () => {
      Object.assign(globalThis, { tiny: await longtake.load('/checkpoint/') })
    })
  })

  afterAll(async () => {
    await web?.[Symbol.asyncDispose]()
    await node?.close()
  })

  test('every question about the videos of the demo is answered as in Node, by the same plan', async () => {
    const questions = await demoQuestions()
    for (const file of new Set(questions.map((question) => question.file))) {
      const asked = questions.filter((question) => question.file === file).map(({ text }) => text)
      const here = await web.page.evaluate(askAll, { file, asked })
      await using video = await node.watch(demoFile(file), { frames: 64 })
      expect(rounded(here.plan)).toEqual(rounded(video.plan))
      for (const [index, question] of asked.entries()) {
        const { text, frames } = await video.ask(question)
        expect(here.answers[index]?.text, question).toBe(text)
        expect(here.answers[index]?.pieces, question).toBe(text)
        // Colours differ by a step or so, and so does what is paid to each frame.
        const weights = frames.map(({ weight }) => weight)
        expect(worst(here.answers[index]?.weights ?? [], weights), question).toBeLessThan(0.05)
      }
    }
    expect(web.foreign).toEqual([])
  })

  test.each([
    ['none', 'fp32'],
    ['average', 'fp32'],
    ['guided', 'fp32'],
    ['guided', 'int8'],
  ] as const)(
    'features and logits of the same pictures are those of Node: pooling %s, KV cache in %s',
    async (pooling, kvCache) => {
      const options = { pooling, kvCache, question: 'What number is on the blue square?', greedyTokens: 8 }
      const here = await web.page.evaluate(inspectMade, { weights: 'fp32' as const, options })
      const there = await node.inspect(madePictures(16), options)
      expect(here.greedy).toEqual(there.greedy)
      expect(worst(here.pixelValues, there.pixelValues.data)).toBe(0)
      // Sums in float32, in another order.
      expect(worst(here.visionFeatures, there.visionFeatures.data)).toBeLessThan(2e-4)
      expect(worst(here.visualTokens, there.visualTokens.data)).toBeLessThan(1e-4)
      expect(worst(here.logits, there.logits.data)).toBeLessThan(2e-3)
    },
  )

  test('weights in int8 are as near to those in fp32 as in Node', async () => {
    const options = { question: 'What number is on the blue square?', greedyTokens: 8 }
    const here = await web.page.evaluate(inspectMade, { weights: 'int8' as const, options })
    const exact = await node.inspect(madePictures(16), options)
    const { longtake: own } = await openTiny({ weights: 'int8' })
    const there = await own.inspect(madePictures(16), options).finally(() => own.close())
    expect(here.greedy).toEqual(there.greedy)
    // Each machine's kernel rounds activations in its own way.
    for (const name of ['visionFeatures', 'logits'] as const)
      expect(worst(here[name], exact[name].data)).toBeLessThan(
        1.2 * worst(there[name].data, exact[name].data),
      )
  })

  /** Largest and mean difference of a colour of a pixel to Node's, of eight pictures in both modes of reading. */
  test.each([
    ['h264.mp4', 1, 0.5],
    ['h264.mkv', 1, 0.5],
    ['h264.m2t', 1, 0.5],
    ['h264-fragmented.mp4', 1, 0.5],
    ['vp9.webm', 1, 0.5],
    ['av1.mp4', 1, 0.5],
    ['vfr.mkv', 1, 0.5],
    ['colour-untagged.mp4', 3, 1],
    ['colour-bt601-full.webm', 3, 1],
    ['colour-bt709-limited.mp4', 3, 1],
    ['colour-bt709-444.mp4', 3, 1],
    ['rotated-90.mp4', 3, 1],
    ['still.png', 0, 0],
    ['still.jpg', 1, 0.5],
    // Where Node scales, chroma is drawn finer at its edges than here.
    ['wide-pixels.mp4', 128, 3],
    ['odd-size.webm', 128, 3],
  ])('%s has the pictures of Node', async (name, largest, mean) => {
    const here = await web.page.evaluate(readFrames, `/data/video/${name}`)
    const there = await framesOf(film(name))
    expect(here.facts).toEqual(there.facts)
    expect(here.frames.map(({ rgb, ...frame }) => frame)).toEqual(
      there.frames.map(({ rgb, ...frame }) => frame),
    )
    const differences = here.frames.flatMap(({ rgb }, index) => {
      const expected = there.frames[index]!.rgb
      return [...Buffer.from(rgb, 'base64')].map((value, at) => Math.abs(value - expected[at]!))
    })
    expect(differences.reduce((most, value) => Math.max(most, value), 0)).toBeLessThanOrEqual(largest)
    expect(differences.reduce((sum, value) => sum + value, 0) / differences.length).toBeLessThanOrEqual(mean)
  })

  test.each([
    ['audio-only.mp4', 'VIDEO_NO_VIDEO_TRACK'],
    ['unknown-codec.mkv', 'VIDEO_UNSUPPORTED_CODEC'],
    ['mpeg4.avi', 'VIDEO_UNSUPPORTED_CODEC'],
    ['none.mp4', 'VIDEO_NOT_FOUND'],
  ])('%s is refused: %s', async (name, code) => {
    expect(await web.page.evaluate(failureOf, { address: `/data/video/${name}` })).toMatchObject({ code })
  })

  test('hostile bytes are refused with a sentence', async () => {
    const bytes = await readFile(film('h264.mp4'))
    const huge = Buffer.from(bytes)
    // A table of sizes that claims more pictures than the file has bytes.
    huge.writeUInt32BE(0x7fffffff, huge.indexOf('stsz') + 12)
    const cases: [Buffer, string][] = [
      [huge, 'VIDEO_UNREADABLE'],
      [Buffer.alloc(0), 'VIDEO_EMPTY'],
      [Buffer.from('not a video'), 'VIDEO_NOT_A_VIDEO'],
      [bytes.subarray(0, 600), 'VIDEO_TRUNCATED'],
    ]
    for (const [content, code] of cases) {
      const failure = await web.page.evaluate(failureOf, { base64: content.toString('base64') })
      expect(failure).toMatchObject({ code, message: expect.stringMatching(/\.$/) })
    }
  })
})

async function framesOf(input: VideoInput) {
  await using video = await openVideo(input)
  const { facts } = video
  const times = facts.stills
    ? [0]
    : [0, 1, 2, 3].map((at) => facts.startSeconds + (facts.durationSeconds * at) / 4)
  const frames: { timestampSeconds: number; width: number; height: number; rgb: Uint8Array }[] = []
  for (const mode of ['exact', 'keyframe'] as const) {
    for await (const { timestampSeconds, width, height, rgb } of video.frames(times, mode))
      frames.push({ timestampSeconds, width, height, rgb })
  }
  return { facts, frames }
}

/** Browsers' powers differ in the last bit. */
function rounded(plan: unknown): unknown {
  return JSON.parse(
    JSON.stringify(plan, (_, value) => (typeof value === 'number' ? Number(value.toPrecision(12)) : value)),
  )
}

function worst(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(found.length).toBe(expected.length)
  return Array.from(found).reduce(
    (most, value, index) => Math.max(most, Math.abs(value - expected[index]!)),
    0,
  )
}

// What follows runs in the page.

type Tiny = Awaited<ReturnType<typeof longtake.load>>
declare const tiny: Tiny

async function askAll({ file, asked }: { file: string; asked: readonly string[] }) {
  const video = await tiny.watch(`/data/demo/${file}`, { frames: 64 })
  const answers = []
  for (const question of asked) {
    const answer = video.ask(question)
    let pieces = ''
    for await (const piece of answer) pieces += piece
    const { text, frames } = await answer
    answers.push({ text, pieces, weights: frames.map(({ weight }) => weight) })
  }
  const { plan } = video
  await video.close()
  return { answers, plan }
}

async function readFrames(address: string) {
  const video = await longtake.openVideo(address)
  const { facts } = video
  const times = facts.stills
    ? [0]
    : [0, 1, 2, 3].map((at) => facts.startSeconds + (facts.durationSeconds * at) / 4)
  const frames = []
  for (const mode of ['exact', 'keyframe'] as const) {
    for await (const { timestampSeconds, width, height, rgb } of video.frames(times, mode))
      frames.push({ timestampSeconds, width, height, rgb: btoa(String.fromCharCode(...rgb)) })
  }
  await video.close()
  return { facts, frames }
}

async function failureOf({ address, base64 = '' }: { address?: string; base64?: string }) {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
  try {
    const video = await tiny.watch(address ?? new Blob([bytes]))
    await video.close()
    return undefined
  } catch (error) {
    const { code, message } = error as Error & { code?: string }
    return { code, message }
  }
}

async function inspectMade({ weights, options }: { weights: 'fp32' | 'int8'; options: InspectOptions }) {
  const own = weights === 'fp32' ? tiny : await longtake.load('/checkpoint/', { weights })
  const pictures = Array.from({ length: 16 }, (_, index) => {
    const rgb = new Uint8Array(20 * 16 * 3).map((__, at) => (at * 7 + index * 31) % 256)
    return { rgb, width: 20, height: 16, timestampSeconds: 2 + index }
  })
  const { greedy, pixelValues, visionFeatures, visualTokens, logits } = await own.inspect(pictures, options)
  if (own !== tiny) await own.close()
  return {
    greedy,
    pixelValues: [...pixelValues.data],
    visionFeatures: [...visionFeatures.data],
    visualTokens: [...visualTokens.data],
    logits: [...logits.data],
  }
}
