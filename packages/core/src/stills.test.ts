import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ppllavaSpec, tinySpec } from './fixtures.js'
import { type PlanOptions, planVideo, poolingWindows, type VideoFacts } from './index.js'

const images = (stills: number): VideoFacts => ({
  startSeconds: 0,
  durationSeconds: 0,
  frameCount: stills,
  width: 640,
  height: 480,
  codec: 'png',
  stills,
})
const mentions = (plan: { notes: readonly string[] }, words: string) =>
  plan.notes.some((note) => note.includes(words))
/** The tiny encoder of 8 frames at once, with more patches. */
const clipSpec = {
  ...tinySpec,
  encoder: { ...tinySpec.encoder, grid: [6, 6], tokensPerFrame: 37 },
} as const

test('an image is a frame where the encoder takes single frames', () => {
  const plan = planVideo(ppllavaSpec, images(1))
  expect(plan).toMatchObject({
    frames: 1,
    clips: [[0]],
    timestamps: [0],
    sampling: 'exact',
    visualTokens: 64,
    pooling: { kernel: [1, 3, 3], stride: [1, 3, 3], grid: [1, 24, 24], shape: [1, 8, 8] },
  })
  expect(plan.notes).toEqual(['1 frame × 576 tokens = 576 tokens pooled to 64, 88.9 % fewer (guided).'])
})

test('an image fills a clip of its own where the encoder takes several frames', () => {
  const plan = planVideo(clipSpec, images(3), { pooling: 'average' })
  expect(plan).toMatchObject({ frames: 24, framesRequested: 3, layout: 'contiguous', visualTokens: 12 })
  expect(plan.clips[1]).toEqual([8, 9, 10, 11, 12, 13, 14, 15])
  expect(plan.order).toEqual(Array.from({ length: 24 }, (_, index) => index))
  expect(plan.timestamps).toEqual([0, 1, 2].flatMap((image) => new Array<number>(8).fill(image)))
  expect(plan.pooling).toMatchObject({
    kernel: [8, 3, 3],
    stride: [8, 3, 3],
    grid: [24, 6, 6],
    shape: [3, 2, 2],
  })
  expect(mentions(plan, '3 images, repeated 8 times each: the encoder takes 8 frames at a time')).toBe(true)
})

test('without pooling, images enter as their clips', () => {
  expect(planVideo(clipSpec, images(2))).toMatchObject({ pooling: null, visualTokens: 2 * 8 * 37 })
})

test('another layout than contiguous is not possible, and said', () => {
  const plan = planVideo(clipSpec, images(2), { layout: 'unordered' })
  expect(plan.layout).toBe('contiguous')
  expect(mentions(plan, 'contiguous instead of unordered')).toBe(true)
  expect(mentions(planVideo(clipSpec, images(2), { layout: 'contiguous' }), 'instead')).toBe(false)
})

test('windows and shapes of the caller count images', () => {
  const single = planVideo(clipSpec, images(4), { pooling: { method: 'max', kernel: [1, 2, 2] } })
  expect(single.pooling).toMatchObject({ kernel: [8, 2, 2], stride: [8, 2, 2], shape: [4, 3, 3] })
  const pairs = planVideo(clipSpec, images(4), { pooling: { method: 'max', kernel: [2, 6, 6] } })
  expect(pairs.pooling).toMatchObject({ kernel: [16, 6, 6], shape: [2, 1, 1] })
  const shaped = planVideo(clipSpec, images(4), { pooling: { method: 'max', shape: [2, 3, 3] } })
  expect(shaped.pooling).toMatchObject({ kernel: [16, 2, 2], shape: [2, 3, 3] })
  const wide = () => planVideo(clipSpec, images(1), { pooling: { method: 'max', kernel: [2, 3, 3] } })
  expect(wide).toThrow('pooling.kernel: expected at most 1 frames')
})

test('a budget takes from the space of images before two share a window', () => {
  const within = (stills: number, tokenBudget: number) =>
    planVideo(ppllavaSpec, images(stills), { tokenBudget })
  expect(within(4, 256).pooling).toMatchObject({ shape: [4, 8, 8] })
  expect(within(4, 40).pooling).toMatchObject({ shape: [4, 3, 3] })
  expect(within(4, 4).pooling).toMatchObject({ shape: [4, 1, 1] })
  expect(mentions(within(4, 4), 'images share')).toBe(false)
  expect(within(4, 2).pooling).toMatchObject({ shape: [2, 1, 1] })
  expect(mentions(within(4, 2), '4 images are more than the budget has tokens')).toBe(true)
  expect(() => planVideo(ppllavaSpec, images(2), { tokenBudget: 600, pooling: 'none' })).toThrow('2 images')
})

test('no window holds two images where the budget has a token for each', () => {
  const budgets = fc.integer({ min: 1, max: 500 })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), budgets, (stills, tokenBudget) => {
      const { pooling } = planVideo(clipSpec, images(stills), { pooling: 'average', tokenBudget })
      expect(pooling!.tokens).toBeLessThanOrEqual(tokenBudget)
      if (stills > tokenBudget) return
      expect(pooling!.shape[0]).toBe(stills)
      const { members } = poolingWindows(pooling!, 0, stills)
      const width = members.length / pooling!.tokens
      for (let window = 0; window < pooling!.tokens; window++) {
        const held = members.subarray(window * width, (window + 1) * width)
        expect(new Set(Array.from(held, (patch) => Math.floor(patch / (8 * 36)))).size).toBe(1)
      }
    }),
    { numRuns: 40 },
  )
})

test('what chooses frames of a video is refused for images, but for its defaults', () => {
  const refused: PlanOptions[] = [
    { frames: 8 },
    { fps: 1 },
    { maxFrames: 8 },
    { startSeconds: 0 },
    { endSeconds: 1 },
    { sampling: 'keyframe' },
  ]
  for (const options of refused) {
    const [option] = Object.keys(options)
    const planning = () => planVideo(ppllavaSpec, images(2), options)
    expect(planning).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', option }))
    expect(planning).toThrow('the input is images, and every image is seen')
  }
  expect(planVideo(ppllavaSpec, images(2), { frames: 'auto', sampling: 'auto', fps: undefined }).frames).toBe(
    2,
  )
})

test.each([0, -1, 1.5, Number.NaN, 5000])('refuses %s images', (stills) => {
  const planning = () => planVideo(ppllavaSpec, { ...images(1), stills })
  expect(planning).toThrow(expect.objectContaining({ option: 'video.stills' }))
})
