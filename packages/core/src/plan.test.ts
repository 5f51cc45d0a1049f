import fc from 'fast-check'
import { expect, test } from 'vitest'
import { minute, tinySpec, videoLlavaSpec } from './fixtures.js'
import {
  InvalidOptionError,
  kvCacheBytes,
  type ModelSpec,
  type PlanOptions,
  planVideo,
  ropeFrequencies,
  type VideoPlan,
} from './index.js'

const perImageSpec: ModelSpec = { ...tinySpec, encoder: { ...tinySpec.encoder, framesPerClip: 1 } }
const mentions = (plan: VideoPlan, words: string) => plan.notes.some((note) => note.includes(words))

const specs = fc
  .record({
    framesPerClip: fc.integer({ min: 1, max: 20 }),
    grid: fc.tuple(fc.integer({ min: 1, max: 26 }), fc.integer({ min: 1, max: 26 })),
    classToken: fc.boolean(),
    trainedLength: fc.integer({ min: 64, max: 40_000 }),
    pairs: fc.integer({ min: 2, max: 64 }),
    frames: fc.integer({ min: 1, max: 100 }),
  })
  .map(
    ({ framesPerClip, grid, classToken, trainedLength, pairs, frames }): ModelSpec => ({
      ...tinySpec,
      encoder: {
        framesPerClip,
        tokensPerFrame: grid[0] * grid[1] + Number(classToken),
        imageSize: 48,
        grid,
        classToken,
      },
      decoder: { ...tinySpec.decoder, headDim: 2 * pairs },
      context: { trainedLength, nominalLength: trainedLength },
      defaults: { ...tinySpec.defaults, frames, mostFrames: 2 * frames },
    }),
  )
const optionSets: fc.Arbitrary<PlanOptions> = fc.record(
  {
    frames: fc.oneof(fc.constant('auto' as const), fc.integer({ min: 1, max: 300 })),
    layout: fc.constantFrom('interleaved', 'contiguous', 'unordered'),
    rope: fc.constantFrom('none', 'linear', 'ntk', 'dynamic', 'yarn', 'llama3'),
    kvCache: fc.constantFrom('auto', 'fp32', 'int8', 'int4'),
    sampling: fc.constantFrom('auto', 'keyframe', 'exact'),
    promptTokens: fc.integer({ min: 0, max: 2000 }),
    maxNewTokens: fc.integer({ min: 1, max: 2000 }),
    prefillChunk: fc.integer({ min: 1, max: 2000 }),
    pooling: fc.constantFrom(undefined, 'none', 'average', 'max'),
  },
  { requiredKeys: [] },
)
const videos = fc
  .record({
    startSeconds: fc.double({ min: -1e6, max: 1e6, noNaN: true }),
    durationSeconds: fc.oneof(fc.constant(0), fc.double({ min: 0.01, max: 1e6, noNaN: true })),
    frameCount: fc.option(fc.integer({ min: 1, max: 1e6 }), { nil: undefined }),
    keyframeIntervalSeconds: fc.option(fc.double({ min: 0.01, max: 100, noNaN: true }), { nil: undefined }),
  })
  .map(({ startSeconds, durationSeconds, frameCount, keyframeIntervalSeconds }) => ({
    startSeconds,
    durationSeconds,
    ...(frameCount === undefined ? {} : { frameCount }),
    ...(keyframeIntervalSeconds === undefined ? {} : { keyframeIntervalSeconds }),
    width: 640,
    height: 360,
    codec: 'avc',
  }))

test('every plan is whole: frames, clips, order, times, tokens and bytes agree with each other', () => {
  fc.assert(
    fc.property(specs, videos, optionSets, (spec, video, options) => {
      const plan = planVideo(spec, video, options)
      const { framesPerClip, tokensPerFrame } = spec.encoder
      const all = Array.from({ length: plan.frames }, (_, index) => index)
      expect(plan.frames % framesPerClip).toBe(0)
      expect(plan.frames - plan.framesRequested).toBeGreaterThanOrEqual(0)
      expect(plan.frames - plan.framesRequested).toBeLessThan(framesPerClip)
      expect(plan.clips.flat().sort((a, b) => a - b)).toEqual(all)
      expect([...plan.order].sort((a, b) => a - b)).toEqual(all)
      expect(plan.timestamps).toHaveLength(plan.frames)
      expect([...plan.timestamps].sort((a, b) => a - b)).toEqual(plan.timestamps)
      expect(plan.timestamps[0]).toBeGreaterThanOrEqual(video.startSeconds)
      expect(plan.timestamps.at(-1)).toBeLessThanOrEqual(video.startSeconds + video.durationSeconds)
      expect(plan.visualTokens).toBe(plan.pooling?.tokens ?? plan.frames * tokensPerFrame)
      expect(plan.pooling?.tokensBefore ?? plan.visualTokens).toBe(plan.frames * tokensPerFrame)
      expect(plan.contextTokens).toBeGreaterThan(plan.visualTokens)
      expect(plan.kvCache.bytes).toBe(kvCacheBytes(spec.decoder, plan.contextTokens, plan.kvCache.type))
      expect(plan.prefillChunks * plan.prefillChunk).toBeGreaterThanOrEqual(plan.visualTokens)
      expect(plan.rope.inverseFrequencies).toHaveLength(spec.decoder.headDim / 2)
      expect(plan.rope.scale).toBeGreaterThanOrEqual(1)
    }),
  )
})

test('a plan is plain data, the same every time, and survives JSON', () => {
  fc.assert(
    fc.property(specs, videos, optionSets, (spec, video, options) => {
      const plan = planVideo(spec, video, options)
      expect(JSON.parse(JSON.stringify(plan))).toEqual(plan)
      expect(planVideo(spec, video, options)).toEqual(plan)
    }),
    { numRuns: 30 },
  )
})

test('the scale is the context over the trained length, and nothing is scaled where it fits', () => {
  fc.assert(
    fc.property(specs, fc.integer({ min: 1, max: 300 }), (spec, frames) => {
      const plan = planVideo(spec, minute, { frames })
      const trained = spec.context.trainedLength
      if (plan.contextTokens <= trained) {
        expect(plan.rope).toMatchObject({
          type: 'none',
          scale: 1,
          theta: spec.rope.theta,
          attentionFactor: 1,
        })
      } else {
        const { headDim } = spec.decoder
        const scale = plan.contextTokens / trained
        expect(plan.rope).toMatchObject({ type: 'ntk', scale })
        expect(plan.rope.theta / (spec.rope.theta * scale ** (headDim / (headDim - 2)))).toBeCloseTo(1, 12)
      }
    }),
  )
})

test('the embedded checkpoint: 8 frames fit its training, 32 stretch it', () => {
  expect(planVideo(tinySpec, minute, { frames: 8 })).toMatchObject({
    visualTokens: 40,
    contextTokens: 104,
    rope: { type: 'none', scale: 1 },
  })
  const plan = planVideo(tinySpec, minute)
  expect(plan).toMatchObject({
    frames: 32,
    visualTokens: 160,
    contextTokens: 224,
    rope: { type: 'ntk', scale: 1.75 },
  })
  expect(mentions(plan, '1.75 times the 128 of training')).toBe(true)
})

test('Video-LLaVA-7B at 64 frames: four times its context, 4 GiB of int8 cache', () => {
  const plan = planVideo(videoLlavaSpec, minute, { frames: 64, promptTokens: 100, maxNewTokens: 100 })
  expect(plan).toMatchObject({
    visualTokens: 16_448,
    contextTokens: 16_648,
    rope: { type: 'ntk', scale: 16_648 / 4096 },
  })
  expect(plan.kvCache).toEqual({ type: 'int8', bytes: 16_648 * 2 ** 18 + 2 ** 20 })
  expect(plan.prefillChunks).toBe(Math.ceil(16_548 / 512))
})

test.each(['linear', 'ntk', 'dynamic', 'yarn', 'llama3'] as const)(
  'rope %s takes the factor and base of the plan',
  (type) => {
    const { rope, contextTokens } = planVideo(tinySpec, minute, { frames: 64, rope: type })
    const factor = contextTokens / 128
    const bands = { lowFrequencyFactor: 1, highFrequencyFactor: 4 }
    const expected = ropeFrequencies(300, 32, { type, factor, originalLength: 128, ...bands }, contextTokens)
    expect(rope).toEqual({ type, scale: factor, ...expected })
  },
)

test('rope none leaves the angles and warns', () => {
  const plan = planVideo(tinySpec, minute, { frames: 64, rope: 'none' })
  expect(plan.rope).toMatchObject({ type: 'none', scale: 1, theta: 300 })
  expect(mentions(plan, 'RoPE is not scaled')).toBe(true)
})

test('a whole scaling is taken as it is, in place of everything', () => {
  const scaled: ModelSpec = { ...tinySpec, rope: { theta: 300, scaling: { type: 'linear', factor: 2 } } }
  const plan = planVideo(scaled, minute, { frames: 8, rope: { type: 'ntk', factor: 4 } })
  expect(plan.rope).toEqual({
    type: 'ntk',
    scale: 4,
    ...ropeFrequencies(300, 32, { type: 'ntk', factor: 4 }, 0),
  })
  const short = planVideo(tinySpec, minute, { frames: 64, rope: { type: 'linear', factor: 2 } })
  expect(short.rope.scale).toBe(2)
  expect(mentions(short, 'covers 2 times')).toBe(true)
})

test("a checkpoint's own scaling stays, and an extension comes on top of it", () => {
  const own = { type: 'linear', factor: 2 } as const
  const spec: ModelSpec = { ...tinySpec, rope: { theta: 300, scaling: own } }
  const inside = planVideo(spec, minute, { frames: 8 })
  expect(inside.rope).toEqual({ type: 'linear', scale: 2, ...ropeFrequencies(300, 32, own, 0) })
  const beyond = planVideo(spec, minute, { frames: 32 })
  const extended = ropeFrequencies(300, 32, { type: 'ntk', factor: 1.75 }, 0)
  expect(beyond.rope).toMatchObject({ type: 'ntk', scale: 1.75, theta: extended.theta })
  beyond.rope.inverseFrequencies.forEach((angle, pair) => {
    expect(angle / (extended.inverseFrequencies[pair]! / 2)).toBeCloseTo(1, 12)
  })
})

test("as far as a checkpoint's own yarn reaches, nothing is added; its own dynamic is followed", () => {
  const yarn = { type: 'yarn', factor: 4, originalLength: 128 } as const
  const spec: ModelSpec = { ...tinySpec, rope: { theta: 300, scaling: yarn } }
  const plan = planVideo(spec, minute, { frames: 32 })
  expect(plan.rope).toEqual({ type: 'yarn', scale: 4, ...ropeFrequencies(300, 32, yarn, 0) })
  const dynamic = { type: 'dynamic', factor: 2, originalLength: 128 } as const
  const dynamicSpec: ModelSpec = { ...tinySpec, rope: { theta: 300, scaling: dynamic } }
  const followed = planVideo(dynamicSpec, minute, { frames: 32, rope: 'dynamic' })
  expect(followed.rope).toEqual({ type: 'dynamic', scale: 2, ...ropeFrequencies(300, 32, dynamic, 224) })
  const replaced = planVideo(dynamicSpec, minute, { frames: 32, rope: 'ntk' })
  expect(replaced.rope).toEqual(planVideo(tinySpec, minute, { frames: 32, rope: 'ntk' }).rope)
})

test('without a budget a cache beyond 5 GiB gets smaller types, and none is refused', () => {
  const at = (frames: number) => planVideo(videoLlavaSpec, { ...minute, durationSeconds: 3600 }, { frames })
  const plain = { ...videoLlavaSpec, defaults: { ...videoLlavaSpec.defaults, kvCache: 'fp32' as const } }
  expect(planVideo(plain, minute, { frames: 8 }).kvCache.type).toBe('fp32')
  expect(planVideo(plain, minute, { frames: 32 }).kvCache.type).toBe('int8')
  expect(mentions(at(128), 'int4 to stay within 5 GiB')).toBe(true)
  expect(at(512).kvCache.type).toBe('int4')
  expect(planVideo(plain, minute, { frames: 64, kvCache: 'fp32' }).kvCache.type).toBe('fp32')
})

test('the cache gets smaller types until the budget holds, and a hopeless budget is refused', () => {
  const bytes = (type: 'fp32' | 'int8' | 'int4') => kvCacheBytes(tinySpec.decoder, 224, type)
  const within = (memoryBudgetBytes: number) => planVideo(tinySpec, minute, { memoryBudgetBytes })
  expect(within(bytes('fp32')).kvCache.type).toBe('fp32')
  expect(within(bytes('fp32') - 1).kvCache).toEqual({ type: 'int8', bytes: bytes('int8') })
  expect(mentions(within(bytes('fp32') - 1), 'int8 to stay within the memory budget')).toBe(true)
  expect(within(bytes('int8') - 1).kvCache.type).toBe('int4')
  expect(() => within(bytes('int4') - 1)).toThrow(`at least ${bytes('int4')} bytes`)
  expect(() => planVideo(tinySpec, minute, { kvCache: 'fp32', memoryBudgetBytes: bytes('int8') })).toThrow(
    'smaller kvCache',
  )
})

test('prefill takes the visual and prompt tokens in steps', () => {
  const plan = planVideo(tinySpec, minute, { promptTokens: 40, prefillChunk: 100 })
  expect(plan).toMatchObject({ prefillChunk: 100, prefillChunks: 2 })
  expect(planVideo(tinySpec, minute, { promptTokens: 41, prefillChunk: 100 }).prefillChunks).toBe(3)
})

test('says where the encoder makes rearrangement pointless', () => {
  expect(mentions(planVideo(perImageSpec, minute), 'each frame on its own')).toBe(true)
  expect(mentions(planVideo(tinySpec, minute), 'each frame on its own')).toBe(false)
})

test.each([
  [{ layout: 'striped' }, 'layout'],
  [{ rope: 'longrope' }, 'rope'],
  [{ rope: { type: 'ntk', factor: Number.NaN } }, 'rope.factor'],
  [{ rope: 7 }, 'rope'],
  [{ kvCache: 'int2' }, 'kvCache'],
  [{ sampling: 'fast' }, 'sampling'],
  [{ promptTokens: -1 }, 'promptTokens'],
  [{ promptTokens: 1e9 }, 'promptTokens'],
  [{ maxNewTokens: 0 }, 'maxNewTokens'],
  [{ prefillChunk: 0 }, 'prefillChunk'],
  [{ prefillChunk: 1e9 }, 'prefillChunk'],
  [{ memoryBudgetBytes: 0 }, 'memoryBudgetBytes'],
  [{ memoryBudgetBytes: Number.NaN }, 'memoryBudgetBytes'],
])('refuses %j by name', (options, name) => {
  const planning = () => planVideo(tinySpec, minute, options as PlanOptions)
  expect(planning).toThrow(InvalidOptionError)
  expect(planning).toThrow(expect.objectContaining({ option: name }))
})

test.each([
  [{ encoder: { ...tinySpec.encoder, framesPerClip: 0 } }, 'spec.encoder.framesPerClip'],
  [{ encoder: { ...tinySpec.encoder, tokensPerFrame: 1.5 } }, 'spec.encoder.tokensPerFrame'],
  [{ encoder: { ...tinySpec.encoder, tokensPerFrame: 6 } }, 'spec.encoder.tokensPerFrame'],
  [{ encoder: { ...tinySpec.encoder, tokensPerFrame: 1e7 + 1, grid: [2500, 4000] } }, 'frames'],
  [{ context: { trainedLength: 0, nominalLength: 0 } }, 'spec.context.trainedLength'],
  [{ defaults: { ...tinySpec.defaults, frames: Number.NaN } }, 'spec.defaults.frames'],
  [{ rope: { theta: -1, scaling: { type: 'none' } } }, 'rope.theta'],
])('refuses a checkpoint with %j', (change, name) => {
  const planning = () => planVideo({ ...tinySpec, ...(change as Partial<ModelSpec>) }, minute)
  expect(planning).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', option: name }))
})
