import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { encode } from 'fast-png'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type InputFrame, type Longtake, load, type WatchOptions } from '../packages/runtime/src/index.js'
import type { VideoInputs } from '../packages/runtime/src/video/index.js'
import { temporaryPath, useTemporaryFolder } from './support/temporary-folder.js'

useTemporaryFolder()

const path = (name: string) => fileURLToPath(new URL(`data/${name}`, import.meta.url))
const FOLDER = path('parity/llava_next')
/** Patches of one tile: 5 × 5. */
const TILE = 25

let longtake: Longtake

beforeAll(async () => {
  longtake = await load(FOLDER, { threads: 1 })
})

afterAll(() => longtake?.close())

interface ExpectedCase {
  readonly question: string
  readonly prompt: string
  readonly tokens: number
  readonly files: Record<string, { readonly file: string; readonly shape: number[] }>
}

async function expectedCase(name: string): Promise<ExpectedCase> {
  return JSON.parse(await readFile(`${FOLDER}/expected/expected.json`, 'utf8')).cases[name]
}

/** A case's picture. */
async function pictureOf({
  files,
}: ExpectedCase): Promise<Required<Pick<InputFrame, 'width' | 'height'>> & { rgb: Uint8Array }> {
  const { file, shape } = files.frames_u8!
  const [, height, width] = shape as [number, number, number, number]
  const bytes = await readFile(`${FOLDER}/expected/${file}`)
  return { width, height, rgb: new Uint8Array(bytes.subarray(bytes.length - width * height * 3)) }
}

function png(width: number, height: number, rgb?: Uint8Array): Uint8Array {
  const data = rgb ?? Uint8Array.from({ length: width * height * 3 }, (_, at) => (at * 37) % 256)
  return encode({ width, height, data, channels: 3, depth: 8 })
}

async function ask(
  input: VideoInputs,
  options: WatchOptions = {},
  question = 'what is it?',
  model = longtake,
) {
  await using video = await model.watch(input, options)
  const answer = await video.ask(question, { maxTokens: 16 })
  return { video, plan: video.plan, answer, sheet: await video.storyboard() }
}

describe('a still picture', () => {
  test.each(['wide', 'tall'])('is answered as the reference does: %s', async (name) => {
    const item = await expectedCase(name)
    const { width, height, rgb } = await pictureOf(item)
    const { plan, answer } = await ask(png(width, height, rgb), {}, item.question)
    expect(plan.visualTokens).toBe(item.tokens)
    expect(answer.usage.visualTokens).toBe(item.tokens)
    const { data } = await readGreedy(item)
    const vocabulary: Record<string, number> = JSON.parse(await readFile(`${FOLDER}/tokenizer.json`, 'utf8'))
      .model.vocab
    const words = new Map(Object.entries(vocabulary).map(([word, id]) => [id, word.replaceAll('▁', '')]))
    expect(answer.text.replaceAll(' ', '')).toBe(data.map((id) => words.get(id)).join(''))
  })

  test('is one frame to who asks, whatever its tiles', async () => {
    const seen: [string, number, number][] = []
    const onProgress: WatchOptions['onProgress'] = ({ stage, done, total }) => seen.push([stage, done, total])
    const { plan, answer, video } = await ask(png(73, 47), { onProgress })
    expect(plan).toMatchObject({ frames: 1, crops: [{ tiles: [2, 2] }] })
    expect(answer.frames).toHaveLength(1)
    expect(answer.frames[0]!.weight).toBeCloseTo(1, 9)
    expect(video.timestamps).toEqual([0])
    // The whole picture and four tiles.
    expect(seen).toContainEqual(['encode', 5, 5])
    expect(seen.filter(([, done, total]) => done > total)).toEqual([])
  })

  // Rows of 10 patches: of a square, 6 in 5 rows; of what is too thin for a patch, none in 5 rows, or one row of 10.
  test.each([
    [1, 1, TILE + 5 * 7],
    [20, 20, TILE + 5 * 7],
    [1, 5000, TILE + 5],
    [5000, 1, TILE + 11],
  ])('of %i×%i pixels has the tokens of its plan', async (width, height, tokens) => {
    const { plan, answer } = await ask(png(width, height))
    expect(plan.visualTokens).toBe(tokens)
    expect(plan.crops).toMatchObject([{ size: [height, width], tiles: [1, 2], tokens }])
    expect(answer.usage.visualTokens).toBe(tokens)
    expect(answer.text).not.toBe('')
  })

  test('answers the same from the cache of features', async () => {
    const cache = { folder: temporaryPath('features') }
    const cached = await load(FOLDER, { threads: 1, cache })
    try {
      const plain = await ask(png(73, 47))
      for (const note of [undefined, 'Features came from the cache']) {
        const { answer, plan, sheet } = await ask(png(73, 47), {}, undefined, cached)
        expect(answer.text).toBe(plain.answer.text)
        expect(answer.frames).toEqual(plain.answer.frames)
        expect(sheet).toEqual(plain.sheet)
        if (note !== undefined) expect(plan.notes.join()).toContain(note)
      }
      // Without its tiles it is kept as something else.
      const { plan } = await ask(png(73, 47), { pooling: 'average' }, undefined, cached)
      expect(plan.notes.join()).not.toContain('came from the cache')
    } finally {
      await cached.close()
    }
  })

  test('that is pooled enters whole, and ends with a line break', async () => {
    const { plan, answer } = await ask(png(73, 47), { pooling: 'average' })
    expect(plan.crops).toBeUndefined()
    expect(plan.visualTokens).toBe(plan.pooling!.tokens + 1)
    expect(answer.usage.visualTokens).toBe(plan.visualTokens)
    expect(answer.frames[0]!.weight).toBeCloseTo(1, 9)
  })
})

/** Token ids of the reference's answer. */
async function readGreedy({ files }: ExpectedCase): Promise<{ data: number[] }> {
  const { file, shape } = files.greedy!
  const bytes = await readFile(`${FOLDER}/expected/${file}`)
  const data = bytes.subarray(bytes.length - shape[0]! * 8)
  return { data: Array.from({ length: shape[0]! }, (_, at) => Number(data.readBigInt64LE(at * 8))) }
}

describe('several still pictures', () => {
  const files = [png(73, 47), png(29, 67), png(1, 1)]

  test('are cut each by its own size, and weighed each', async () => {
    const { plan, answer } = await ask(files)
    expect(plan.crops!.map(({ size, tiles }) => [size, tiles])).toEqual([
      [
        [47, 73],
        [2, 2],
      ],
      [
        [67, 29],
        [3, 1],
      ],
      [
        [1, 1],
        [1, 2],
      ],
    ])
    expect(answer.usage.visualTokens).toBe(plan.crops!.reduce((sum, { tokens }) => sum + tokens, 0))
    expect(answer.frames.map(({ timestamp }) => timestamp)).toEqual([0, 1, 2])
    expect(answer.frames.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1, 9)
  })

  test('stand one after the other: each has the tokens that it has alone', async () => {
    const pictures = await Promise.all(
      ['wide', 'tall'].map(async (name) => pictureOf(await expectedCase(name))),
    )
    const { prompt } = await expectedCase('wide')
    const tokensOf = async (frames: readonly InputFrame[]): Promise<number[]> => {
      const { visualTokens } = await longtake.inspect(frames, { prompt, stills: true, greedyTokens: 0 })
      return Array.from(visualTokens.data)
    }
    const [first, second] = [await tokensOf(pictures.slice(0, 1)), await tokensOf(pictures.slice(1))]
    const both = await tokensOf(pictures)
    expect(both).toHaveLength(first.length + second.length)
    const expected = [...first, ...second]
    const difference = both.reduce((most, value, at) => Math.max(most, Math.abs(value - expected[at]!)), 0)
    expect(difference).toBeLessThan(1e-5)
  })
})

test('pictures of one’s own are stills where that is said, and else frames', async () => {
  const picture = await pictureOf(await expectedCase('wide'))
  const ofFile = await ask(png(picture.width, picture.height, picture.rgb))
  await using given = await longtake.watchFrames([picture], { stills: true })
  expect(given.plan).toEqual(ofFile.plan)
  const { text, frames } = await given.ask('what is it?', { maxTokens: 16 })
  expect([text, frames]).toEqual([ofFile.answer.text, ofFile.answer.frames])
  await using frame = await longtake.watchFrames([picture])
  expect(frame.plan).toMatchObject({ visualTokens: TILE })
  const odd = { stills: 1 as unknown as boolean }
  await expect(longtake.watchFrames([picture], odd)).rejects.toThrow('stills: expected true or false')
})

test('frames of a video enter whole', async () => {
  const { plan, answer } = await ask(path('video/vp9.webm'), { frames: 3 })
  expect(plan.crops).toBeUndefined()
  expect(plan.visualTokens).toBe(3 * TILE)
  expect(answer.frames).toHaveLength(3)
})

test('whether pictures are stills is true or false', async () => {
  const frames = [{ rgb: new Uint8Array(3), width: 1, height: 1 }]
  const options = { question: 'what?', stills: 'yes' as unknown as boolean }
  await expect(longtake.inspect(frames, options)).rejects.toThrow('stills')
})
