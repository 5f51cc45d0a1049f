import { setTimeout as pause } from 'node:timers/promises'
import { askStreamed, type Streamed } from './api/client.js'
import { processTree } from './api/process-tree.js'
import { openQuestions, type Questions } from './api/questions.js'
import { type ApiKey, type ApiServer, makeKey, startServer } from './api/server.js'
import { Arguments } from './arguments.js'
import type { Benchmark, Outcome } from './benchmark.js'
import { withScratch } from './scratch.js'
import { median, quantile } from './statistics.js'
import { formatMs, formatNumber, formatPercent, formatTable } from './table.js'

/** Keys that the crowd shares, and each of them has the film open. */
const CROWD_KEYS = 10
/** Questions of the greedy key that are open at any time. */
const GREEDY = 40
/** Clients while memory is watched. */
const STEADY = 8
/** Every so many questions one is about a film that has to be watched first. */
const NEW_FILM_EVERY = 10
/** Until places that were told while others still came have arrived. */
const SETTLE_MS = 1000
/** Until idle decoders have ended. */
const REST_MS = 15_000
const REST_STEP_MS = 250

/** What is promised: see docs/performance.md. */
const BOUNDS = { lagMs: 50, unfairness: 3, memoryGrowth: 0.15 }

/** Many clients of `longtake serve` at once. */
export const load: Benchmark = {
  name: 'load',
  summary:
    'a crowd at `longtake serve`: answers, places in the queue, fairness, lag of its event loop, memory',
  options: [
    '--clients 500     that ask at once',
    '--modest 30       questions of the modest key, alone and beside a greedy one',
    '--questions 1000  over which memory is watched',
  ],
  run: runLoad,
}

interface Sizes {
  readonly clients: number
  readonly modest: number
  readonly questions: number
}

interface Run {
  readonly server: ApiServer
  readonly questions: Questions
  readonly crowd: readonly ApiKey[]
  readonly greedy: ApiKey
  readonly modest: ApiKey
}

type Measured = Awaited<ReturnType<typeof measure>>

async function runLoad(args: readonly string[], note: (text: string) => void): Promise<Outcome> {
  const given = new Arguments(args, { clients: 'text', modest: 'text', questions: 'text' })
  const sizes: Sizes = {
    clients: given.integer('clients', 500, 1, 5000),
    modest: given.integer('modest', 30, 1, 10_000),
    questions: given.integer('questions', 1000, 1, 1_000_000),
  }
  const crowd = Array.from({ length: CROWD_KEYS }, (_, number) => makeKey(`crowd-${number}`))
  const [greedy, modest] = [makeKey('greedy'), makeKey('modest')]
  return withScratch('longtake-load-', async (scratch) => {
    await using questions = await openQuestions()
    const server = await startServer(scratch, {
      LONGTAKE_KEYS: [...crowd, greedy, modest].map(({ entry }) => entry).join(','),
      LONGTAKE_OPEN_VIDEOS: String(CROWD_KEYS + 4),
      LONGTAKE_QUEUE: String(4 * sizes.clients + 1000),
    })
    try {
      const result = await measure({ server, questions, crowd, greedy, modest }, sizes, note)
      return { result, text: format(result), failed: isMissed(result) }
    } finally {
      await server.stop()
    }
  })
}

async function measure(run: Run, { clients, modest, questions }: Sizes, note: (text: string) => void) {
  await run.questions.learn(run.server, run.modest.secret)
  note(`${modest} questions alone`)
  const aloneP50Ms = median(await askOneByOne(run, modest))
  note(`${clients} clients at once`)
  const crowd = await crowdIn(run, clients)
  note(`${modest} questions beside a greedy key`)
  const beside = await besideGreedy(run, modest)
  note(`${questions} questions, memory`)
  const memory = await memoryOver(run, questions, note)
  return {
    clients,
    ...crowd,
    lost: crowd.lost + memory.lost,
    fairness: { aloneP50Ms, besideP50Ms: beside.p50Ms, greedyAnswered: beside.greedyAnswered },
    questions,
    memoryBytes: memory.bytes,
    memoryGrowth: memory.growth,
    processes: memory.processes,
  }
}

/** Milliseconds of each question of the modest key. */
async function askOneByOne(run: Run, count: number): Promise<readonly number[]> {
  const times: number[] = []
  for (let number = 0; number < count; number++) {
    const start = performance.now()
    await ask(run, run.modest, number)
    times.push(performance.now() - start)
  }
  return times
}

async function crowdIn(run: Run, clients: number) {
  await lagOf(run)
  const start = performance.now()
  let lastAcceptedMs = 0
  const times: number[] = []
  const ended = await Promise.all(
    Array.from({ length: clients }, async (_, number) => {
      const key = run.crowd[number % run.crowd.length] ?? run.modest
      const asked = await ask(run, key, number, () => {
        lastAcceptedMs = performance.now()
      })
      times.push(performance.now() - start)
      return asked
    }),
  )
  const wrongPositions = ended.reduce(
    (sum, { positions }) => sum + countWrong(positions, clients, lastAcceptedMs + SETTLE_MS),
    0,
  )
  return {
    lost: ended.filter((one, number) => !isAnswered(run, one, number)).length,
    p50Ms: median(times),
    p99Ms: quantile(times, 0.99),
    ...(await lagOf(run)),
    positionsTold: ended.reduce((sum, { positions }) => sum + positions.length, 0),
    wrongPositions,
  }
}

/** Places beyond the crowd, and places that went back although nobody came any more. */
function countWrong(positions: Streamed['positions'], clients: number, settledMs: number): number {
  const outside = positions.filter(({ position }) => position < 1 || position > clients).length
  const settled = positions.filter(({ atMs }) => atMs > settledMs)
  const back = settled.filter(({ position }, at) => at > 0 && position > (settled[at - 1]?.position ?? 0))
  return outside + back.length
}

async function besideGreedy(run: Run, modest: number) {
  let isOver = false
  let greedyAnswered = 0
  const greedy = Array.from({ length: GREEDY }, async (_, first) => {
    for (let number = first; !isOver; number++) {
      if (isAnswered(run, await ask(run, run.greedy, number), number)) greedyAnswered++
      else await pause(REST_STEP_MS)
    }
  })
  try {
    return { p50Ms: median(await askOneByOne(run, modest)), greedyAnswered }
  } finally {
    isOver = true
    await Promise.all(greedy)
  }
}

/** Memory of all processes of the server before, at quarters, and after, whenever nothing runs. */
async function memoryOver(run: Run, questions: number, note: (text: string) => void) {
  let lost = await askSteadily(run, 0, Math.ceil(questions / 10))
  const bytes = [await memoryAtRest(run.server)]
  for (let quarter = 0; quarter < 4; quarter++) {
    const [from, to] = [quarter, quarter + 1].map((part) => Math.floor((part * questions) / 4))
    lost += await askSteadily(run, from ?? 0, to ?? 0)
    bytes.push(await memoryAtRest(run.server))
    note(`${to} questions, ${Math.round((bytes.at(-1) ?? 0) / 2 ** 20)} MiB`)
  }
  const [first = Number.NaN] = bytes
  const growth = (bytes.at(-1) ?? Number.NaN) / first - 1
  return { lost, bytes, growth, processes: processTree(run.server.pid).length }
}

async function askSteadily(run: Run, from: number, to: number): Promise<number> {
  let next = from
  let lost = 0
  const client = async (): Promise<void> => {
    while (next < to) {
      const number = next++
      const film = number % NEW_FILM_EVERY === 0 ? number : 0
      const asked = await ask(run, run.modest, number, () => {}, film)
      if (!isAnswered(run, asked, number)) lost++
    }
  }
  await Promise.all(Array.from({ length: STEADY }, client))
  return lost
}

/** Resident bytes of server, engine and the decoder that is kept ready, once the other decoders have ended. */
async function memoryAtRest({ pid }: ApiServer): Promise<number> {
  let tree = processTree(pid)
  for (const end = performance.now() + REST_MS; tree.length > 3 && performance.now() < end; ) {
    await pause(REST_STEP_MS)
    tree = processTree(pid)
  }
  return tree.reduce((sum, { residentBytes }) => sum + residentBytes, 0)
}

function ask(
  { server, questions }: Run,
  { secret: key }: ApiKey,
  number: number,
  onAccepted?: () => void,
  film = 0,
): Promise<Streamed> {
  const question = { video: questions.film(film), text: questions.text(number), key }
  return askStreamed(server, question, onAccepted)
}

function isAnswered({ questions }: Run, { isDone, text }: Streamed, number: number): boolean {
  return isDone && questions.isRight(number, text)
}

/** Delay of the server's event loop at p99 and at most, since this was last asked; of one that does nothing it is 10 ms. */
async function lagOf({ server, modest }: Run) {
  const headers = { Authorization: `Bearer ${modest.secret}` }
  const text = await (await fetch(`${server.url}/metrics`, { headers })).text()
  const millisecondsOf = (what: string): number =>
    1000 *
    Number(new RegExp(`^nodejs_eventloop_lag_${what}_seconds (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN)
  return { lagP99Ms: millisecondsOf('p99'), lagMaxMs: millisecondsOf('max') }
}

function isMissed({ lost, wrongPositions, lagP99Ms, fairness, memoryGrowth }: Measured): boolean {
  const isFair = fairness.besideP50Ms <= BOUNDS.unfairness * fairness.aloneP50Ms
  const isFlat = memoryGrowth <= BOUNDS.memoryGrowth
  return lost > 0 || wrongPositions > 0 || !(lagP99Ms < BOUNDS.lagMs) || !isFair || !isFlat
}

function format(result: Measured): string {
  const { clients, lost, p50Ms, p99Ms, lagP99Ms, fairness, questions, memoryBytes, memoryGrowth } = result
  const mebibytes = memoryBytes.map((bytes) => Math.round(bytes / 2 ** 20)).join(', ')
  return [
    formatTable([
      ['clients', 'lost', 'p50', 'p99', 'lag p99'],
      [clients, lost, formatMs(p50Ms), formatMs(p99Ms), formatMs(lagP99Ms)],
    ]),
    `Places in the queue: ${result.positionsTold} told, ${result.wrongPositions} wrong.`,
    `A modest key: p50 ${formatMs(fairness.aloneP50Ms)} alone, ${formatMs(fairness.besideP50Ms)} beside a greedy one (${formatNumber(fairness.besideP50Ms / fairness.aloneP50Ms)} times).`,
    `Memory over ${questions} questions: ${mebibytes} MiB, ${formatPercent(memoryGrowth)} more.`,
  ].join('\n')
}
