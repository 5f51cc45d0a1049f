import { expect, test } from 'vitest'
import { minute, ppllavaSpec } from './fixtures.js'
import { type ModelSpec, planVideo } from './index.js'

/** LLaVA-OneVision: 14 × 14 tokens a frame, one more after the last frame. */
const spec: ModelSpec = {
  ...ppllavaSpec,
  family: 'llava_onevision',
  encoder: {
    ...{ framesPerClip: 1, imageSize: 384, tokensPerFrame: 196, grid: [14, 14], classToken: false },
    trailingTokens: 1,
  },
  pooling: { ...ppllavaSpec.pooling, guided: false, kernel: [2, 2, 2], stride: [2, 2, 2] },
  defaults: { ...ppllavaSpec.defaults, pooling: 'none', tokenBudget: undefined },
}

test('are counted once a video, whatever the number of frames', () => {
  const plan = planVideo(spec, minute, { frames: 8, promptTokens: 10, maxNewTokens: 20 })
  expect(plan.visualTokens).toBe(8 * 196 + 1)
  expect(plan.contextTokens).toBe(8 * 196 + 31)
})

test('are counted after pooling, and are not pooled', () => {
  const { pooling, visualTokens } = planVideo(spec, minute, { frames: 8, pooling: 'average' })
  expect(pooling?.shape).toEqual([4, 7, 7])
  expect(pooling?.tokens).toBe(196)
  expect(visualTokens).toBe(197)
})

test('fit into a token budget with the frames', () => {
  expect(planVideo(spec, minute, { tokenBudget: 2 * 196 + 1 }).frames).toBe(2)
  expect(planVideo(spec, minute, { tokenBudget: 2 * 196 }).frames).toBe(1)
  const exact = { frames: 2, tokenBudget: 2 * 196 + 1 }
  expect(planVideo(spec, minute, exact).visualTokens).toBe(393)
  expect(() => planVideo(spec, minute, { ...exact, tokenBudget: 392 })).toThrow('at least the 393 tokens')
  expect(() => planVideo(spec, minute, { tokenBudget: 196 })).toThrow('at least 197 tokens')
})

test('fit into a token budget with pooled tokens', () => {
  for (const tokenBudget of [2, 50, 99, 197, 500]) {
    const plan = planVideo(spec, minute, { frames: 16, pooling: 'average', tokenBudget })
    expect(plan.visualTokens).toBeLessThanOrEqual(tokenBudget)
  }
  const nothingLeft = { frames: 16, pooling: 'average', tokenBudget: 1 } as const
  expect(() => planVideo(spec, minute, nothingLeft)).toThrow('tokenBudget: expected at least 2')
})

test.each([-1, 0.5, Number.NaN])('a spec with %d of them is refused', (trailingTokens) => {
  const wrong = { ...spec, encoder: { ...spec.encoder, trailingTokens } }
  expect(() => planVideo(wrong, minute)).toThrow('spec.encoder.trailingTokens')
})
