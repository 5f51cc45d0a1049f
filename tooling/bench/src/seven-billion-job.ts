import type { KvCacheType } from '@longtake/core'
import type { WeightType } from '@longtake/kernels'
import { type AnswerTimings, load } from '@longtake/runtime'
import { openBackend } from '@longtake/runtime/ort'
import { noisePictures } from './noise-pictures.js'
import { type RunLog, SampledBackend } from './sampled-backend.js'

const QUESTION = 'What happens in the video, and in which order?'

/** What one process does. Plain data: it is sent to the process. */
export interface SevenBillionJob {
  readonly kind: 'build' | 'answer'
  readonly folder: string
  /** Where prepared weights go, or are. */
  readonly builds: string
  readonly weights: WeightType
  readonly threads: number
  readonly kv: Exclude<KvCacheType, 'fp32'>
  readonly frames: number
  readonly newTokens: number
  /** Keys and values that an fp32 cache may take beside the compressed one, bytes. */
  readonly memoryBudgetBytes: number
  /** Tokens of one run of the prefill. */
  readonly chunk: number
  /** Runs of the prefill into the compressed cache that are computed, by their place; all others are left out. */
  readonly sampledRuns: readonly number[]
}

/** What one process found. Plain data. */
export interface SevenBillionReport {
  readonly loadSeconds: number
  readonly answer?: SevenBillionAnswer
}

export interface SevenBillionAnswer {
  readonly visualTokens: number
  readonly promptTokens: number
  readonly completionTokens: number
  readonly clips: number
  readonly contextTokens: number
  /** What the plan says that the cache takes. */
  readonly kvBytes: number
  readonly timings: AnswerTimings
  readonly log: RunLog
}

/** Loads the checkpoint, and answers one question about noise if it is to. */
export async function runSevenBillionJob(job: SevenBillionJob): Promise<SevenBillionReport> {
  const sampled = new Set(job.sampledRuns)
  const backend = new SampledBackend(await openBackend('resident'), ({ held }) =>
    sampled.has(Math.floor(held / job.chunk)),
  )
  const start = performance.now()
  const { weights, threads, builds } = job
  await using longtake = await load(job.folder, { weights, threads, builds: { folder: builds }, backend })
  const loadSeconds = (performance.now() - start) / 1000
  if (job.kind === 'build') return { loadSeconds }
  const { kv, newTokens, chunk, memoryBudgetBytes } = job
  await using watched = await longtake.watchFrames(
    noisePictures(job.frames, longtake.spec.encoder.imageSize),
    { kvCache: kv, memoryBudgetBytes, prefillChunk: chunk, maxNewTokens: newTokens },
  )
  const { usage, timings } = await watched.ask(QUESTION, { maxTokens: newTokens })
  const { plan } = watched
  return {
    loadSeconds,
    answer: {
      ...usage,
      clips: plan.clips.length,
      contextTokens: plan.contextTokens,
      kvBytes: plan.kvCache.bytes,
      timings,
      log: backend.log,
    },
  }
}
