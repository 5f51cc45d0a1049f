import { EngineError, type VideoPlan } from '@longtake/core'
import { type Longtake, load, type WatchedVideo } from '@longtake/runtime'
import { isRight } from './quality-data.js'
import type { NeedleQuestion } from './world/needle-video.js'

/** One video to watch, and what is asked about it: the first question right after watching. */
export interface NeedleTask {
  readonly path: string
  readonly questions: readonly NeedleQuestion[]
}

/** What one process does. Plain data: it is sent to the process. */
export interface NeedleJob {
  readonly model: string
  readonly threads: number
  /** A short video that is watched first and does not count. */
  readonly warmUp: NeedleTask
  readonly tasks: readonly NeedleTask[]
  /** Where features are kept; nowhere if it is absent. */
  readonly cacheFolder?: string
}

/** One answered question. */
interface NeedleAnswer {
  readonly position: number
  readonly text: string
  readonly isRight: boolean
}

/** What watching one video and asking about it took. */
export interface WatchedNeedle {
  readonly answers: readonly NeedleAnswer[]
  /** Watching and the first answer, seconds. */
  readonly firstSeconds: number
  /** Each further answer on the watched video, seconds. */
  readonly followUpSeconds: readonly number[]
  readonly frames: number
  /** Seconds between two sampled frames. */
  readonly intervalSeconds: number
  readonly visualTokens: number
  /** Most tokens that the language model had in its context: video, text and answer. */
  readonly contextTokens: number
}

/** What one process found. Plain data. */
export interface NeedleReport {
  readonly watched: readonly WatchedNeedle[]
  /** Most memory that the process ever held, bytes. */
  readonly peakBytes: number
  readonly backend: string
}

/** Runs a job in this process. All options of watching are the defaults. */
export async function runNeedleJob(job: NeedleJob): Promise<NeedleReport> {
  const { model, threads, cacheFolder } = job
  const cache = cacheFolder === undefined ? {} : { cache: { folder: cacheFolder } }
  await using longtake = await load(model, { threads, ...cache })
  await watchNeedle(longtake, job.warmUp)
  const watched: WatchedNeedle[] = []
  for (const task of job.tasks) watched.push(await watchNeedle(longtake, task))
  return { watched, peakBytes: process.resourceUsage().maxRSS * 1024, backend: longtake.backend.name }
}

async function watchNeedle(longtake: Longtake, { path, questions }: NeedleTask): Promise<WatchedNeedle> {
  const start = performance.now()
  await using video = await longtake.watch(path)
  const seconds: number[] = []
  const answers: NeedleAnswer[] = []
  let contextTokens = 0
  let from = start
  for (const question of questions) {
    const { text, usage } = await video.ask(question.text)
    const end = performance.now()
    seconds.push((end - from) / 1000)
    from = end
    answers.push({ position: question.position, text, isRight: isRight(text, question) })
    contextTokens = Math.max(contextTokens, usage.promptTokens + usage.completionTokens)
    expectTokens(usage.visualTokens, video.plan)
  }
  const [firstSeconds = Number.NaN, ...followUpSeconds] = seconds
  return { answers, firstSeconds, followUpSeconds, contextTokens, ...describePlan(video) }
}

function describePlan({ plan, facts }: WatchedVideo) {
  const { frames, visualTokens } = plan
  return { frames, visualTokens, intervalSeconds: facts.durationSeconds / frames }
}

function expectTokens(visualTokens: number, plan: VideoPlan): void {
  if (visualTokens === plan.visualTokens) return
  throw new EngineError(
    'ENGINE_FAILED',
    `The plan says ${plan.visualTokens} visual tokens, the answer used ${visualTokens}: nothing to measure.`,
  )
}
