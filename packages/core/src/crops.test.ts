import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ppllavaSpec, videoLlavaSpec } from './fixtures.js'
import { type ModelSpec, type PlanOptions, planVideo, type VideoFacts, type VideoPlan } from './index.js'

const RESOLUTIONS = [
  [336, 672],
  [672, 336],
  [672, 672],
  [1008, 336],
  [336, 1008],
] as const

/** LLaVA-NeXT as published. */
const spec: ModelSpec = {
  ...ppllavaSpec,
  family: 'llava_next',
  encoder: { ...ppllavaSpec.encoder, stills: { resolutions: RESOLUTIONS } },
  pooling: { ...ppllavaSpec.pooling, guided: false },
  defaults: { ...videoLlavaSpec.defaults, pooling: 'none' },
}

const image = (width: number, height: number): VideoFacts => ({
  ...{ startSeconds: 0, durationSeconds: 0, frameCount: 1, codec: 'png', stills: 1 },
  ...{ width, height },
})
const images = (...stillSizes: (readonly [number, number])[]): VideoFacts => ({
  ...image(1, 1),
  stills: stillSizes.length,
  stillSizes,
})
const cropsOf = (width: number, height: number) => planVideo(spec, image(width, height)).crops![0]!
const withResolutions = (resolutions: readonly unknown[]): ModelSpec => ({
  ...spec,
  encoder: { ...spec.encoder, stills: { resolutions: resolutions as typeof RESOLUTIONS } },
})

describe('LLaVA-NeXT cuts an image as published', () => {
  // Sizes and counts that the published processor and model give.
  test.each([
    [640, 480, [672, 672], [504, 672], [36, 48], 2340],
    [1920, 1080, [672, 672], [378, 672], [28, 48], 1948],
    [1080, 1920, [672, 672], [672, 378], [48, 28], 1968],
    [4000, 3000, [672, 672], [505, 672], [36, 48], 2340],
    [1000, 100, [336, 1008], [101, 1008], [8, 72], 1160],
    [336, 336, [336, 672], [336, 336], [24, 24], 1176],
    [1, 1, [336, 672], [336, 336], [24, 24], 1176],
    // So thin that no patch is left of it: line breaks of empty rows, or no rows.
    [1, 5000, [336, 672], [336, 1], [24, 0], 600],
    [5000, 1, [336, 672], [1, 672], [0, 48], 576],
  ])('%i×%i pixels', (width, height, resolution, resized, patches, tokens) => {
    const plan = planVideo(spec, image(width, height))
    expect(plan.crops).toMatchObject([{ size: [height, width], resolution, resized, patches, tokens }])
    expect(plan).toMatchObject({ frames: 1, clips: [[0]], visualTokens: tokens, trailingTokens: 0 })
  })

  test('and says so in the plan', () => {
    const plan = planVideo(spec, image(640, 480))
    expect(plan.notes).toEqual([
      'The image of 640×480 pixels enters whole and in 2×2 tiles (rows × columns): 2340 tokens.',
    ])
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan)
  })
})

const sides = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 10_000 }))
const grids = fc.record({
  side: fc.integer({ min: 1, max: 9 }),
  classToken: fc.boolean(),
  tiles: fc.array(fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 })), { minLength: 1 }),
})

function specOf({
  side,
  classToken,
  tiles,
}: typeof grids extends fc.Arbitrary<infer G> ? G : never): ModelSpec {
  const imageSize = side * 4
  return {
    ...spec,
    encoder: {
      ...{ framesPerClip: 1, imageSize, grid: [side, side], classToken },
      tokensPerFrame: side * side + (classToken ? 1 : 0),
      stills: {
        resolutions: tiles.map(([rows, columns]) => [rows * imageSize, columns * imageSize] as const),
      },
    },
  }
}

describe('for any picture and list of resolutions', () => {
  test('the resolution is one of the list, and none keeps more of the picture', () => {
    fc.assert(
      fc.property(grids, sides, sides, (grid, width, height) => {
        const cut = specOf(grid)
        const { resolutions } = cut.encoder.stills!
        const { resolution } = planVideo(cut, image(width, height)).crops![0]!
        expect(resolutions).toContainEqual(resolution)
        const kept = ([rows, columns]: readonly [number, number]): number => {
          const scale = Math.min(columns / width, rows / height)
          return Math.min(Math.floor(width * scale) * Math.floor(height * scale), width * height)
        }
        for (const other of resolutions) {
          expect(kept(other)).toBeLessThanOrEqual(kept(resolution))
          if (kept(other) < kept(resolution)) continue
          expect(other[0] * other[1]).toBeGreaterThanOrEqual(resolution[0] * resolution[1])
        }
      }),
    )
  })

  test('the picture keeps its shape, and only one axis is padded', () => {
    fc.assert(
      fc.property(grids, sides, sides, (grid, width, height) => {
        const { resolution, resized } = planVideo(specOf(grid), image(width, height)).crops![0]!
        const [rows, columns] = resized
        expect(rows === resolution[0] || columns === resolution[1]).toBe(true)
        expect(rows >= 1 && rows <= resolution[0] && columns >= 1 && columns <= resolution[1]).toBe(true)
        const scale = Math.min(resolution[0] / height, resolution[1] / width)
        expect(Math.abs(rows - height * scale)).toBeLessThan(1)
        expect(Math.abs(columns - width * scale)).toBeLessThan(1)
      }),
    )
  })

  test('patches of the padding are left out, as many on both sides, and the tokens add up', () => {
    fc.assert(
      fc.property(grids, sides, sides, (grid, width, height) => {
        const cut = specOf(grid)
        const plan = planVideo(cut, image(width, height))
        const { tiles, offset, patches, resized, resolution, tokens } = plan.crops![0]!
        for (const axis of [0, 1] as const) {
          const all = tiles[axis] * cut.encoder.grid[axis]
          expect(patches[axis] + 2 * offset[axis]).toBe(all)
          // Fewer than one patch of the picture is lost on a side, fewer than one of the padding stays, but for roundings.
          const filled = (all * resized[axis]) / resolution[axis]
          expect(Math.abs(patches[axis] - filled)).toBeLessThan(2 + all / resolution[axis])
        }
        expect(Math.min(...offset)).toBe(0)
        expect(tokens).toBe(cut.encoder.tokensPerFrame + patches[0] * (patches[1] + 1))
        expect(plan.visualTokens).toBe(tokens)
      }),
    )
  })
})

describe('several images', () => {
  test('are cut each by its own size', () => {
    const plan = planVideo(spec, images([480, 640], [100, 1000], [1, 1]))
    expect(plan.crops).toEqual([cropsOf(640, 480), cropsOf(1000, 100), cropsOf(1, 1)])
    expect(plan.visualTokens).toBe(2340 + 1160 + 1176)
    expect(plan).toMatchObject({ frames: 3, clips: [[0], [1], [2]], timestamps: [0, 1, 2] })
    expect(plan.notes[0]).toEqual('3 images enter whole and in 9 tiles together: 4676 tokens.')
  })

  test('of one size need no list', () => {
    const plan = planVideo(spec, { ...image(640, 480), stills: 2 })
    expect(plan.crops).toEqual([cropsOf(640, 480), cropsOf(640, 480)])
  })

  test.each([
    ['more sizes than images', { ...images([2, 2], [2, 2]), stills: 1 }, 'video.stillSizes'],
    ['a size of nothing', images([0, 4], [2, 2]), 'video.height'],
    ['half a pixel', images([4, 4], [2, 2.5]), 'video.width'],
    ['a size beyond all pictures', image(1e9, 1), 'video.width'],
    ['more tiles than frames may be', { ...image(640, 480), stills: 1000 }, 'video.stills'],
  ])('%s are refused', (_, facts, option) => {
    expect(() => planVideo(spec, facts)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', option }))
  })

  test('have to fit into a budget whole', () => {
    const planned = (tokenBudget: number): VideoPlan => planVideo(spec, image(640, 480), { tokenBudget })
    expect(planned(2340).visualTokens).toBe(2340)
    expect(() => planned(2339)).toThrow('at least the 2340 tokens of 1 images')
  })
})

describe('images enter whole', () => {
  const planned = (facts: VideoFacts, options: PlanOptions = {}, model = spec): VideoPlan =>
    planVideo(model, facts, options)

  test('where they are pooled, which is said; a lone one ends with a line break', () => {
    const plan = planned(image(640, 480), { pooling: 'average' })
    expect(plan.crops).toBeUndefined()
    expect(plan).toMatchObject({ pooling: { shape: [1, 8, 8] }, visualTokens: 65, trailingTokens: 1 })
    expect(plan.notes.join()).toContain('enter whole')
    expect(planned(images([9, 9], [9, 9]), { pooling: 'average' })).toMatchObject({
      ...{ visualTokens: 128, trailingTokens: 0 },
    })
  })

  test('in PPLLaVA, with a line break after a lone one', () => {
    const ppllava = { ...ppllavaSpec, encoder: { ...ppllavaSpec.encoder, stills: { resolutions: [] } } }
    expect(planned(image(640, 480), {}, ppllava)).toMatchObject({ visualTokens: 65, trailingTokens: 1 })
    expect(planned(image(640, 480), { pooling: 'none' }, ppllava).visualTokens).toBe(577)
    expect(planned(images([9, 9], [9, 9]), {}, ppllava).visualTokens).toBe(128)
    expect(planned(image(640, 480), { tokenBudget: 10 }, ppllava).visualTokens).toBeLessThanOrEqual(10)
  })

  test('as frames of a video do', () => {
    const video = { ...image(640, 480), stills: undefined, durationSeconds: 60, frameCount: 1500 }
    const { stills: _, ...facts } = video
    expect(planned(facts, { frames: 4 })).toMatchObject({ visualTokens: 4 * 576, trailingTokens: 0 })
    expect(planned(facts).crops).toBeUndefined()
  })
})

test.each([
  ['no tile', [[336, 0]]],
  ['half a tile', [[336, 500]]],
  ['a billion pixels', [[336, 336e9]]],
  ['not a number', [['336', 672]]],
  ['one edge', [[336]]],
  ['three edges', [[336, 336, 336]]],
  ['more tiles than frames may be', [[336 * 100, 336 * 100]]],
])('a spec with a resolution of %s is refused', (_, resolutions) => {
  expect(() => planVideo(withResolutions(resolutions), image(9, 9))).toThrow(
    'spec.encoder.stills.resolutions[0]',
  )
})

test('a spec that cuts images for an encoder of clips is refused', () => {
  const clips = { ...spec, encoder: { ...spec.encoder, framesPerClip: 8 } }
  expect(() => planVideo(clips, image(9, 9))).toThrow('spec.encoder.framesPerClip')
})
