import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Longtake, load, type WatchOptions } from '../packages/runtime/src/index.js'
import { temporaryPath, useTemporaryFolder } from './support/temporary-folder.js'

useTemporaryFolder()

const path = (name: string) => fileURLToPath(new URL(`data/${name}`, import.meta.url))
const QUESTION = 'what is in the video?'
/** Tokens of one frame after the bilinear step, and the line break after the last one. */
const [PER_FRAME, NEWLINE] = [16, 1]

let longtake: Longtake

beforeAll(async () => {
  longtake = await load(path('parity/llava_onevision'), { threads: 1 })
})

afterAll(() => longtake?.close())

async function ask(options: WatchOptions, model = longtake) {
  await using video = await model.watch(path('video/vp9.webm'), options)
  const answer = await video.ask(QUESTION, { maxTokens: 8, trace: true })
  return { plan: video.plan, answer }
}

describe('a llava_onevision folder', () => {
  test('is watched with the tokens that its plan counts', async () => {
    const { plan, answer } = await ask({ frames: 5 })
    expect(plan.visualTokens).toBe(5 * PER_FRAME + NEWLINE)
    expect(answer.usage.visualTokens).toBe(plan.visualTokens)
    expect(answer.frames).toHaveLength(5)
    expect(answer.frames.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1, 9)
  })

  test.each(['average', 'max'] as const)('pools the bilinear grid by %s', async (method) => {
    const { plan, answer } = await ask({ frames: 6, pooling: method })
    expect(plan.pooling).toMatchObject({ grid: [6, 4, 4], kernel: [2, 2, 2], shape: [3, 2, 2], tokens: 12 })
    expect(plan.visualTokens).toBe(12 + NEWLINE)
    expect(answer.trace?.windows).toHaveLength(12)
    expect(answer.frames.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1, 9)
  })

  test('answers the same with pooling that merges nothing', async () => {
    const kernel = [1, 1, 1] as const
    const [pooled, plain] = [
      await ask({ frames: 4, pooling: { method: 'average', kernel } }),
      await ask({ frames: 4 }),
    ]
    expect(pooled.answer.text).toBe(plain.answer.text)
    for (const [index, { weight }] of plain.answer.frames.entries()) {
      expect(pooled.answer.frames[index]?.weight).toBeCloseTo(weight, 5)
    }
  })

  test('answers the same from the cache of features', async () => {
    const cached = await load(path('parity/llava_onevision'), {
      threads: 1,
      cache: { folder: temporaryPath('features') },
    })
    try {
      const plain = await ask({ frames: 4 })
      for (const _ of ['made', 'found']) {
        const { answer } = await ask({ frames: 4 }, cached)
        expect(answer.text).toBe(plain.answer.text)
        expect(answer.frames).toEqual(plain.answer.frames)
      }
    } finally {
      await cached.close()
    }
  })

  test('has no guide to pool by', async () => {
    await expect(ask({ frames: 4, pooling: 'guided' })).rejects.toThrow('this checkpoint has no text encoder')
  })

  test.each(['int8', 'int4'] as const)('is watched with a KV cache in %s', async (kvCache) => {
    const { plan, answer } = await ask({ frames: 4, kvCache })
    expect(plan.kvCache.type).toBe(kvCache)
    expect(answer.usage.visualTokens).toBe(4 * PER_FRAME + NEWLINE)
    expect(answer.usage.completionTokens).toBeGreaterThan(0)
  })
})
