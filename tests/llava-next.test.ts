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

/** What a reference says of one picture. */
interface Reference {
  readonly question: string
  readonly prompt: string
  readonly visualTokens: number
  readonly picture: { readonly width: number; readonly height: number; readonly rgb: Uint8Array }
  /** Words of the answer, without spaces. */
  readonly answer: string
}

async function readReference(name: string, folder = FOLDER): Promise<Reference> {
  const item = JSON.parse(await readFile(`${folder}/expected/expected.json`, 'utf8')).cases[name]
  const { question, prompt, files } = item
  const data = async (array: string, bytes: number): Promise<Buffer> =>
    (await readFile(`${folder}/expected/${files[array].file}`)).subarray(-bytes)
  const [, height, width] = files.frames_u8.shape
  const rgb = new Uint8Array(await data('frames_u8', width * height * 3))
  const [count] = files.greedy.shape
  const greedy = await data('greedy', count * 8)
  const ids = Array.from({ length: count }, (_, at) => Number(greedy.readBigInt64LE(at * 8)))
  const { model } = JSON.parse(await readFile(`${folder}/tokenizer.json`, 'utf8'))
  const words = new Map(Object.entries(model.vocab).map(([word, id]) => [id, word.replaceAll('▁', '')]))
  const answer = ids.map((id) => words.get(id)).join('')
  return {
    question,
    prompt,
    visualTokens: files.visual_tokens.shape[0],
    picture: { width, height, rgb },
    answer,
  }
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
    const { picture, question, ...expected } = await readReference(name)
    const { plan, answer } = await ask(png(picture.width, picture.height, picture.rgb), {}, question)
    expect(plan.visualTokens).toBe(expected.visualTokens)
    expect(answer.usage.visualTokens).toBe(expected.visualTokens)
    expect(answer.text.replaceAll(' ', '')).toBe(expected.answer)
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

test('PPLLaVA answers a still as the reference does: whole, by the question, with a line break', async () => {
  const folder = path('parity/ppllava_image')
  const { picture, question, ...expected } = await readReference('image', folder)
  const ppllava = await load(folder, { threads: 1 })
  try {
    const still = png(picture.width, picture.height, picture.rgb)
    const options = { pooling: 'guided' } as const
    const { plan, answer } = await ask(still, options, question, ppllava)
    expect(plan).toMatchObject({
      pooling: { kernel: [1, 3, 3], tokens: 4 },
      visualTokens: 5,
      trailingTokens: 1,
    })
    expect(answer.usage.visualTokens).toBe(expected.visualTokens)
    expect(answer.text.replaceAll(' ', '')).toBe(expected.answer)
    expect(answer.frames).toHaveLength(1)
    expect(answer.frames[0]!.weight).toBeCloseTo(1, 9)
    const several = await ask([still, still], options, question, ppllava)
    expect(several.plan).toMatchObject({ visualTokens: 8, trailingTokens: 0 })
  } finally {
    await ppllava.close()
  }
})

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
    const pictures = (await Promise.all(['wide', 'tall'].map((name) => readReference(name)))).map(
      ({ picture }) => picture,
    )
    const { prompt } = await readReference('wide')
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
  const { picture } = await readReference('wide')
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
