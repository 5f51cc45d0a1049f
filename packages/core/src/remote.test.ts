import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { minute } from './fixtures.js'
import { planVideo } from './plan.js'
import type { PlanOptions } from './plan-types.js'
import type { ModelSpec } from './spec.js'

const remoteSpec: ModelSpec = {
  family: 'openai',
  encoder: { framesPerClip: 1, imageSize: 512, tokensPerFrame: 100, grid: [1, 100], classToken: false },
  remote: { sendFrames: 8 },
  decoder: { layers: 0, kvHeads: 0, headDim: 0, hiddenSize: 0, vocabularySize: 0 },
  rope: { theta: 10_000, scaling: { type: 'none' } },
  context: { trainedLength: 4096, nominalLength: 4096 },
  pooling: {
    guided: false,
    temperature: 0.01,
    kernel: [1, 1, 1],
    stride: [1, 1, 1],
    imageKernel: [1, 1, 1],
    imageStride: [1, 1, 1],
  },
  defaults: {
    frames: 8,
    ropeType: 'none',
    kvCache: 'fp32',
    pooling: 'none',
    tokenBudget: undefined,
    mostFrames: 50,
  },
}

describe('a plan for a model that runs elsewhere', () => {
  test('samples a frame a second, sends some of them, and holds nothing itself', () => {
    const plan = planVideo(remoteSpec, minute)
    expect(plan.frames).toBe(50)
    expect(plan.sent).toBe(8)
    expect(plan.visualTokens).toBe(800)
    expect(plan.contextTokens).toBe(800 + 256 + 256)
    expect(plan.kvCache.bytes).toBe(0)
    expect(plan.rope.type).toBe('none')
    expect(plan.notes.join(' ')).toContain('Of 50 frames 8 go with each question.')
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan)
  })

  test('a local plan says nothing of sending', () => {
    const { remote: _, ...local } = remoteSpec
    const decoder = { layers: 1, kvHeads: 1, headDim: 4, hiddenSize: 4, vocabularySize: 4 }
    expect(planVideo({ ...local, decoder }, minute)).not.toHaveProperty('sent')
  })

  test('sends what the context holds beside the text, and says so', () => {
    const small = { ...remoteSpec, context: { trainedLength: 1000, nominalLength: 1000 } }
    const plan = planVideo(small, minute)
    // A quarter of the context for the question, a quarter for the answer.
    expect(plan.sent).toBe(5)
    expect(plan.contextTokens).toBeLessThanOrEqual(1000)
    expect(plan.notes).toContain('5 pictures of about 100 tokens are what context or budget hold, not 8.')
  })

  test('refuses a context that holds no picture', () => {
    const none = { ...remoteSpec, context: { trainedLength: 120, nominalLength: 120 } }
    expect(() => planVideo(none, minute)).toThrow(/remote.contextTokens: expected room for a picture/)
  })

  test.each<[keyof PlanOptions, unknown]>([
    ['layout', 'contiguous'],
    ['rope', 'ntk'],
    ['kvCache', 'int8'],
    ['pooling', 'average'],
    ['pooling', { method: 'none' }],
    ['prefillChunk', 64],
  ])('refuses %s, which the endpoint decides', (name, value) => {
    expect(() => planVideo(remoteSpec, minute, { [name]: value })).toThrow(
      new RegExp(`^${name}: expected nothing: the model runs elsewhere`),
    )
  })

  test('keeps budgets: of tokens by sending less, of memory by holding nothing', () => {
    const plan = planVideo(remoteSpec, minute, { tokenBudget: 350, memoryBudgetBytes: 1 })
    expect(plan).toMatchObject({ sent: 3, visualTokens: 300, kvCache: { bytes: 0 } })
    expect(() => planVideo(remoteSpec, minute, { tokenBudget: 99 })).toThrow(
      /^tokenBudget: expected at least 100/,
    )
  })

  test('takes what asks for nothing', () => {
    const asked = planVideo(remoteSpec, minute, { pooling: 'none', kvCache: 'auto' })
    expect(asked).toEqual(planVideo(remoteSpec, minute))
  })

  test('sends still images up to the same number', () => {
    const stills = { ...minute, stills: 12, durationSeconds: 0 }
    expect(planVideo(remoteSpec, stills)).toMatchObject({ frames: 12, sent: 8 })
    expect(planVideo(remoteSpec, { ...stills, stills: 3 })).toMatchObject({ frames: 3, sent: 3 })
  })

  test('never sends more than is sampled, asked for, or held', () => {
    const numbers = fc.record({
      sendFrames: fc.integer({ min: 1, max: 4096 }),
      frames: fc.option(fc.integer({ min: 1, max: 4096 }), { nil: undefined }),
      length: fc.integer({ min: 1000, max: 1 << 20 }),
      seconds: fc.double({ min: 0, max: 1e5, noNaN: true }),
    })
    fc.assert(
      fc.property(numbers, ({ sendFrames, frames, length, seconds }) => {
        const context = { trainedLength: length, nominalLength: length }
        const spec = { ...remoteSpec, remote: { sendFrames }, context }
        const plan = planVideo(spec, { ...minute, durationSeconds: seconds }, { frames })
        expect(plan.sent).toBeGreaterThanOrEqual(1)
        expect(plan.sent).toBeLessThanOrEqual(Math.min(plan.frames, sendFrames))
        expect(plan.contextTokens).toBeLessThanOrEqual(length)
      }),
    )
  })
})
