import { writeFile } from 'node:fs/promises'
import type { WeightType } from '@longtake/kernels'
import { type AnswerTimings, type Longtake, load, prepareWeights } from '@longtake/runtime'
import { openBackend } from '@longtake/runtime/ort'
import { noisePictures } from './noise-pictures.js'
import { processorShare } from './processor-share.js'
import { type RunLog, SampledBackend } from './sampled-backend.js'

const QUESTION = 'What happens in the video, and in which order?'

/** What one process does. Plain data: it is sent to the process. */
export interface OnevisionJob {
  readonly folder: string
  /** Where prepared weights go, or are. */
  readonly builds: string
  readonly weights: WeightType
  readonly threads: number
  readonly frames: number
  readonly newTokens: number
  readonly kind: 'build' | 'answer' | 'logits'
  /** Where `logits` writes those of one frame and the question, as float32. */
  readonly logitsFile: string
}

/** What one process found. Plain data. */
export interface OnevisionReport {
  /** Of preparing, or of loading. */
  readonly seconds: number
  readonly answer?: OnevisionAnswer
}

export interface OnevisionAnswer {
  /** An answer about one frame that does not count: graphs that are built when they are first needed. */
  readonly warmUpSeconds: number
  readonly visualTokens: number
  readonly promptTokens: number
  readonly completionTokens: number
  readonly kvBytes: number
  readonly timings: AnswerTimings
  /** Of the answer that counts. */
  readonly log: Pick<RunLog, 'seconds' | 'runs'>
  /** Processor time of the whole process, as a share of what its threads could have had. */
  readonly cpuShare: number
}

/** Prepares the checkpoint's weights, or loads it and answers one question about noise, or writes logits. */
export async function runOnevisionJob(job: OnevisionJob): Promise<OnevisionReport> {
  const start = performance.now()
  const passed = (): number => (performance.now() - start) / 1000
  const options = { weights: job.weights, builds: { folder: job.builds, always: true } }
  if (job.kind === 'build') {
    await prepareWeights(job.folder, options)
    return { seconds: passed() }
  }
  const backend = new SampledBackend(await openBackend('resident'), () => true)
  await using longtake = await load(job.folder, { ...options, threads: job.threads, backend })
  const loadSeconds = passed()
  if (job.kind === 'logits') {
    const { logits } = await longtake.inspect(picturesFor(longtake, 1), {
      question: QUESTION,
      greedyTokens: 0,
    })
    await writeFile(job.logitsFile, logits.data)
    return { seconds: loadSeconds }
  }
  const warm = await answerOnce(longtake, 1, 2)
  const before = structuredClone(backend.log)
  const { seconds, ...answer } = await answerOnce(longtake, job.frames, job.newTokens)
  return {
    seconds: loadSeconds,
    answer: {
      warmUpSeconds: warm.seconds,
      ...answer,
      log: difference(backend.log, before),
      cpuShare: processorShare(job.threads),
    },
  }
}

async function answerOnce(longtake: Longtake, frames: number, newTokens: number) {
  const start = performance.now()
  await using watched = await longtake.watchFrames(picturesFor(longtake, frames), { maxNewTokens: newTokens })
  const { usage, timings } = await watched.ask(QUESTION, { maxTokens: newTokens })
  const seconds = (performance.now() - start) / 1000
  return { seconds, ...usage, kvBytes: watched.plan.kvCache.bytes, timings }
}

function picturesFor({ spec }: Longtake, frames: number) {
  return noisePictures(frames, spec.encoder.imageSize)
}

function difference(after: RunLog, before: RunLog): OnevisionAnswer['log'] {
  const minus = (now: RunLog['runs'], then: RunLog['runs']): RunLog['runs'] => ({
    vision: now.vision - then.vision,
    projector: now.projector - then.projector,
    prefill: now.prefill - then.prefill,
    answer: now.answer - then.answer,
    other: now.other - then.other,
  })
  return { seconds: minus(after.seconds, before.seconds), runs: minus(after.runs, before.runs) }
}
