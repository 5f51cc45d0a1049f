import type { KvCacheType } from '@longtake/core'
import type { WeightType } from '@longtake/kernels'
import { type AnswerTimings, type Longtake, load, prepareWeights } from '@longtake/runtime'
import { openBackend } from '@longtake/runtime/ort'
import { noisePictures } from './noise-pictures.js'
import { processorShare } from './processor-share.js'
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
  /** Of preparing, or of loading. */
  readonly seconds: number
  /** On the disk. */
  readonly preparedBytes?: number
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
  /** Processor time of the whole process, as a share of what its threads could have had. */
  readonly cpuShare: number
}

/**
 * Prepares the checkpoint's weights, or loads it and answers one question about noise.
 *
 * @param note - Told how far it is.
 */
export async function runSevenBillionJob(
  job: SevenBillionJob,
  note: (text: string) => void = () => {},
): Promise<SevenBillionReport> {
  const start = performance.now()
  const seconds = (): number => (performance.now() - start) / 1000
  const { weights, threads, builds } = job
  const options = { weights, builds: { folder: builds, always: true } }
  if (job.kind === 'build') {
    const prepared = await prepareWeights(job.folder, options)
    return { seconds: seconds(), preparedBytes: prepared?.sizeBytes ?? 0 }
  }
  const sampled = new Set(job.sampledRuns)
  const backend = new SampledBackend(await openBackend('resident'), ({ held }) =>
    sampled.has(Math.floor(held / job.chunk)),
  )
  await using longtake = await load(job.folder, { ...options, threads, backend })
  const loadSeconds = seconds()
  note(`loaded in ${loadSeconds.toFixed(0)} s`)
  return { seconds: loadSeconds, answer: await answerOnce(longtake, backend.log, job, note) }
}

async function answerOnce(
  longtake: Longtake,
  log: RunLog,
  job: SevenBillionJob,
  note: (text: string) => void,
): Promise<SevenBillionAnswer> {
  const { kv, newTokens, chunk, memoryBudgetBytes, frames } = job
  const pictures = noisePictures(frames, longtake.spec.encoder.imageSize)
  const options = { kvCache: kv, memoryBudgetBytes, prefillChunk: chunk, maxNewTokens: newTokens }
  await using watched = await longtake.watchFrames(pictures, {
    ...options,
    onProgress: ({ stage, done, total }) => note(`${stage}: ${done} of ${total}`),
  })
  const { usage, timings } = await watched.ask(QUESTION, { maxTokens: newTokens })
  const { clips, contextTokens, kvCache } = watched.plan
  const cpuShare = processorShare(job.threads)
  return { ...usage, clips: clips.length, contextTokens, kvBytes: kvCache.bytes, timings, log, cpuShare }
}
