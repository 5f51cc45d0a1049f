import { kernelForShape, type PoolingPlan, poolingShape, type Triple } from '@longtake/core'
import { readIntoMemory } from '@longtake/kernels'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { writeCheckpoint } from '../../test/random-checkpoint.js'
import { openCheckpoint } from '../checkpoint/open-checkpoint.js'
import { createScratch, type FeatureReader } from '../features/index.js'
import { openBackend } from '../ort/index.js'
import { openVideo } from '../video/index.js'
import { Models } from './models.js'
import { poolFeatures } from './pool.js'
import { makeGuided, naiveSoftmax, naiveWindows } from './testing/naive-guide.js'

const GRID: Triple = [23, 3, 4]
const WIDTH = 5
const values = Float32Array.from({ length: 23 * 12 * WIDTH }, (_, at) => Math.sin(at * at))
const relevance = Float32Array.from(
  naiveSoftmax(Array.from({ length: 23 * 12 }, (_, at) => 3 * Math.cos(at * 1.7))),
)

let models: Models
let features: FeatureReader
let remove: () => Promise<void>

beforeAll(async () => {
  const written = await writeCheckpoint(makeGuided())
  remove = written.remove
  const platform = { createScratch, openVideo, openWeights: async () => readIntoMemory }
  const options = { weights: 'fp32', threads: 1, platform, signal: undefined } as const
  models = await Models.open(await openCheckpoint(written.folder), await openBackend('auto'), options)
  const frameSize = 12 * WIDTH
  const writer = await createScratch({
    frames: 23,
    blocks: [{ name: 'projected', floatsPerFrame: frameSize }],
  })
  for (let frame = 0; frame < 23; frame++) {
    await writer.put('projected', frame, values.subarray(frame * frameSize, (frame + 1) * frameSize))
  }
  features = await writer.commit(null)
})

afterAll(async () => {
  await features?.close()
  await models?.close()
  await remove?.()
})

function plan(method: PoolingPlan['method'], kernel: Triple, stride: Triple): PoolingPlan {
  const shape = poolingShape(GRID, kernel, stride)
  const tokens = shape[0] * shape[1] * shape[2]
  return { method, kernel, stride, grid: GRID, shape, tokens, tokensBefore: 23 * 12, temperature: 0.01 }
}

function naive(pooling: PoolingPlan): number[] {
  return naiveWindows(pooling).flatMap((members) => {
    const places = members.map(([frame, row, column]) => (frame * 3 + row) * 4 + column)
    const own = places.map((place) => relevance[place]! / pooling.temperature)
    const weights = pooling.method === 'guided' ? naiveSoftmax(own) : own.map(() => 1 / own.length)
    return Array.from({ length: WIDTH }, (_, channel) => {
      const all = places.map((place) => values[place * WIDTH + channel]!)
      return pooling.method === 'max'
        ? Math.max(...all)
        : all.reduce((sum, value, member) => sum + weights[member]! * value, 0)
    })
  })
}

const whole = kernelForShape(GRID, [2, 1, 2])

// A frame takes 240 bytes: from everything at once to one frame a run, where every window comes in pieces.
test.each([1 << 20, 2400, 700, 240, 1])(
  'pooling in runs of %d bytes is pooling at once',
  async (mostBytes) => {
    for (const method of ['average', 'max', 'guided'] as const) {
      for (const { kernel, stride } of [
        { kernel: [2, 3, 3] as Triple, stride: [2, 3, 3] as Triple },
        { kernel: [5, 2, 2] as Triple, stride: [3, 1, 2] as Triple },
        { kernel: [1, 1, 1] as Triple, stride: [4, 1, 1] as Triple },
        { kernel: [23, 3, 4] as Triple, stride: [23, 3, 4] as Triple },
        whole,
      ]) {
        const pooling = plan(method, kernel, stride)
        const target = new Float32Array(pooling.tokens * WIDTH)
        const guided = method === 'guided' ? relevance : undefined
        await poolFeatures(
          { models, features, pooling, relevance: guided, signal: undefined, mostBytes },
          target,
        )
        const expected = naive(pooling)
        const worst = target.reduce((most, value, at) => Math.max(most, Math.abs(value - expected[at]!)), 0)
        expect(worst).toBeLessThan(2e-5)
      }
    }
  },
)

test('is cancelled between runs', async () => {
  const pooling = plan('average', [2, 3, 3], [2, 3, 3])
  const target = new Float32Array(pooling.tokens * WIDTH)
  const work = { models, features, pooling, relevance: undefined, signal: AbortSignal.abort() }
  await expect(poolFeatures(work, target)).rejects.toMatchObject({ code: 'CANCELLED' })
})
