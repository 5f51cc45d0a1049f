import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { load } from '@longtake/runtime'
import { openBackend } from '@longtake/runtime/ort'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { noisePictures } from './noise-pictures.js'
import { writeRandomCheckpoint } from './random-checkpoint.js'
import { SampledBackend } from './sampled-backend.js'
import { chooseRuns } from './seven-billion.js'
import { videoLlavaCheckpoint } from './seven-billion-checkpoint.js'
import { runSevenBillionJob, type SevenBillionJob } from './seven-billion-job.js'
import { SMALL_LLAVA } from './small-checkpoints.js'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longtake-seven-'))
  await writeRandomCheckpoint(folder, videoLlavaCheckpoint(SMALL_LLAVA))
})
afterAll(() => rm(folder, { recursive: true }))

const JOB: Omit<SevenBillionJob, 'folder' | 'builds'> = {
  ...{ kind: 'answer', weights: 'int4', threads: 1, kv: 'int4', frames: 16, newTokens: 4 },
  // less than the fp32 cache, so that runs after the first go into the compressed one
  ...{ memoryBudgetBytes: 60_000, chunk: 16, sampledRuns: [1, 5] },
}

test('a job computes the runs that it is to, and tells those left out', async () => {
  const { answer } = await runSevenBillionJob({ ...JOB, folder, builds: join(folder, 'builds') })
  expect(answer).toMatchObject({ visualTokens: 80, completionTokens: 4, clips: 2 })
  const { measured, skipped, steps } = answer?.log ?? { measured: [], skipped: [], steps: [] }
  expect(measured.map(({ held }) => held)).toEqual([16, 80])
  expect(skipped.length).toBeGreaterThan(0)
  const tokens = [...measured, ...skipped].reduce((sum, run) => sum + run.tokens, 16)
  expect(tokens).toBeGreaterThan(80)
  expect(tokens).toBeLessThan(answer?.promptTokens ?? 0)
  expect(steps).toHaveLength(3)
  expect(answer?.cpuShare).toBeGreaterThan(0)
})

test('with every run computed the answer is that of the plain back end', async () => {
  const answerWith = async (backend?: SampledBackend) => {
    await using longtake = await load(folder, { weights: 'int4', threads: 1, ...(backend && { backend }) })
    await using watched = await longtake.watchFrames(noisePictures(16, 28), {
      ...{ kvCache: 'int4', memoryBudgetBytes: JOB.memoryBudgetBytes, prefillChunk: 16 },
    })
    return await watched.ask('What happens?', { maxTokens: 8 })
  }
  const all = new SampledBackend(await openBackend('resident'), () => true)
  const [plain, logged] = [await answerWith(), await answerWith(all)]
  expect(logged.text).toBe(plain.text)
  expect(logged.frames).toEqual(plain.frames)
  expect(all.log.skipped).toEqual([])
  expect(all.log.runs.vision).toBe(1)
})

test('places of a run left out hold the keys and values of the last one computed', async () => {
  const inner = await openBackend('resident')
  const seen: Uint8Array[] = []
  const backend = new SampledBackend(inner, ({ held }) => {
    return held !== 32
  })
  const open = backend.session.bind(backend)
  backend.session = async (model, options) => {
    const session = await open(model, options)
    const run = session.run.bind(session)
    session.run = async (feeds, results, more) => {
      const made = await run(feeds, results, more)
      const key = results?.['present.1.key']
      if (key?.type === 'uint8') seen.push((key.data as Uint8Array).slice(0, 48 * 8))
      return made
    }
    return session
  }
  await using longtake = await load(folder, { weights: 'int4', threads: 1, backend })
  const options = { kvCache: 'int4', memoryBudgetBytes: JOB.memoryBudgetBytes, prefillChunk: 16 } as const
  await using watched = await longtake.watchFrames(noisePictures(16, 28), options)
  expect(watched.plan.visualTokens).toBe(80)
  const filled = seen.at(-1) ?? new Uint8Array()
  // the first head: 8 bytes a token
  expect(filled.slice(32 * 8)).toEqual(filled.slice(16 * 8, 32 * 8))
  expect(filled.slice(0, 16 * 8)).not.toEqual(filled.slice(16 * 8, 32 * 8))
})

test('runs that are computed: first and last, evenly between', () => {
  // 64 frames of 257 tokens: run 0 into fp32, whole runs 1 to 31
  expect(chooseRuns(64, 2048)).toEqual([1, 16, 31])
  expect(chooseRuns(64, 512)).toEqual([1, 31])
  expect(chooseRuns(64, 0)).toEqual(Array.from({ length: 32 }, (_, at) => at + 1))
  expect(chooseRuns(64, 1e9)).toEqual(chooseRuns(64, 0))
  expect(chooseRuns(1, 2048)).toEqual([1])
})
