import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { MAX_FRAMES } from '@longtake/core'
import { type AnswerTimings, type Longtake, load, type WatchOptions } from '@longtake/runtime'
import { Arguments } from './arguments.js'
import type { Benchmark, Outcome } from './benchmark.js'
import { DEFAULT_MODEL, describeModel } from './environment.js'
import { type Spread, spreadOf } from './statistics.js'
import { formatMs, formatNumber, formatTable } from './table.js'

/** Least that a follow-up's first token comes sooner than the first question's. */
const FOLLOW_UP_BOUND = 10
/** Follow-up questions on each watched video. */
const FOLLOW_UPS = 3

const FIRST_QUESTION = 'Which shape is at the start of the video?'
const FOLLOW_UP_QUESTION = 'What caption is shown last?'

/** A video of the embedded model's world that comes with the repository. */
const DEMO_VIDEO = fileURLToPath(new URL('../../../tests/data/demo/0000.mp4', import.meta.url))

/** The parts of a whole answer in the order in which they run. */
const STAGES = ['open', 'decode', 'encode', 'prefill', 'question'] as const
type Stage = (typeof STAGES)[number]

/** A whole answer, stage by stage, and a follow-up on the same video. */
export const answer: Benchmark = {
  name: 'answer',
  summary: 'a whole answer by stages, and how much sooner the first token of a follow-up comes',
  options: [
    '--video FILE     default the first video of the demo',
    `--model ID       checkpoint, default ${DEFAULT_MODEL}`,
    '--frames N       default the plan’s choice',
    '--question TEXT  asked first',
    '--follow-up TEXT asked afterwards',
    '--rounds 7       whole answers',
    '--threads N      default the cores',
  ],
  run: runAnswer,
}

interface AnswerOptions {
  readonly video: string
  readonly watch: WatchOptions
  readonly question: string
  readonly followUp: string
}

/** What was measured, a value for each round. */
interface Times {
  readonly stages: Record<Stage, number[]>
  readonly firstToken: number[]
  readonly total: number[]
  readonly followUpFirstToken: number[]
  readonly followUpTotal: number[]
}

async function runAnswer(args: readonly string[], note: (text: string) => void): Promise<Outcome> {
  const given = new Arguments(args, {
    video: 'text',
    model: 'text',
    frames: 'text',
    question: 'text',
    'follow-up': 'text',
    rounds: 'text',
    threads: 'text',
  })
  const model = given.text('model') ?? DEFAULT_MODEL
  const threads = given.integer('threads', availableParallelism(), 1, 1024)
  const rounds = given.integer('rounds', 7, 1, 1000)
  const options: AnswerOptions = {
    video: given.text('video') ?? DEMO_VIDEO,
    watch: given.text('frames') === undefined ? {} : { frames: given.integer('frames', 1, 1, MAX_FRAMES) },
    question: given.text('question') ?? FIRST_QUESTION,
    followUp: given.text('follow-up') ?? FOLLOW_UP_QUESTION,
  }
  const start = performance.now()
  await using longtake = await load(model, { threads })
  const loadMs = performance.now() - start
  const measured = await measure(longtake, options, rounds, note)
  return {
    result: {
      ...measured.result,
      loadMs,
      video: measured.video,
      plan: measured.plan,
      model: await describeModel(model),
      threads,
      backend: longtake.backend.name,
    },
    text: `${measured.text}\n\nloading the checkpoint: ${formatMs(loadMs)}`,
    failed: measured.ratio < FOLLOW_UP_BOUND,
  }
}

async function measure(
  longtake: Longtake,
  options: AnswerOptions,
  rounds: number,
  note: (text: string) => void,
) {
  const times: Times = {
    stages: { open: [], decode: [], encode: [], prefill: [], question: [] },
    firstToken: [],
    total: [],
    followUpFirstToken: [],
    followUpTotal: [],
  }
  // A round that does not count: graphs are built, pages and caches are warm.
  const { plan, facts } = await runRound(longtake, options)
  for (let round = 0; round < rounds; round++) {
    note(`round ${round + 1} of ${rounds}`)
    await runRound(longtake, options, times)
  }
  const stages = mapValues(times.stages, spreadOf)
  const first = { firstToken: spreadOf(times.firstToken), total: spreadOf(times.total) }
  const followUp = { firstToken: spreadOf(times.followUpFirstToken), total: spreadOf(times.followUpTotal) }
  const ratio = first.firstToken.median / followUp.firstToken.median
  return {
    ratio,
    result: { stages, first, followUp, ratio, bound: FOLLOW_UP_BOUND },
    video: {
      durationSeconds: facts.durationSeconds,
      width: facts.width,
      height: facts.height,
      codec: facts.codec,
    },
    plan: {
      frames: plan.frames,
      visualTokens: plan.visualTokens,
      contextTokens: plan.contextTokens,
      sampling: plan.sampling,
    },
    text: formatTimes(stages, first, followUp, ratio),
  }
}

async function runRound(
  longtake: Longtake,
  { video, watch, question, followUp }: AnswerOptions,
  times?: Times,
) {
  await using watched = await longtake.watch(video, watch)
  const { timings } = await watched.ask(question)
  const watching = timings.open + timings.decode + timings.encode + timings.prefill
  for (const stage of STAGES) times?.stages[stage].push(stageTime(timings, stage))
  times?.firstToken.push(watching + timings.firstToken)
  times?.total.push(watching + timings.total)
  for (let next = 0; next < FOLLOW_UPS; next++) {
    const later = await watched.ask(followUp)
    times?.followUpFirstToken.push(later.timings.firstToken)
    times?.followUpTotal.push(later.timings.total)
  }
  return { plan: watched.plan, facts: watched.facts }
}

function stageTime(timings: AnswerTimings, stage: Stage): number {
  return stage === 'question' ? timings.firstToken : timings[stage]
}

function mapValues<K extends string, V, R>(
  values: Readonly<Record<K, V>>,
  map: (value: V) => R,
): Record<K, R> {
  const entries = Object.entries<V>(values).map(([key, value]) => [key, map(value)])
  return Object.fromEntries(entries)
}

interface Ends {
  readonly firstToken: Spread
  readonly total: Spread
}

function formatTimes(
  stages: Readonly<Record<Stage, Spread>>,
  first: Ends,
  followUp: Ends,
  ratio: number,
): string {
  const row = (name: string, { median, low, high }: Spread) => [
    name,
    formatMs(median),
    formatMs(low),
    formatMs(high),
  ]
  const rows = [
    ...STAGES.map((stage) => row(stage, stages[stage])),
    row('first token', first.firstToken),
    row('whole answer', first.total),
    row('follow-up: first token', followUp.firstToken),
    row('follow-up: whole answer', followUp.total),
  ]
  const table = formatTable([['', 'median', 'quartile', 'quartile'], ...rows])
  return `${table}\n\nfollow-up's first token: ${formatNumber(ratio)} times sooner (promised ≥ ${FOLLOW_UP_BOUND})`
}
