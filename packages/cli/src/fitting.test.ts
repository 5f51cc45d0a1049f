import { publishedModels } from '@longtake/runtime'
import { expect, test } from 'vitest'
import { type FittingPlan, fitModel } from './fitting.js'
import type { Machine } from './machine.js'

const models = await publishedModels()

const machine = (freeMemory: number): Machine => ({
  memory: 2 ** 40,
  freeMemory,
  cores: 8,
  freeDisk: undefined,
})

function plansOf(id: string, weights: string, bytes: number): readonly FittingPlan[] {
  const model = models.find((one) => one.id === id)
  if (model === undefined) throw new Error(`no ${id}`)
  return fitModel(model, machine(bytes)).find((storage) => storage.weights === weights)?.plans ?? []
}

const SEVEN_BILLION = 'LanguageBind/Video-LLaVA-7B'
const GIB = 2 ** 30

test('a 7B in fp32 needs more than its 28.6 GB, in int4 less than 20 GiB with 64 frames', () => {
  expect(plansOf(SEVEN_BILLION, 'fp32', 28 * GIB).map(({ kvCache }) => kvCache)).toEqual([
    null,
    null,
    null,
    null,
  ])
  const [, , frames64] = plansOf(SEVEN_BILLION, 'int4', 20 * GIB)
  expect(frames64?.kvCache).not.toBeNull()
  expect(frames64?.memory).toBeLessThanOrEqual(20 * GIB)
})

test('the most precise KV cache that fits is taken', () => {
  const kinds = [16, 48].map((gib) => plansOf(SEVEN_BILLION, 'int4', gib * GIB)[2]?.kvCache)
  expect(kinds).toEqual(['int8', 'fp32'])
  // 64 · 257 tokens take 16.06 GiB in fp32.
  const [, , fp32] = plansOf(SEVEN_BILLION, 'int4', 48 * GIB)
  expect(fp32?.memory).toBeGreaterThan(16.06 * GIB)
})

test('what fits a machine fits a larger one', () => {
  for (const { id } of models) {
    for (const weights of ['fp32', 'int8', 'int4']) {
      const [small, large] = [8, 64].map((gib) => plansOf(id, weights, gib * GIB))
      small?.forEach(({ kvCache }, at) => {
        if (kvCache !== null) expect(large?.[at]?.kvCache, `${id} ${weights}`).not.toBeNull()
      })
    }
  }
})

test('where nothing fits, the least that is needed is told', () => {
  const [frames8] = plansOf(SEVEN_BILLION, 'int4', GIB)
  expect(frames8).toMatchObject({ frames: 8, kvCache: null })
  expect(frames8?.memory).toBeGreaterThan(GIB)
})
