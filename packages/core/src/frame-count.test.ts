import fc from 'fast-check'
import { expect, test } from 'vitest'
import { minute, ppllavaSpec, tinySpec } from './fixtures.js'
import { type ModelSpec, type PlanOptions, planVideo, type VideoFacts } from './index.js'
import { AUTO_SECONDS_PER_FRAME } from './limits.js'

const lasting = (durationSeconds: number, framesPerSecond = 25): VideoFacts => ({
  ...minute,
  durationSeconds,
  frameCount: Math.max(Math.round(durationSeconds * framesPerSecond), 1),
  framesPerSecond,
})
/** A video whose length is that many automatic frames. */
const worth = (frames: number): VideoFacts => lasting(frames * AUTO_SECONDS_PER_FRAME)
const mentions = (plan: { notes: readonly string[] }, words: string) =>
  plan.notes.some((note) => note.includes(words))

/** BT-Adapter: any number of frames up to 64 at once. */
const adapterSpec: ModelSpec = {
  ...ppllavaSpec,
  encoder: { ...ppllavaSpec.encoder, mostFramesPerClip: 64 },
}

test('with pooling, automatic frames grow with the length between the bounds of the checkpoint', () => {
  const frames = (count: number) => planVideo(ppllavaSpec, worth(count)).frames
  expect([2, 15, 32].map(frames)).toEqual([32, 32, 32])
  expect(frames(160)).toBe(160)
  const long = planVideo(ppllavaSpec, worth(1800))
  expect(long).toMatchObject({ frames: 512, visualTokens: 1024 })
  expect(mentions(long, 's would be 1800; at most 512 are taken')).toBe(true)
})

test('automatic frames share out evenly: for 150 frames, 160 fill 16 windows of 10', () => {
  expect(planVideo(ppllavaSpec, worth(150)).pooling).toMatchObject({
    kernel: [10, 3, 3],
    stride: [10, 3, 3],
    shape: [16, 8, 8],
  })
})

test('automatic frames leave room for a shape or window of the caller', () => {
  const short = worth(3)
  const shaped = planVideo(ppllavaSpec, short, { pooling: { method: 'max', shape: [40, 1, 1] } })
  expect(shaped).toMatchObject({ frames: 40, pooling: { kernel: [1, 24, 24] } })
  const windowed = planVideo(ppllavaSpec, short, { pooling: { method: 'max', kernel: [40, 24, 24] } })
  expect(windowed).toMatchObject({ frames: 40, visualTokens: 1 })
  const few = () => planVideo(ppllavaSpec, lasting(1, 6), { pooling: { method: 'max', shape: [40, 1, 1] } })
  expect(few).toThrow('at most 6 frames')
})

test('without pooling, a budget bounds automatic frames to the whole clips that it holds', () => {
  const plan = planVideo(tinySpec, minute, { tokenBudget: 100 })
  expect(plan).toMatchObject({ frames: 16, visualTokens: 80 })
  expect(mentions(plan, '16 frames are what a budget of 100 tokens holds')).toBe(true)
  expect(planVideo(tinySpec, minute, { tokenBudget: 10_000 }).frames).toBe(32)
  expect(() => planVideo(tinySpec, minute, { tokenBudget: 39 })).toThrow('at least 40 tokens, one clip of 8')
  expect(() => planVideo(tinySpec, minute, { tokenBudget: 100, frames: 32 })).toThrow('160 tokens')
  expect(() => planVideo(tinySpec, minute, { tokenBudget: 100, fps: 1 })).toThrow('tokenBudget')
})

const specs = fc
  .record({
    perClip: fc.constantFrom(1, 4, 8),
    side: fc.integer({ min: 1, max: 24 }),
    mostFramesPerClip: fc.option(fc.integer({ min: 1, max: 64 }), { nil: undefined }),
    frames: fc.integer({ min: 1, max: 64 }),
    mostFrames: fc.integer({ min: 64, max: 600 }),
    tokenBudget: fc.option(fc.integer({ min: 1, max: 2048 }), { nil: undefined }),
    kernelFrames: fc.integer({ min: 1, max: 4 }),
  })
  .map(
    ({ perClip, side, mostFramesPerClip, kernelFrames, ...defaults }): ModelSpec => ({
      ...ppllavaSpec,
      encoder: {
        framesPerClip: perClip,
        imageSize: 14 * side,
        tokensPerFrame: side ** 2,
        grid: [side, side],
        classToken: false,
        ...(mostFramesPerClip === undefined ? {} : { mostFramesPerClip }),
      },
      pooling: { ...ppllavaSpec.pooling, kernel: [kernelFrames, 3, 3], stride: [kernelFrames, 3, 3] },
      defaults: { ...ppllavaSpec.defaults, ...defaults },
    }),
  )
const rates = fc.constantFrom(0.05, 0.3, 1, 25)
const options: fc.Arbitrary<PlanOptions> = fc.record(
  { tokenBudget: fc.integer({ min: 1, max: 2048 }), maxFrames: fc.integer({ min: 1, max: 500 }) },
  { requiredKeys: [] },
)

test('automatic frames never fall as the video gets longer, nor do tokens exceed the budget', () => {
  const durations = fc.array(fc.double({ min: 0.1, max: 5000, noNaN: true }), {
    minLength: 2,
    maxLength: 12,
  })
  fc.assert(
    fc.property(specs, durations, rates, options, (spec, durations, rate, options) => {
      const budget = options.tokenBudget ?? spec.defaults.tokenBudget ?? Number.POSITIVE_INFINITY
      let before = 0
      for (const duration of durations.sort((a, b) => a - b)) {
        const plan = planVideo(spec, lasting(duration, rate), options)
        expect(plan.visualTokens).toBeLessThanOrEqual(budget)
        expect(plan.frames).toBeGreaterThanOrEqual(before)
        expect(plan.clips.every((clip) => clip.length === plan.clips[0]?.length)).toBe(true)
        before = plan.frames
      }
    }),
    { numRuns: 300 },
  )
})

test('automatic frames stay within the bounds, and within a quarter of what they are for evenness', () => {
  fc.assert(
    fc.property(specs, fc.double({ min: 0.1, max: 5000, noNaN: true }), (spec, duration) => {
      const { frames } = planVideo(spec, lasting(duration))
      const { framesPerClip, mostFramesPerClip } = spec.encoder
      const { mostFrames } = spec.defaults
      const oneClip = mostFramesPerClip === undefined ? framesPerClip : 1
      expect(frames).toBeLessThanOrEqual(Math.max(mostFrames, oneClip))
      const wanted = Math.min(
        Math.max(Math.ceil(duration / AUTO_SECONDS_PER_FRAME), spec.defaults.frames),
        mostFrames,
      )
      const pictures = Math.max(Math.round(duration * 25), 1)
      expect(frames).toBeGreaterThan(Math.min(wanted, pictures) * 0.75 - (mostFramesPerClip ?? framesPerClip))
    }),
  )
})

test('a temporal branch takes what fits it as one clip, and more in equal interleaved clips', () => {
  const one = planVideo(adapterSpec, minute, { frames: 50 })
  expect(one).toMatchObject({ frames: 50, framesRequested: 50 })
  expect(one.clips).toEqual([Array.from({ length: 50 }, (_, index) => index)])
  const three = planVideo(adapterSpec, minute, { frames: 130 })
  expect(three).toMatchObject({ frames: 132, framesRequested: 130 })
  expect(three.clips.map((clip) => clip.length)).toEqual([44, 44, 44])
  expect(three.clips[1]?.slice(0, 3)).toEqual([1, 4, 7])
  expect(mentions(three, '130 frames rounded up to 132: the encoder takes up to 64 at a time')).toBe(true)
  expect(mentions(three, 'each frame on its own')).toBe(false)
  expect(planVideo(adapterSpec, minute, { frames: 130, maxFrames: 131 }).frames).toBe(129)
})

test('clips of a temporal branch: equal, as few as possible, and no more than it takes', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4096 }), fc.integer({ min: 1, max: 100 }), (frames, most) => {
      const spec = { ...adapterSpec, encoder: { ...adapterSpec.encoder, mostFramesPerClip: most } }
      const plan = planVideo(spec, minute, { frames, pooling: { method: 'max', kernel: [1, 24, 24] } })
      const count = Math.ceil(frames / most)
      expect(plan.clips).toHaveLength(count)
      expect(plan.frames).toBe(count * Math.ceil(frames / count))
      for (const clip of plan.clips) expect(clip).toHaveLength(plan.frames / count)
      expect(plan.frames / count).toBeLessThanOrEqual(most)
    }),
    { numRuns: 40 },
  )
})
