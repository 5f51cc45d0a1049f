import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { decode, encode } from 'fast-png'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Longtake,
  load,
  storyboard,
  type WatchedVideo,
  type WatchOptions,
} from '../packages/runtime/src/index.js'
import type { VideoInputs } from '../packages/runtime/src/video/index.js'
import { picturesAt } from './support/films.js'
import { type Held, held } from './support/held.js'
import { openRandomModel, type RandomModel } from './support/random-model.js'
import { expectRefusal } from './support/refusal.js'
import { temporaryFile, useTemporaryFolder } from './support/temporary-folder.js'

useTemporaryFolder()

const image = (name: string) => fileURLToPath(new URL(`data/images/${name}`, import.meta.url))
const QUESTION = 'what is the first colour ?'

let model: RandomModel
let longtake: Longtake

beforeAll(async () => {
  model = await openRandomModel()
  longtake = model.longtake
  await answerTo(image('rgb.png'))
})

afterAll(() => longtake?.close())

/** An answer, and the weights of what it rests on, which tell small differences of pixels. */
interface Seen {
  readonly text: string
  readonly weights: readonly number[]
}

async function ask(video: WatchedVideo): Promise<Seen> {
  const { text, frames } = await video.ask(QUESTION, { maxTokens: 8 })
  return { text, weights: frames.map(({ weight }) => weight) }
}

async function answerTo(input: VideoInputs, options: WatchOptions = {}): Promise<Seen> {
  await using video = await longtake.watch(input, options)
  return await ask(video)
}

const heldNow = (): Promise<Held> => held(model.backend)

/** The same pixels as frames of a caller's own, each as often as a clip is long. */
async function answerToFrames(inputs: readonly string[]): Promise<Seen> {
  const { framesPerClip } = longtake.spec.encoder
  const pictures = await Promise.all(inputs.map(async (input) => (await picturesAt(input, [0]))[0]!))
  const frames = pictures.flatMap((picture) => Array.from({ length: framesPerClip }, () => picture))
  const timed = frames.map((frame, index) => ({ ...frame, timestampSeconds: index }))
  await using video = await longtake.watchFrames(timed, { layout: 'contiguous', pooling: 'none' })
  return await ask(video)
}

describe('a still picture', () => {
  test.each(['rgb.png', '420.jpg', 'orientation-6.jpg', 'lossy.webp', 'plain.gif', 'alpha.bmp'])(
    '%s is answered from its pixels',
    async (name) => {
      const before = await heldNow()
      expect(await answerTo(image(name), { pooling: 'none' })).toEqual(await answerToFrames([image(name)]))
      expect(await heldNow()).toEqual(before)
    },
  )

  test('fills one clip, has no length, and can be drawn', async () => {
    await using video = await longtake.watch(image('orientation-6.jpg'))
    expect(video.facts).toMatchObject({ stills: 1, durationSeconds: 0, width: 22, height: 37, codec: 'jpeg' })
    expect(video.plan.frames).toBe(longtake.spec.encoder.framesPerClip)
    expect(new Set(video.plan.timestamps)).toEqual(new Set([0]))
    const { frames } = await video.ask(QUESTION, { maxTokens: 4 })
    expect(frames.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1)
    expect(Buffer.from(await video.storyboard()).toString('latin1', 1, 4)).toBe('PNG')
  })

  test('that moves or is transparent says so in the plan', async () => {
    const { notes } = await longtake.plan([image('animated.gif'), image('alpha.png')])
    expect(notes.join()).toMatch(/animated\.gif .*first picture/)
    expect(notes.join()).toMatch(/alpha\.png .*white/)
  })

  test.each([
    [1, 1],
    [16_384, 1],
    [1, 16_384],
  ])('of %i×%i is watched', async (width, height) => {
    const data = new Uint8Array(width * height * 3).map((_, index) => index % 256)
    const path = await temporaryFile('odd.png', encode({ width, height, data, channels: 3, depth: 8 }))
    expect((await answerTo(path)).text).not.toBe('')
  })
})

describe('several still pictures', () => {
  const names = ['rgb.png', 'orientation-6.jpg', 'lossy.webp'].map(image)

  test('are answered from the pixels of each', async () => {
    const before = await heldNow()
    const answer = await answerTo(names, { pooling: 'none' })
    expect(answer).toEqual(await answerToFrames(names))
    expect(await answerTo([...names].reverse(), { pooling: 'none' })).not.toEqual(answer)
    const bytes = await Promise.all(names.map((name) => readFile(name)))
    expect(await answerTo(bytes, { pooling: 'none' })).toEqual(answer)
    expect(await heldNow()).toEqual(before)
  })

  test('stand at their places', async () => {
    await using video = await longtake.watch(names)
    expect(video.facts).toMatchObject({ stills: 3, frameCount: 3, durationSeconds: 0 })
    const { framesPerClip } = longtake.spec.encoder
    const places = [0, 1, 2].flatMap((place) => Array.from({ length: framesPerClip }, () => place))
    expect(video.plan.timestamps).toEqual(places)
    const { frames } = await video.ask(QUESTION, { maxTokens: 4 })
    expect(frames.map(({ timestamp }) => timestamp)).toEqual(places)
  })

  test('are drawn once each, however many frames they fill', async () => {
    await using video = await longtake.watch(names, { pooling: 'none' })
    const { framesPerClip } = longtake.spec.encoder
    expect(framesPerClip).toBeGreaterThan(1)
    const weights = [1, 2, 5].flatMap((weight) => Array.from({ length: framesPerClip }, () => weight))
    const pictures = await Promise.all([0, 1, 2].map((place) => video.thumbnail(place * framesPerClip)))
    const small = pictures
      .map((png) => decode(png))
      .map(({ width, height, data }) => {
        return { width, height, rgb: Uint8Array.from(data) }
      })
    const sums = [1, 2, 5].map((weight) => weight * framesPerClip)
    const expected = await storyboard(small, { timestamps: [0, 1, 2], weights: sums })
    expect(Buffer.from(await video.storyboard({ weights })).equals(Buffer.from(expected))).toBe(true)
    await expectRefusal(video.storyboard({ weights: [1, 2, 5] }), 'SHAPE')
    await expectRefusal(video.storyboard({ weights: weights.with(1, -0.5) }), 'INVALID_OPTION')
  })

  test('with one that is damaged, or a film, are refused and nothing stays open', async () => {
    const before = await heldNow()
    const cut = (await readFile(image('420.jpg'))).subarray(0, 700)
    expect((await expectRefusal(longtake.watch([...names, cut]), 'VIDEO_TRUNCATED')).message).toContain(
      '4 of 4',
    )
    const film = fileURLToPath(new URL('data/video/vp9.webm', import.meta.url))
    const failure = await expectRefusal(longtake.watch([...names, film]), 'INVALID_OPTION')
    expect(failure.message).toContain('watched by itself')
    await expectRefusal(longtake.watch([]), 'INVALID_OPTION')
    expect(await heldNow()).toEqual(before)
  })
})

test('the embedded checkpoint answers about pictures', async () => {
  const manifest = fileURLToPath(new URL('../packages/tiny/package.json', import.meta.url))
  await using tiny = await load(`${dirname(manifest)}/checkpoint`, { threads: 1 })
  for (const input of [image('rgb.png'), [image('rgb.png'), image('444.jpg'), image('turned.webp')]]) {
    await using video = await tiny.watch(input)
    const answer = await video.ask('What shape is it?', { maxTokens: 12 })
    expect(answer.text).not.toBe('')
    expect(answer.frames).toHaveLength(video.plan.frames)
  }
})
