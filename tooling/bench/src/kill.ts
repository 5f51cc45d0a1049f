import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { askStreamed } from './api/client.js'
import { isRunning, processTree } from './api/process-tree.js'
import { openQuestions, type Questions } from './api/questions.js'
import { type ApiServer, startServer } from './api/server.js'
import { Arguments } from './arguments.js'
import type { Benchmark, Outcome } from './benchmark.js'
import { type Scratch, withScratch } from './scratch.js'
import { formatTable } from './table.js'

/** Time for all jobs; one without an end by then is lost. */
const LIMIT_MS = 300_000
const STEP_MS = 20
/** A kill comes up to so long after the job it waited for, so that it meets every stage of the next ones. */
const MOST_DELAY_MS = 400
/** Until processes have seen that the one above them is gone. */
const ORPHANS_MS = 20_000
/** Answers that say nothing of the job: it is asked for again. */
const TRANSIENT = new Set(['restarted', 'jobs_closed', 'queue_full', 'unknown'])

/** Engine and server killed while jobs run. */
export const kill: Benchmark = {
  name: 'kill',
  summary: '`longtake serve` with its engine killed again and again and itself once, while accepted jobs run',
  options: [
    '--jobs 40           accepted jobs, each about a video of its own',
    '--kills 10          of the engine',
  ],
  run: runKill,
}

/** What became of a job. */
interface Fate {
  readonly ids: Set<string>
  /** Undefined as long as there is none. */
  end: 'answered' | 'wrong' | 'doubled' | { readonly reason: string } | undefined
}

interface Run {
  readonly scratch: Scratch
  readonly questions: Questions
  readonly fates: readonly Fate[]
  readonly stop: AbortSignal
  server: ApiServer
}

async function runKill(args: readonly string[], note: (text: string) => void): Promise<Outcome> {
  const given = new Arguments(args, { jobs: 'text', kills: 'text' })
  const jobs = given.integer('jobs', 40, 2, 450)
  const kills = given.integer('kills', 10, 1, jobs - 1)
  return withScratch('longtake-kill-', async (scratch) => {
    await using questions = await openQuestions()
    const server = await start(scratch)
    await questions.learn(server)
    const fates = Array.from({ length: jobs }, (): Fate => ({ ids: new Set(), end: undefined }))
    const run: Run = { scratch, questions, fates, server, stop: AbortSignal.timeout(LIMIT_MS) }
    const following = Promise.all(fates.map((fate, number) => follow(run, fate, number)))
    await until(run, () => fates.every(({ ids }) => ids.size > 0))
    const accepted = fates.filter(({ ids }) => ids.size > 0).length
    note(`${accepted} jobs accepted`)
    const killed = await killAll(run, kills, note)
    await following
    const changed = await askAgain(run)
    await run.server.stop()
    const result = { accepted, ...countFates(fates), changed, ...killed }
    return { result, text: format(result), failed: isMissed(result, jobs, kills) }
  })
}

function start(scratch: Scratch): Promise<ApiServer> {
  return startServer(scratch, { LONGTAKE_STATE: join(scratch.folder, 'state') })
}

/** Asks, and asks for the same job again whenever the connection breaks, until it has an end. */
async function follow(run: Run, fate: Fate, number: number): Promise<void> {
  while (fate.end === undefined && !run.stop.aborted) {
    fate.end = endOf(run, number, await askOnce(run, fate, number))
    if (fate.end === undefined) await pause(STEP_MS)
  }
}

function askOnce({ server, questions, stop }: Run, fate: Fate, number: number) {
  const question = {
    video: questions.film(number + 1),
    text: questions.text(number),
    idempotencyKey: `job-${number}`,
  }
  return askStreamed(server, question, (id) => fate.ids.add(id), stop)
}

function endOf(
  { questions }: Run,
  number: number,
  { isDone, text, failure }: Awaited<ReturnType<typeof askStreamed>>,
): Fate['end'] {
  if (failure !== undefined) return TRANSIENT.has(failure) ? undefined : { reason: failure }
  if (!isDone) return undefined
  if (questions.isRight(number, text)) return 'answered'
  return text.startsWith(questions.answer(number)) ? 'doubled' : 'wrong'
}

/** Kills the engine whenever some more jobs have ended, and the server half way. */
async function killAll(run: Run, kills: number, note: (text: string) => void) {
  const { fates } = run
  let engineKills = 0
  let serverKills = 0
  let orphans = 0
  for (let kill = 0; kill < kills; kill++) {
    const ended = Math.floor((kill * fates.length) / (kills + 3))
    await until(run, () => endedOf(fates) >= ended)
    await pause(Math.floor(Math.random() * MOST_DELAY_MS))
    if (kill === Math.floor(kills / 2)) {
      note(`the server, after ${endedOf(fates)} jobs`)
      orphans += await killServer(run)
      serverKills++
    }
    if (await killEngine(run)) engineKills++
    note(`engine ${engineKills}, after ${endedOf(fates)} jobs`)
  }
  return { engineKills, serverKills, orphans }
}

async function killEngine(run: Run): Promise<boolean> {
  let pid: number | undefined
  await until(run, () => {
    pid = processTree(run.server.pid).find(({ commandLine }) =>
      commandLine.includes('engine-process.js'),
    )?.pid
    return pid !== undefined
  })
  if (pid === undefined) return false
  process.kill(pid, 'SIGKILL')
  await until(run, () => pid === undefined || !isRunning(pid))
  return true
}

/** Kills the server and starts the next on its jobs. @returns Processes below it that did not end. */
async function killServer(run: Run): Promise<number> {
  const below = processTree(run.server.pid).filter(({ pid }) => pid !== run.server.pid)
  await run.server.kill()
  run.server = await start(run.scratch)
  const late = performance.now() + ORPHANS_MS
  const left = (): number => below.filter(({ pid }) => isRunning(pid)).length
  while (left() > 0 && performance.now() < late) await pause(STEP_MS)
  return left()
}

/** Asks for every job once more. @returns How many say something else than before. */
async function askAgain(run: Run): Promise<number> {
  let changed = 0
  for (const [number, fate] of run.fates.entries()) {
    const end = endOf(run, number, await askOnce(run, fate, number))
    if (JSON.stringify(end) !== JSON.stringify(fate.end)) changed++
  }
  return changed
}

async function until({ stop }: Run, isSo: () => boolean): Promise<void> {
  while (!isSo() && !stop.aborted) await pause(STEP_MS)
}

function endedOf(fates: readonly Fate[]): number {
  return fates.filter(({ end }) => end !== undefined).length
}

function countFates(fates: readonly Fate[]) {
  const count = (end: Fate['end']): number => fates.filter((fate) => fate.end === end).length
  const reasons = fates.flatMap(({ end }) => (typeof end === 'object' ? [end.reason] : []))
  return {
    answered: count('answered'),
    failedWithReason: reasons.length,
    lost: count(undefined),
    /** Said twice, or a second job for the same key. */
    doubled: fates.filter(({ end, ids }) => end === 'doubled' || ids.size > 1).length,
    wrong: count('wrong'),
    reasons: [...new Set(reasons)],
  }
}

type Result = ReturnType<typeof countFates> & {
  readonly accepted: number
  readonly changed: number
  readonly engineKills: number
  readonly serverKills: number
  readonly orphans: number
}

function isMissed(result: Result, jobs: number, kills: number): boolean {
  const { accepted, lost, doubled, wrong, changed, orphans, engineKills } = result
  return lost + doubled + wrong + changed + orphans > 0 || accepted < jobs || engineKills < kills
}

function format({ accepted, answered, failedWithReason, lost, doubled, ...rest }: Result): string {
  const { wrong, changed, engineKills, serverKills, orphans, reasons } = rest
  const table = formatTable([
    ['accepted', 'answered', 'failed with reason', 'lost', 'doubled', 'wrong'],
    [accepted, answered, failedWithReason, lost, doubled, wrong],
  ])
  const killed = `The engine was killed ${engineKills} times, the server ${serverKills}; ${orphans} processes stayed behind.`
  return `${table}\n${killed} Asked again, ${changed} said something else. Reasons: ${reasons.join(', ') || 'none'}.`
}
