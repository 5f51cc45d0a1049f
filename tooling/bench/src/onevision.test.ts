import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { measureDrift } from './logit-drift.js'
import { onevisionCheckpoint } from './onevision-checkpoint.js'
import { type OnevisionJob, runOnevisionJob } from './onevision-job.js'
import { writeRandomCheckpoint } from './random-checkpoint.js'
import { SMALL_ONEVISION } from './small-checkpoints.js'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longtake-onevision-test-'))
  await writeRandomCheckpoint(folder, await onevisionCheckpoint(SMALL_ONEVISION))
})
afterAll(() => rm(folder, { recursive: true }))

function jobWith(change: Partial<OnevisionJob>): OnevisionJob {
  return {
    ...{ kind: 'answer', folder, builds: join(folder, 'builds'), weights: 'fp32', threads: 1 },
    ...{ frames: 20, newTokens: 5, logitsFile: join(folder, 'logits.f32') },
    ...change,
  }
}

test('a job answers by stages and logs the sessions of that answer only', async () => {
  const { answer } = await runOnevisionJob(jobWith({}))
  // 4 tokens a frame and the line break
  expect(answer).toMatchObject({ visualTokens: 81, completionTokens: 5 })
  // 20 frames at 16 a run; the question, while steps run through the graph of prefill
  expect(answer?.log.runs).toMatchObject({ vision: 2, projector: 2, answer: 1 })
  const { decode, encode, prefill, firstToken, total } = answer?.timings ?? {}
  for (const time of [decode, encode, prefill, firstToken]) expect(time).toBeGreaterThan(0)
  expect(total).toBeGreaterThan(firstToken ?? Number.POSITIVE_INFINITY)
  expect(answer?.cpuShare).toBeGreaterThan(0)
})

test('logits are written for comparison: int8 is nearer to fp32 than int4', async () => {
  const drifts: number[] = []
  const logits: Float32Array[] = []
  for (const weights of ['fp32', 'int8', 'int4'] as const) {
    const own = jobWith({ kind: 'logits', weights })
    expect(await runOnevisionJob(own)).not.toHaveProperty('answer')
    const bytes = await readFile(own.logitsFile)
    logits.push(new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4))
    drifts.push(
      measureDrift(logits[0] ?? new Float32Array(), logits.at(-1) ?? new Float32Array(), 600).relative,
    )
  }
  const [none = 1, eight = 1, four = 0] = drifts
  expect(none).toBe(0)
  expect(eight).toBeGreaterThan(0)
  expect(four).toBeGreaterThan(2 * eight)
})

test('frames of many patches go through the tower a few at a time', async () => {
  const many = join(folder, 'many')
  const vision = { ...SMALL_ONEVISION.vision, imageSize: 14 * 40 }
  await writeRandomCheckpoint(many, await onevisionCheckpoint({ ...SMALL_ONEVISION, vision }))
  const { answer } = await runOnevisionJob(jobWith({ folder: many, frames: 5 }))
  // 1,600 patches a frame, 2 frames a run; 20 × 20 tokens a frame and the line break
  expect(answer?.log.runs.vision).toBe(3)
  expect(answer?.visualTokens).toBe(5 * 400 + 1)
})
