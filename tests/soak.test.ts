import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Longtake } from '../packages/runtime/src/index.js'
import { film } from './support/films.js'
import { held } from './support/held.js'
import { openRandomModel, type RandomModel } from './support/random-model.js'
import { useTemporaryFolder } from './support/temporary-folder.js'

useTemporaryFolder()

const CYCLES = 30
/** Caches that were kept would add up to 55 MiB; up to 3 MiB of noise were seen. */
const MOST_GROWTH_BYTES = 24 * 2 ** 20
const KINDS = [
  { name: 'h264.mp4', kvCache: 'fp32' },
  { name: 'vp9.webm', kvCache: 'int8' },
  { name: 'mpeg4.avi', kvCache: 'int4' },
] as const

let model: RandomModel
let longtake: Longtake

beforeAll(async () => {
  model = await openRandomModel({ sizes: { layers: 4, kvHeads: 4, headDim: 64 } })
  longtake = model.longtake
})

afterAll(() => longtake?.close())

/** A full collection, where the engine lets a program ask for one. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  if (typeof collect === 'function') collect()
}

async function cycle(index: number): Promise<void> {
  const { name, kvCache } = KINDS[index % KINDS.length]!
  // 4 MiB of cache in fp32.
  await using video = await longtake.watch(film(name), { frames: 12, kvCache, promptTokens: 400 })
  await video.ask('what is the first colour ?', { maxTokens: 4 })
  const answer = video.ask('is the last one red ?')
  for await (const _ of answer) break
}

async function memoryAfter(cycles: number): Promise<number> {
  for (let index = 0; index < cycles; index++) await cycle(index)
  // Freed by finalizers in turns of their own.
  for (let round = 0; round < 3; round++) {
    collectGarbage()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return process.memoryUsage().rss
}

test(`${CYCLES} videos watched, asked about and closed leave memory as it was`, async () => {
  const warm = await memoryAfter(9)
  const before = await held(model.backend)
  const growth = (await memoryAfter(CYCLES)) - warm
  expect(await held(model.backend)).toEqual(before)
  expect(growth).toBeLessThan(MOST_GROWTH_BYTES)
})
