import fc from 'fast-check'
import { expect, test } from 'vitest'
import { minute, ppllavaSpec, tinySpec } from './fixtures.js'
import {
  InvalidOptionError,
  kernelForShape,
  type ModelSpec,
  type PlanOptions,
  planVideo,
  type Triple,
  type VideoPlan,
} from './index.js'

const mentions = (plan: VideoPlan, words: string) => plan.notes.some((note) => note.includes(words))
const product = (triple: Triple) => triple[0] * triple[1] * triple[2]
const plan = (options: PlanOptions) => planVideo(ppllavaSpec, minute, options)

test('32 frames of 24 × 24 patches: 18,432 tokens become 1,024', () => {
  const pooled = plan({ frames: 32 })
  expect(pooled.pooling).toEqual({
    method: 'guided',
    kernel: [2, 3, 3],
    stride: [2, 3, 3],
    grid: [32, 24, 24],
    shape: [16, 8, 8],
    tokens: 1024,
    tokensBefore: 18_432,
    temperature: 0.01,
  })
  expect(pooled).toMatchObject({ visualTokens: 1024, contextTokens: 1024 + 512, rope: { type: 'none' } })
  expect(pooled.prefillChunks).toBe(Math.ceil((1024 + 256) / 512))
  expect(pooled.notes).toContain(
    '32 frames × 576 tokens = 18432 tokens pooled to 1024, 94.4 % fewer (guided).',
  )
})

test("without pooling every token enters the context, whatever the checkpoint's own budget", () => {
  expect(plan({ frames: 32, pooling: 'none' })).toMatchObject({ pooling: null, visualTokens: 18_432 })
  expect(planVideo(tinySpec, minute)).toMatchObject({ pooling: null, visualTokens: 160 })
})

test('the class token counts before pooling and is dropped by it', () => {
  const pooled = planVideo(tinySpec, minute, {
    frames: 64,
    pooling: { method: 'average', kernel: [4, 1, 2] },
  })
  expect(pooled.pooling).toMatchObject({ grid: [64, 2, 2], shape: [16, 2, 1], tokensBefore: 320, tokens: 32 })
  expect(pooled.notes).toContain('64 frames × 5 tokens = 320 tokens pooled to 32, 90 % fewer (average).')
})

test('a kernel of the caller steps by itself; a stride of the caller is taken; a shape gives both', () => {
  expect(plan({ frames: 32, pooling: { method: 'max', kernel: [4, 6, 8] } }).pooling).toMatchObject({
    method: 'max',
    stride: [4, 6, 8],
    shape: [8, 4, 3],
  })
  expect(
    plan({ frames: 32, pooling: { method: 'max', kernel: [4, 6, 8], stride: [2, 3, 4] } }).pooling,
  ).toMatchObject({ stride: [2, 3, 4], shape: [15, 7, 5] })
  expect(plan({ frames: 32, pooling: { method: 'average', shape: [5, 7, 1] } }).pooling).toMatchObject({
    ...kernelForShape([32, 24, 24], [5, 7, 1]),
    shape: [5, 7, 1],
    tokens: 35,
  })
})

test('says what no window reaches: at the end, and between windows', () => {
  const odd = plan({ frames: 33, pooling: { method: 'average', kernel: [2, 5, 3] } })
  expect(odd.notes).toContain(
    'Pooling leaves out 1 of 33 frames, 4 of 24 rows: windows of 2×5×3, 2×5×3 apart, do not reach them.',
  )
  const gaps = plan({ frames: 8, pooling: { method: 'average', kernel: [1, 24, 24], stride: [3, 24, 24] } })
  expect(gaps.pooling).toMatchObject({ shape: [3, 1, 1] })
  expect(mentions(gaps, 'leaves out 5 of 8 frames:')).toBe(true)
  expect(mentions(plan({ frames: 32 }), 'leaves out')).toBe(false)
})

test('what is left out is what no window holds', () => {
  const sizes = fc.record({
    frames: fc.integer({ min: 1, max: 40 }),
    kernel: fc.integer({ min: 1, max: 40 }),
    stride: fc.integer({ min: 1, max: 50 }),
  })
  fc.assert(
    fc.property(sizes, ({ frames, kernel, stride }) => {
      fc.pre(kernel <= frames)
      const pooling = { method: 'average', kernel: [kernel, 24, 24], stride: [stride, 24, 24] } as const
      const pooled = plan({ frames, pooling })
      const seen = new Set<number>()
      for (let start = 0; start + kernel <= frames; start += stride)
        for (let frame = start; frame < start + kernel; frame++) seen.add(frame)
      expect(mentions(pooled, `leaves out ${frames - seen.size} of ${frames} frames`)).toBe(
        seen.size < frames,
      )
    }),
  )
})

test("a volume smaller than the checkpoint's window cuts the window, and says so", () => {
  const pooled = planVideo(ppllavaSpec, minute, { frames: 1 })
  expect(pooled.pooling).toMatchObject({ kernel: [1, 3, 3], stride: [1, 3, 3], shape: [1, 8, 8] })
  expect(mentions(pooled, 'window of 2×3×3 is cut to 1×3×3')).toBe(true)
})

test('a budget: space as the checkpoint, time as the rest holds, no frame left out', () => {
  // 1,024 tokens hold 16 steps of 8 × 8.
  expect(plan({ frames: 64, tokenBudget: 1024 }).pooling).toMatchObject({
    kernel: [4, 3, 3],
    stride: [4, 3, 3],
    shape: [16, 8, 8],
  })
  expect(plan({ frames: 64, tokenBudget: 1023 }).pooling).toMatchObject({ shape: [15, 8, 8] })
  // More than the frames need: every frame on its own, but never finer in space than the checkpoint.
  expect(plan({ frames: 32, tokenBudget: 100_000 }).pooling).toMatchObject({
    kernel: [1, 3, 3],
    shape: [32, 8, 8],
  })
})

test('one token that is left of thousands is not told as none', () => {
  expect(mentions(plan({ frames: 32, tokenBudget: 1 }), 'pooled to 1, 99.9 % fewer')).toBe(true)
})

test('a budget below one step takes fewer windows in space, down to a single token', () => {
  const shapeWithin = (tokenBudget: number) => plan({ frames: 32, tokenBudget }).pooling?.shape
  expect(shapeWithin(64)).toEqual([1, 8, 8])
  expect(shapeWithin(63)).toEqual([1, 7, 8])
  expect(shapeWithin(49)).toEqual([1, 7, 7])
  expect(shapeWithin(2)).toEqual([1, 1, 2])
  expect(shapeWithin(1)).toEqual([1, 1, 1])
  expect(plan({ frames: 32, tokenBudget: 1 }).pooling).toMatchObject({ kernel: [32, 24, 24] })
})

test("the checkpoint's own budget replaces its window only where that would exceed it", () => {
  expect(plan({ frames: 16 }).pooling).toMatchObject({ kernel: [2, 3, 3], tokens: 512 })
  expect(plan({ frames: 48 }).pooling).toMatchObject({ kernel: [3, 3, 3], tokens: 1024 })
  expect(plan({ frames: 48, pooling: { method: 'guided', kernel: [2, 3, 3] } }).pooling).toMatchObject({
    tokens: 1536,
  })
})

test('frames that do not divide get windows that overlap by no more than one stride', () => {
  // 63 frames in 32 steps would be windows of 32 frames, one apart.
  expect(plan({ frames: 63, tokenBudget: 32 * 64 }).pooling).toMatchObject({
    kernel: [3, 3, 3],
    stride: [2, 3, 3],
    shape: [31, 8, 8],
  })
  expect(plan({ frames: 33, tokenBudget: 32 * 64 }).pooling).toMatchObject({
    kernel: [2, 3, 3],
    stride: [1, 3, 3],
    shape: [32, 8, 8],
  })
})

const grids = fc.tuple(fc.integer({ min: 1, max: 27 }), fc.integer({ min: 1, max: 27 }))
const specs = fc.record({ grid: grids, perClip: fc.constantFrom(1, 8) }).map(
  ({ grid, perClip }): ModelSpec => ({
    ...ppllavaSpec,
    encoder: { ...ppllavaSpec.encoder, framesPerClip: perClip, grid, tokensPerFrame: grid[0] * grid[1] },
  }),
)

test('within any budget, with any frames: all of them, and at least half of the steps that fit', () => {
  const budgets = fc.integer({ min: 1, max: 3000 })
  fc.assert(
    fc.property(specs, budgets, fc.integer({ min: 1, max: 400 }), (spec, tokenBudget, frames) => {
      const { pooling, visualTokens, ...pooled } = planVideo(spec, minute, { frames, tokenBudget })
      const { shape, kernel, stride, grid, tokens } = pooling!
      expect(visualTokens).toBe(tokens)
      expect(tokens).toBe(product(shape))
      expect(tokens).toBeLessThanOrEqual(tokenBudget)
      expect((shape[0] - 1) * stride[0] + kernel[0]).toBe(pooled.frames)
      expect(kernel[0]).toBeLessThanOrEqual(2 * stride[0])
      const room = Math.min(pooled.frames, Math.floor(tokenBudget / (shape[1] * shape[2])))
      expect(shape[0]).toBeGreaterThanOrEqual(room / 2)
      const own = [1, 2].map((axis) => Math.floor(Math.max(grid[axis]! - 3, 0) / 3) + 1)
      expect(shape[1]).toBeLessThanOrEqual(own[0]!)
      expect(shape[2]).toBeLessThanOrEqual(own[1]!)
      if (own[0]! * own[1]! <= tokenBudget) expect(shape.slice(1)).toEqual(own)
    }),
  )
})

test('a checkpoint without a guide pools by average and max', () => {
  expect(() => planVideo(tinySpec, minute, { pooling: 'guided' })).toThrow("'average', 'max' or 'none'")
  expect(planVideo(tinySpec, minute, { pooling: 'max' }).pooling).toMatchObject({ method: 'max' })
})

test.each([
  [{ pooling: 'mean' }, 'pooling'],
  [{ pooling: null }, 'pooling'],
  [{ pooling: 3 }, 'pooling'],
  [{ pooling: {} }, 'pooling.method'],
  [{ pooling: { method: 'mean' } }, 'pooling.method'],
  [{ pooling: { method: 'max', size: 3 } }, 'pooling.size'],
  [{ pooling: ['max'] }, 'pooling.0'],
  [{ pooling: { method: 'max', kernel: [0, 3, 3] } }, 'pooling.kernel'],
  [{ pooling: { method: 'max', kernel: [2, -3, 3] } }, 'pooling.kernel'],
  [{ pooling: { method: 'max', kernel: [2, 3, 2.5] } }, 'pooling.kernel'],
  [{ pooling: { method: 'max', kernel: [2, 3] } }, 'pooling.kernel'],
  [{ pooling: { method: 'max', kernel: '2,3,3' } }, 'pooling.kernel'],
  [{ pooling: { method: 'max', kernel: [33, 3, 3] }, frames: 32 }, 'pooling.kernel'],
  [{ pooling: { method: 'max', kernel: [2, 3, 25] } }, 'pooling.kernel'],
  [{ pooling: { method: 'max', kernel: [2, 3, 3], stride: [0, 1, 1] } }, 'pooling.stride'],
  [{ pooling: { method: 'max', stride: [2, 3, 3] } }, 'pooling.stride'],
  [{ pooling: { method: 'max', shape: [33, 8, 8] }, frames: 32 }, 'pooling.shape'],
  [{ pooling: { method: 'max', shape: [8, 0, 8] } }, 'pooling.shape'],
  [{ pooling: { method: 'max', shape: [8, 8, 8], kernel: [2, 3, 3] } }, 'pooling.kernel'],
  [{ pooling: { method: 'max', shape: [8, 8, 8], stride: [2, 3, 3] } }, 'pooling.stride'],
  [{ pooling: { method: 'none', kernel: [2, 3, 3] } }, 'pooling.kernel'],
  [{ pooling: { method: 'max', shape: [8, 8, 8] }, tokenBudget: 512 }, 'tokenBudget'],
  [{ pooling: { method: 'max', kernel: [2, 3, 3] }, tokenBudget: 512 }, 'tokenBudget'],
  [{ tokenBudget: 0 }, 'tokenBudget'],
  [{ tokenBudget: 0.5 }, 'tokenBudget'],
  [{ tokenBudget: -1 }, 'tokenBudget'],
  [{ tokenBudget: 1e9 }, 'tokenBudget'],
  [{ tokenBudget: '1024' }, 'tokenBudget'],
  [{ tokenBudget: 1000, pooling: 'none', frames: 2 }, 'tokenBudget'],
  [{ tokenBudget: 575, pooling: 'none' }, 'tokenBudget'],
])('refuses %j by name', (options, option) => {
  const planning = () => plan(options as PlanOptions)
  expect(planning).toThrow(InvalidOptionError)
  expect(planning).toThrow(expect.objectContaining({ option }))
})

test.each([
  [{ pooling: { ...ppllavaSpec.pooling, kernel: [2, 0, 3] } }, 'spec.pooling.kernel'],
  [{ pooling: { ...ppllavaSpec.pooling, imageStride: [1, 3] } }, 'spec.pooling.imageStride'],
  [{ pooling: { ...ppllavaSpec.pooling, temperature: 0 } }, 'spec.pooling.temperature'],
  [{ pooling: { ...ppllavaSpec.pooling, guided: false } }, 'spec.defaults.pooling'],
  [{ defaults: { ...ppllavaSpec.defaults, pooling: 'mean' } }, 'spec.defaults.pooling'],
  [{ defaults: { ...ppllavaSpec.defaults, tokenBudget: 0 } }, 'spec.defaults.tokenBudget'],
  [{ defaults: { ...ppllavaSpec.defaults, mostFrames: 31 } }, 'spec.defaults.mostFrames'],
  [{ encoder: { ...ppllavaSpec.encoder, mostFramesPerClip: 0 } }, 'spec.encoder.mostFramesPerClip'],
  [{ encoder: { ...ppllavaSpec.encoder, grid: [24, 0] } }, 'spec.encoder.grid'],
  [{ encoder: { ...ppllavaSpec.encoder, classToken: true } }, 'spec.encoder.tokensPerFrame'],
])('refuses a checkpoint with %j', (change, option) => {
  const planning = () => planVideo({ ...ppllavaSpec, ...(change as Partial<ModelSpec>) }, minute)
  expect(planning).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', option }))
})
