import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { EngineError } from '@longtake/core'
import { type Discord, startDiscord } from '@longtake/discord-stand-in'
import { isRunning, processTree } from './api/process-tree.js'
import { openQuestions, type Questions } from './api/questions.js'
import { Arguments } from './arguments.js'
import type { Benchmark, Outcome } from './benchmark.js'
import { type Asked, answerText } from './bot/asked.js'
import { type BotProgram, openQuestionsOf, startBotProgram } from './bot/bot-program.js'
import { askAll, type Crowd, worldOf } from './bot/people.js'
import { Sight } from './bot/sight.js'
import { Troubles } from './bot/troubles.js'
import { type Scratch, withScratch } from './scratch.js'
import { formatTable } from './table.js'

/** As long as Discord waits for a first answer. */
const ACKNOWLEDGE_MS = 3000
/** Nothing changes any more after so long: what has no answer by then is lost. */
const STALLED_MS = 120_000
const LIMIT_MS = 1_800_000
const STEP_MS = 100
/** A kill comes up to so long after the answer that it waited for. */
const MOST_DELAY_MS = 1000
/** Zombie connections are found by heartbeats: sooner than with Discord's own 41 s. */
const HEARTBEAT_MS = 5000
/** Processes of a killed bot that run longer are orphans. */
const ORPHAN_MS = 5000

/** The bot with troubles of all kinds between it and Discord. */
export const botFaults: Benchmark = {
  name: 'bot-faults',
  summary:
    '`longtake bot` while connections break, requests fail, and its process is killed: every question is answered once',
  options: [
    '--questions 240     that have to be taken on and answered',
    '--people 60         who ask at once, and each one question after the other',
    '--kills 2           of the bot, which is started again on the same folder',
  ],
  run: runBotFaults,
}

interface Run extends Crowd {
  readonly scratch: Scratch
  readonly folder: string
  readonly troubles: Troubles
  readonly note: (text: string) => void
  bot: BotProgram
}

async function runBotFaults(args: readonly string[], note: (text: string) => void): Promise<Outcome> {
  const given = new Arguments(args, { questions: 'text', people: 'text', kills: 'text' })
  const count = given.integer('questions', 240, 1, 10_000)
  const kills = given.integer('kills', 2, 0, Math.floor(count / 2))
  const people = given.integer('people', Math.min(60, count), 1, count)
  return withScratch('longtake-bot-', async (scratch) => {
    await using questions = await openQuestions()
    const discord = await startDiscord({ ...worldOf(people), heartbeatIntervalMs: HEARTBEAT_MS })
    const ending = new AbortController()
    try {
      const folder = join(scratch.folder, 'state')
      const bot = await startBotProgram(scratch, discord, folder)
      note('started')
      await questions.learnFrom((number) => askAlone(discord, questions, number))
      note('asked alone')
      const sight = new Sight(discord, ending.signal)
      const troubles = new Troubles(discord)
      const run = {
        scratch,
        discord,
        questions,
        sight,
        asked: [],
        threads: new Map<string, string>(),
        stop: ending.signal,
        folder,
        troubles,
        note,
        bot,
      }
      const result = await measure(run, { count, people, kills, ending })
      return { result, text: format(result), failed: isMissed(result, count, kills) }
    } finally {
      ending.abort()
      await discord.close()
    }
  })
}

/** The answer to a question, while nothing goes wrong; the bot works on one after the other. */
async function askAlone(discord: Discord, questions: Questions, number: number): Promise<string> {
  const values = { question: questions.text(number), video: questions.film(0) }
  const asked = discord.user('person-0').slash('ask', values, { channel: 'dm' })
  const answer = await discord.until(
    () => asked.reply?.components.some(({ label }) => label === 'Show frames') && asked.reply,
    { withinMs: STALLED_MS, what: 'an answer while nothing goes wrong' },
  )
  const text = answerText(answer)
  if (text === '') throw new EngineError('ENGINE_FAILED', 'The bot does not answer.')
  return text
}

interface Plan {
  readonly count: number
  readonly people: number
  readonly kills: number
  /** Ends the run. */
  readonly ending: AbortController
}

async function measure(run: Run, { count, people, kills, ending }: Plan) {
  const { discord, troubles, sight, note } = run
  const before = discord.counts
  const startMs = performance.now()
  troubles.start()
  const asking = Promise.all(
    Array.from({ length: people }, (_, person) =>
      askAll(
        run,
        person,
        Array.from({ length: Math.ceil((count - person) / people) }, (_, index) => index * people + person),
      ),
    ),
  )
  const troubling = troubles.run(ending.signal)
  const watching = watch(run, ending)
  const killed = await killAll(run, count, kills)
  await asking
  const isQuiet = await quiet(run)
  ending.abort()
  await Promise.all([troubling, watching])
  discord.faults.clear()
  sight.look()
  const stoppedItself = await run.bot.stop()
  if (!stoppedItself) note(`did not stop by itself: ${run.bot.lastLines().join('\n')}`)
  const seconds = Math.round((performance.now() - startMs) / 1000)
  const { counts } = discord
  const result = {
    questions: count,
    people,
    ...judge(run),
    rateLimited: counts.selfInflictedRateLimits,
    isQuiet,
    stoppedItself,
    pings: discord.botPings.length,
    ...killed,
    requests: counts.requests - before.requests,
    ordered: { rateLimits: counts.injectedRateLimits, otherFaults: counts.injectedFaults },
    connection: { ...troubles.counts, resumed: counts.resumed, identified: counts.identified },
    seconds,
  }
  return result
}

/** Ends the run when it takes too long, or nothing changes any more. */
async function watch({ sight, note }: Run, ending: AbortController): Promise<void> {
  const late = performance.now() + LIMIT_MS
  while (!ending.signal.aborted) {
    await pause(STEP_MS)
    const now = performance.now()
    if (now < late && now - sight.changedAtMs < STALLED_MS) continue
    note('nothing changes any more')
    ending.abort()
  }
}

/** Kills the bot whenever some more questions were answered, and starts it again. */
async function killAll(run: Run, count: number, kills: number) {
  const { sight, troubles, discord, note } = run
  let killed = 0
  let orphans = 0
  for (let kill = 1; kill <= kills; kill++) {
    const wanted = Math.floor((kill * count) / (kills + 1))
    if (!(await sight.until(() => answeredOf(run) >= wanted))) break
    await pause(Math.random() * MOST_DELAY_MS)
    await troubles.outage(async () => {
      const below = processTree(run.bot.pid).filter(({ pid }) => pid !== run.bot.pid)
      await run.bot.kill()
      killed++
      note(`killed after ${answeredOf(run)} answers`)
      run.bot = await startBotProgram(run.scratch, discord, run.folder)
      orphans += (await leftOf(below.map(({ pid }) => pid))).length
    })
  }
  return { kills: killed, orphans }
}

/** Processes that do not end although the one that they work for is gone. They learn it from their pipe, which takes a moment. */
async function leftOf(pids: readonly number[]): Promise<readonly number[]> {
  const deadline = performance.now() + ORPHAN_MS
  let left = pids.filter(isRunning)
  while (left.length > 0 && performance.now() < deadline) {
    await pause(STEP_MS)
    left = left.filter(isRunning)
  }
  return left
}

/** Waits until the bot has nothing left to do. */
async function quiet(run: Run): Promise<boolean> {
  while (!run.stop.aborted) {
    if ((await openQuestionsOf(run.bot)) === 0) return true
    await pause(STEP_MS)
  }
  return false
}

function answeredOf({ asked, sight }: Run): number {
  return asked.filter((one) => sight.of(one).answers.length > 0).length
}

function judge({ asked, sight, questions, troubles }: Run) {
  const all = asked.map((one) => ({ ...one, seen: sight.of(one) }))
  const accepted = all.filter(({ seen }) => seen.isAccepted)
  const count = (is: (one: (typeof all)[number]) => boolean): number => accepted.filter(is).length
  const notAccepted = all.filter(({ seen }) => !seen.isAccepted && !seen.isRefused)
  const acknowledged = all.filter(({ interaction }) => interaction?.acknowledgedAfterMs !== undefined)
  return {
    accepted: accepted.length,
    answered: count(({ seen }) => seen.answers.length === 1),
    lost: count(({ seen }) => seen.answers.length + seen.failures.length === 0),
    doubled: count(({ seen }) => seen.answers.length > 1),
    wrong: count(({ number, seen }) => seen.answers.some((it) => !questions.isRight(number, answerText(it)))),
    failedWithReason: count(({ seen }) => seen.answers.length === 0 && seen.failures.length > 0),
    reasons: [...new Set(accepted.flatMap(({ seen }) => seen.failures))],
    refused: all.filter(({ seen }) => seen.isRefused).length,
    notAccepted: notAccepted.length,
    /** Commands that got no answer although the bot could hear all the time. */
    missed: notAccepted.filter(({ interaction, atMs }) => interaction && !isExcused(troubles, atMs)).length,
    slowestAckMs: Math.max(0, ...acknowledged.map(({ seen }) => seen.firstAfterMs ?? 0)),
    slowestReplyMs: Math.max(
      0,
      ...all.map(({ interaction, seen }) => (interaction ? 0 : (seen.firstAfterMs ?? 0))),
    ),
  }
}

function isExcused({ outages }: Troubles, atMs: Asked['atMs']): boolean {
  return outages.some(({ fromMs, toMs }) => fromMs <= atMs + ACKNOWLEDGE_MS && toMs >= atMs)
}

type Result = Awaited<ReturnType<typeof measure>>

function isMissed(result: Result, questions: number, kills: number): boolean {
  const { lost, doubled, wrong, failedWithReason, missed, rateLimited, orphans, pings } = result
  const isKept = result.isQuiet && result.stoppedItself && result.kills === kills
  const faults = lost + doubled + wrong + failedWithReason + missed + rateLimited + orphans + pings
  return faults > 0 || !isKept || result.answered < questions || result.slowestAckMs >= ACKNOWLEDGE_MS
}

function format(result: Result): string {
  const { accepted, answered, lost, doubled, wrong, notAccepted, missed, rateLimited } = result
  const table = formatTable([
    ['accepted', 'answered', 'lost', 'doubled', 'wrong', 'not accepted', 'missed', 'slowest ack', '429s'],
    [accepted, answered, lost, doubled, wrong, notAccepted, missed, `${result.slowestAckMs} ms`, rateLimited],
  ])
  const { kills, orphans, requests, ordered, seconds, reasons } = result
  const troubles = `${ordered.rateLimits} limits and ${ordered.otherFaults} other faults were ordered for ${requests} requests`
  return `${table}\nThe bot was killed ${kills} times, ${orphans} processes stayed behind; ${troubles}; ${seconds} s. Reasons: ${reasons.join(', ') || 'none'}.`
}
