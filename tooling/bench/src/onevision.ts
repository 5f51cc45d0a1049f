import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { WeightType } from '@longtake/kernels'
import { Arguments } from './arguments.js'
import type { Benchmark, Outcome } from './benchmark.js'
import { type LogitDrift, measureDrift } from './logit-drift.js'
import { type MemoryPeaks, runMeasured } from './measured-child.js'
import { ONEVISION_SIZES, onevisionCheckpoint } from './onevision-checkpoint.js'
import type { OnevisionAnswer, OnevisionJob, OnevisionReport } from './onevision-job.js'
import { writeRandomCheckpoint } from './random-checkpoint.js'
import { median, type Spread, spreadOf } from './statistics.js'
import { formatNumber, formatPercent, formatTable } from './table.js'

const WEIGHTS: readonly WeightType[] = ['fp32', 'int8', 'int4']
/** A process that takes more is stopped. */
const LIMIT_BYTES = 20 * 2 ** 30
const CHILD = new URL('./onevision-child.js', import.meta.url)

/** The parts of a whole answer in the order in which they run; `generate` is what follows the first token. */
const STAGES = ['decode', 'encode', 'prefill', 'firstToken', 'generate', 'total'] as const
type Stage = (typeof STAGES)[number]

/** A whole LLaVA-OneVision-Qwen2-0.5B with random weights: a whole answer by stages, quantised against fp32. */
export const onevision: Benchmark = {
  name: 'onevision',
  summary: 'LLaVA-OneVision-Qwen2-0.5B at full size, random weights: a whole answer by stages, int8 and int4',
  options: [
    '--dir DIR                the checkpoint, kept; written (1.8 GB) unless it is there; default a temporary folder',
    '                         prepared weights go to a temporary folder: 3.6 GB for fp32, 1.1 GB for int8, 0.7 GB for int4',
    '--weights fp32,int8,int4 storages of the matrices; all are compared with fp32',
    '--frames 32              given pictures',
    '--new-tokens 32          length of the answer',
    '--rounds 1               processes for each storage, in turn',
    '--threads N              default the cores',
  ],
  run: runOnevision,
}

async function runOnevision(args: readonly string[], note: (text: string) => void): Promise<Outcome> {
  const given = new Arguments(args, {
    ...{
      dir: 'text',
      weights: 'text',
      frames: 'text',
      'new-tokens': 'text',
      rounds: 'text',
      threads: 'text',
    },
  })
  const chosen = given.choices('weights', WEIGHTS, WEIGHTS)
  const sides = WEIGHTS.filter((weights) => weights === 'fp32' || chosen.includes(weights))
  const rounds = given.integer('rounds', 1, 1, 100)
  const temporary = await mkdtemp(join(tmpdir(), 'longtake-onevision-'))
  const folder = given.text('dir') ?? temporary
  const job: Omit<OnevisionJob, 'weights' | 'kind'> = {
    folder,
    builds: join(temporary, 'builds'),
    logitsFile: join(temporary, 'logits.f32'),
    threads: given.integer('threads', availableParallelism(), 1, 1024),
    frames: given.integer('frames', 32, 1, 512),
    newTokens: given.integer('new-tokens', 32, 2, 512),
  }
  try {
    const written = await writeRandomCheckpoint(folder, await onevisionCheckpoint(ONEVISION_SIZES), note)
    const builds = await measureBuilds(job, sides, note)
    const runs = await measureSides(job, sides, rounds, note)
    const drift = await measureDrifts(job, sides, note)
    const cases = sides.map((weights) =>
      describeCase(weights, runs, { build: builds.get(weights), drift: drift.get(weights) }),
    )
    const { visualTokens, promptTokens, completionTokens, kvBytes } = firstAnswer(runs)
    return {
      result: {
        ...{ cases, visualTokens, promptTokens, completionTokens, kvBytes, rounds },
        ...{ checkpointBytes: written.weightBytes, ...job },
      },
      text: format(cases, promptTokens),
    }
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}

/** Preparing the weights of one side. */
interface Build {
  readonly seconds: number
  readonly memory: MemoryPeaks
}

async function measureBuilds(
  job: Omit<OnevisionJob, 'weights' | 'kind'>,
  sides: readonly WeightType[],
  note: (text: string) => void,
): Promise<ReadonlyMap<WeightType, Build>> {
  const builds = new Map<WeightType, Build>()
  for (const weights of sides) {
    note(`${weights}: building`)
    const message: OnevisionJob = { ...job, kind: 'build', weights }
    const { value, memory } = await runMeasured<OnevisionReport>(CHILD, message, LIMIT_BYTES)
    builds.set(weights, { seconds: value.seconds, memory })
  }
  return builds
}

/** One process that answers. */
interface Run {
  readonly weights: WeightType
  readonly loadSeconds: number
  readonly answer: OnevisionAnswer
  readonly memory: MemoryPeaks
}

async function measureSides(
  job: Omit<OnevisionJob, 'weights' | 'kind'>,
  sides: readonly WeightType[],
  rounds: number,
  note: (text: string) => void,
): Promise<readonly Run[]> {
  const runs: Run[] = []
  for (let round = 0; round < rounds; round++) {
    for (const weights of round % 2 === 0 ? sides : [...sides].reverse()) {
      note(`${weights}: round ${round + 1} of ${rounds}`)
      const message: OnevisionJob = { ...job, kind: 'answer', weights }
      const { value, memory } = await runMeasured<OnevisionReport>(CHILD, message, LIMIT_BYTES)
      if (value.answer !== undefined) {
        runs.push({ weights, loadSeconds: value.seconds, answer: value.answer, memory })
      }
    }
  }
  return runs
}

/** Logits of one frame and the question, by side; processes of their own, so that no answer's memory has them in it. */
async function measureDrifts(
  job: Omit<OnevisionJob, 'weights' | 'kind'>,
  sides: readonly WeightType[],
  note: (text: string) => void,
): Promise<ReadonlyMap<WeightType, LogitDrift>> {
  const drifts = new Map<WeightType, LogitDrift>()
  let exact: Float32Array | undefined
  for (const weights of sides) {
    note(`${weights}: logits`)
    const message: OnevisionJob = { ...job, kind: 'logits', weights }
    await runMeasured<OnevisionReport>(CHILD, message, LIMIT_BYTES)
    const bytes = await readFile(job.logitsFile)
    const logits = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)
    exact ??= logits
    drifts.set(weights, measureDrift(exact, logits, ONEVISION_SIZES.decoder.vocabularySize))
  }
  return drifts
}

interface StorageCase {
  readonly weights: WeightType
  /** Preparing the weights. */
  readonly buildSeconds: number | undefined
  readonly peakBuildBytes: number | undefined
  readonly loadSeconds: Spread
  readonly warmUpSeconds: number
  /** Seconds. */
  readonly stages: Readonly<Record<Stage, Spread>>
  /** Seconds in fp32 over seconds here. */
  readonly ratios: Readonly<Record<Stage, number>>
  readonly decodeTokensPerSecond: number
  /** Seconds of the sessions that were run, by what they are for; of one answer. */
  readonly sessions: OnevisionAnswer['log']
  readonly peakBytes: number | undefined
  readonly peakAnonymousBytes: number | undefined
  readonly drift: LogitDrift | undefined
  /** Least of the processes' own; see `processorShare`. */
  readonly cpuShare: number
}

function describeCase(
  weights: WeightType,
  runs: readonly Run[],
  { build, drift }: { readonly build: Build | undefined; readonly drift: LogitDrift | undefined },
): StorageCase {
  const own = runs.filter((run) => run.weights === weights)
  const exact = runs.filter((run) => run.weights === 'fp32')
  const spread = (stage: Stage) => spreadOf(own.map(({ answer }) => stageSeconds(answer, stage)))
  const ratio = (stage: Stage) =>
    median(exact.map(({ answer }) => stageSeconds(answer, stage))) / spread(stage).median
  const { completionTokens, log } = firstAnswer(own)
  const largest = (of: (memory: MemoryPeaks) => number | undefined): number | undefined => {
    const values = own.map(({ memory }) => of(memory)).filter((value) => value !== undefined)
    return values.length === 0 ? undefined : Math.max(...values)
  }
  return {
    weights,
    buildSeconds: build?.seconds,
    peakBuildBytes: build?.memory.peakBytes,
    loadSeconds: spreadOf(own.map(({ loadSeconds }) => loadSeconds)),
    warmUpSeconds: median(own.map(({ answer }) => answer.warmUpSeconds)),
    stages: byStage(spread),
    ratios: byStage(ratio),
    decodeTokensPerSecond: (completionTokens - 1) / spread('generate').median,
    sessions: log,
    peakBytes: largest(({ peakBytes }) => peakBytes),
    peakAnonymousBytes: largest(({ peakAnonymousBytes }) => peakAnonymousBytes),
    drift,
    cpuShare: Math.min(...own.map(({ answer }) => answer.cpuShare)),
  }
}

function firstAnswer(runs: readonly Run[]): OnevisionAnswer {
  const [first] = runs
  if (first === undefined) throw new RangeError('there is no answer')
  return first.answer
}

function byStage<T>(of: (stage: Stage) => T): Readonly<Record<Stage, T>> {
  const entries = STAGES.map((stage) => [stage, of(stage)] as const)
  return Object.fromEntries(entries) as Record<Stage, T>
}

function stageSeconds({ timings }: OnevisionAnswer, stage: Stage): number {
  const { decode, encode, prefill, firstToken, total } = timings
  const generate = total - firstToken
  const stages = {
    ...{ decode, encode, prefill, firstToken, generate },
    total: decode + encode + prefill + total,
  }
  return stages[stage] / 1000
}

function format(cases: readonly StorageCase[], promptTokens: number): string {
  const seconds = (value: number): string => `${formatNumber(value)} s`
  const gigabytes = (bytes: number | undefined): string =>
    bytes === undefined ? '–' : `${formatNumber(bytes / 2 ** 30)} GiB`
  const rows: (readonly string[])[] = [
    ['build', ...cases.map(({ buildSeconds }) => seconds(buildSeconds ?? Number.NaN))],
    ['build: peak', ...cases.map(({ peakBuildBytes }) => gigabytes(peakBuildBytes))],
    ['load', ...cases.map(({ loadSeconds }) => seconds(loadSeconds.median))],
    ...STAGES.map((stage) => [
      stage,
      ...cases.map(({ stages, ratios }) => {
        return `${seconds(stages[stage].median)} (${formatNumber(ratios[stage])}×)`
      }),
    ]),
    ['tokens/s', ...cases.map(({ decodeTokensPerSecond }) => formatNumber(decodeTokensPerSecond))],
    ['peak', ...cases.map(({ peakBytes }) => gigabytes(peakBytes))],
    ['without files', ...cases.map(({ peakAnonymousBytes }) => gigabytes(peakAnonymousBytes))],
    ['drift of logits', ...cases.map(({ drift }) => formatPercent(drift?.relative ?? Number.NaN))],
    ['same best token', ...cases.map(({ drift }) => formatPercent(drift?.sameBest ?? Number.NaN))],
  ]
  const table = formatTable([['', ...cases.map(({ weights }) => weights)], ...rows])
  return `${table}\n\n${promptTokens} tokens before the answer; in brackets: times as fast as fp32`
}
