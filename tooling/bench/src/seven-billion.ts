import { rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { EngineError } from '@longtake/core'
import type { WeightType } from '@longtake/kernels'
import { openBackend } from '@longtake/runtime/ort'
import { Arguments } from './arguments.js'
import type { Benchmark, Outcome } from './benchmark.js'
import { stepBytes, stepFlops } from './decode-cost.js'
import { higherLimits, type MachineLimits, measureLimits } from './machine-limits.js'
import { type MemoryPeaks, runMeasured } from './measured-child.js'
import { fitPrefill, predictSeconds } from './prefill-fit.js'
import { writeRandomCheckpoint } from './random-checkpoint.js'
import { SEVEN_BILLION, videoLlavaCheckpoint } from './seven-billion-checkpoint.js'
import type { SevenBillionAnswer, SevenBillionJob, SevenBillionReport } from './seven-billion-job.js'
import { formatNumber, formatPercent, formatTable } from './table.js'

const GIB = 2 ** 30
/** Most memory that is promised, pages of mapped files included. */
const BOUNDS = { build: 2 * GIB, answer: 20 * GIB } as const
/** Tokens of one run of the prefill: the plan's own default. */
const CHUNK = 512
/** A cache in fp32 of this video alone would take 16 GiB. */
const BUDGET_BYTES = 8 * GIB
const CHILD = new URL('./seven-billion-child.js', import.meta.url)

/** A whole Video-LLaVA-7B with random weights: what building it and answering with it take. */
export const sevenBillion: Benchmark = {
  name: 'seven-billion',
  summary: 'Video-LLaVA-7B at full size, random weights: memory and time of building and of an answer',
  options: [
    '--dir DIR            the checkpoint, kept; written (15 GB) unless it is there; default in the temporary folder',
    '                     beside it DIR-builds, 5 to 9 GB, removed',
    '--weights int4       storage of the matrices: int4 or int8',
    '--kv int4            storage of keys and values: int4 or int8',
    '--frames 64          given pictures',
    '--prefill-tokens N   tokens of the prefill that are computed, the rest extrapolated; default 2048; 0 is all',
    '--new-tokens 32      length of the answer',
    '--threads N          default the cores',
  ],
  run: runSevenBillion,
}

async function runSevenBillion(args: readonly string[], note: (text: string) => void): Promise<Outcome> {
  const given = new Arguments(args, {
    ...{ dir: 'text', weights: 'text', kv: 'text', frames: 'text', threads: 'text' },
    ...{ 'prefill-tokens': 'text', 'new-tokens': 'text' },
  })
  const folder = given.text('dir') ?? join(tmpdir(), 'longtake-seven-billion')
  const frames = given.integer('frames', 64, 1, 512)
  const job: Omit<SevenBillionJob, 'kind'> = {
    folder,
    builds: `${folder}-builds`,
    weights: given.choice('weights', ['int4', 'int8'], 'int4'),
    threads: given.integer('threads', availableParallelism(), 1, 1024),
    kv: given.choice('kv', ['int4', 'int8'], 'int4'),
    frames,
    newTokens: given.integer('new-tokens', 32, 2, 512),
    memoryBudgetBytes: BUDGET_BYTES,
    chunk: CHUNK,
    sampledRuns: chooseRuns(frames, given.integer('prefill-tokens', 2048, 0)),
  }
  try {
    return await measure(job, note)
  } finally {
    await rm(job.builds, { recursive: true, force: true })
  }
}

async function measure(job: Omit<SevenBillionJob, 'kind'>, note: (text: string) => void): Promise<Outcome> {
  const written = await writeRandomCheckpoint(job.folder, videoLlavaCheckpoint(SEVEN_BILLION), note)
  // What an earlier run left would be taken and not built.
  await rm(job.builds, { recursive: true, force: true })
  const limitsBefore = await limitsOf(job.threads, note)
  note('building')
  const build = await runMeasured<SevenBillionReport>(CHILD, { ...job, kind: 'build' }, BOUNDS.answer)
  note(`built in ${formatNumber(build.value.seconds)} s; answering`)
  const answered = await runMeasured<SevenBillionReport>(CHILD, { ...job, kind: 'answer' }, BOUNDS.answer)
  const { answer } = answered.value
  if (answer === undefined) throw new EngineError('ENGINE_FAILED', 'The process that answers did not answer.')
  const limits = higherLimits(limitsBefore, await limitsOf(job.threads, note))
  const speed = judgeAnswer(answer, job, limits)
  const peaks = describePeaks(build.memory, answered.memory)
  return {
    result: {
      ...peaks,
      ...speed,
      buildSeconds: build.value.seconds,
      loadSeconds: answered.value.seconds,
      checkpointBytes: written.weightBytes,
      preparedBytes: build.value.preparedBytes,
      bounds: BOUNDS,
      limits,
      answer,
      ...job,
    },
    text: format(peaks, speed, build.value.seconds, answered.value.seconds),
    failed: isOver(build.memory, BOUNDS.build) || isOver(answered.memory, BOUNDS.answer),
  }
}

/** Places of the runs that are computed: the first and last whole one, and others at even distances. */
export function chooseRuns(frames: number, tokens: number): readonly number[] {
  const last = Math.floor((frames * tokensPerFrame()) / CHUNK) - 1
  // Run 0 goes into the fp32 cache and is always computed; a partial run follows the last one.
  const places = Array.from({ length: Math.max(last, 0) + 1 }, (_, at) => at + 1)
  const wanted = Math.max(2, Math.round(tokens / CHUNK) - 1)
  if (tokens === 0 || wanted >= last) return places
  return Array.from({ length: wanted }, (_, at) => 1 + Math.round((at * (last - 1)) / (wanted - 1)))
}

function tokensPerFrame(): number {
  const { imageSize, patchSize } = SEVEN_BILLION.vision
  return (imageSize / patchSize) ** 2 + 1
}

async function limitsOf(threads: number, note: (text: string) => void): Promise<MachineLimits> {
  note('measuring memory bandwidth and the matrix peak')
  const backend = await openBackend('resident')
  try {
    return await measureLimits(backend, threads)
  } finally {
    await backend.close()
  }
}

interface Speed {
  readonly decodeTokensPerSecond: number
  readonly encodeSeconds: number
  /** Of all prompt tokens before the question; runs that were left out as the fit says. */
  readonly prefillSeconds: number
  /** From asking to the first token. */
  readonly firstTokenSeconds: number
  readonly bandwidthShare: number
  readonly peakShare: number
  readonly extrapolated: boolean
  readonly prefillMeasuredTokens: number
  readonly prefillDeviation: number
  readonly weightsBytes: number
  readonly kvBytes: number
  /** Of the process that answers; see `processorShare`. */
  readonly cpuShare: number
}

function judgeAnswer(
  { timings, completionTokens, promptTokens, kvBytes, log, cpuShare }: SevenBillionAnswer,
  { weights, kv }: { readonly weights: WeightType; readonly kv: SevenBillionJob['kv'] },
  limits: MachineLimits,
): Speed {
  const { decoder } = SEVEN_BILLION
  const cost = fitPrefill(log.measured)
  const left = log.skipped.reduce((sum, run) => sum + predictSeconds(cost, run) - run.seconds, 0)
  const prefillSeconds = timings.prefill / 1000 + left
  const stepSeconds = (timings.total - timings.firstToken) / 1000 / (completionTokens - 1)
  const held = promptTokens + completionTokens / 2
  const bytes = stepBytes(decoder, weights, held, kv)
  const prefilled = log.measured.concat(log.skipped).reduce((sum, { tokens }) => sum + tokens, CHUNK)
  return {
    decodeTokensPerSecond: 1 / stepSeconds,
    encodeSeconds: timings.encode / 1000,
    prefillSeconds,
    firstTokenSeconds: timings.firstToken / 1000,
    bandwidthShare: bytes / stepSeconds / limits.readBytesPerSecond,
    peakShare: stepFlops(decoder, 0, prefilled) / prefillSeconds / limits.matrixFlops,
    extrapolated: log.skipped.length > 0,
    prefillMeasuredTokens: CHUNK + log.measured.reduce((sum, { tokens }) => sum + tokens, 0),
    prefillDeviation: cost.deviation,
    weightsBytes: stepBytes(decoder, weights, 0, kv),
    kvBytes,
    cpuShare,
  }
}

function describePeaks(build: MemoryPeaks, answer: MemoryPeaks) {
  return {
    peakBuildBytes: build.peakBytes,
    peakBuildAnonymousBytes: build.peakAnonymousBytes,
    peakBuildFileBytes: build.peakFileBytes,
    peakAnswerBytes: answer.peakBytes,
    peakAnswerAnonymousBytes: answer.peakAnonymousBytes,
    peakAnswerFileBytes: answer.peakFileBytes,
  }
}

function isOver({ peakBytes }: MemoryPeaks, bound: number): boolean {
  return peakBytes !== undefined && peakBytes > bound
}

function format(
  peaks: ReturnType<typeof describePeaks>,
  speed: Speed,
  buildSeconds: number,
  loadSeconds: number,
): string {
  const gib = (bytes: number | undefined): string =>
    bytes === undefined ? '–' : `${formatNumber(bytes / GIB)} GiB`
  const seconds = (value: number): string => `${formatNumber(value)} s`
  const estimate = speed.extrapolated ? `, extrapolated from ${speed.prefillMeasuredTokens} tokens` : ''
  return formatTable([
    ['', ''],
    ['build: peak', gib(peaks.peakBuildBytes)],
    ['build: peak without mapped files', gib(peaks.peakBuildAnonymousBytes)],
    ['build', seconds(buildSeconds)],
    ['answer: peak', gib(peaks.peakAnswerBytes)],
    ['answer: peak without mapped files', gib(peaks.peakAnswerAnonymousBytes)],
    ['load', seconds(loadSeconds)],
    ['encode', seconds(speed.encodeSeconds)],
    [`prefill${estimate}`, seconds(speed.prefillSeconds)],
    ['first token after asking', seconds(speed.firstTokenSeconds)],
    ['decode', `${formatNumber(speed.decodeTokensPerSecond)} tokens/s`],
    ['decode: share of bandwidth', formatPercent(speed.bandwidthShare)],
    ['prefill: share of the matrix peak', formatPercent(speed.peakShare)],
    ['processor time that it had', formatPercent(speed.cpuShare)],
  ])
}
