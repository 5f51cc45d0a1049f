import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Arguments } from './arguments.js'
import type { Benchmark, Outcome } from './benchmark.js'
import { runInChild } from './child-run.js'
import { DEFAULT_MODEL, describeModel } from './environment.js'
import type { NeedleJob, NeedleReport, NeedleTask } from './needle-job.js'
import { writeNeedlePictures } from './needle-pictures.js'
import {
  describeLength,
  type FollowUp,
  type NeedleCell,
  type NeedleLength,
  scoreFollowUp,
  scoreLength,
} from './needle-score.js'
import { formatNumber, formatPercent, formatTable } from './table.js'
import { askNeedles, drawNeedleVideo, planNeedleVideo } from './world/needle-video.js'
import { writeVideo } from './world/write-video.js'

/** Least share of right answers in every cell, and least ratio of first question to follow-up, that are promised. */
const ACCURACY_BOUND = 0.9
const FOLLOW_UP_BOUND = 20

/** Shorter videos have no room for five needles of ten seconds. */
const LEAST_MINUTES = 2
const MOST_MINUTES = 24 * 60
/** The recipe's pictures: 144 pixels a side; a picture a second is enough for shots that last. */
const FORMAT = { size: 144, framesPerSecond: 1, keyframeSeconds: 2, quality: 22 } as const

/** A shot of ten seconds somewhere in a long video: who finds it, and what does the length cost? */
export const needle: Benchmark = {
  name: 'needle',
  summary: 'a shot of 10 seconds in videos of 5 minutes to 2 hours: right answers, time, memory, tokens',
  options: [
    '--minutes 5,15,30,60,120  lengths, each in a process of its own',
    '--videos 10               videos a length, two questions on each needle',
    '--seed 1                  of the videos',
    '--follow-up 3             videos of an hour for first question against follow-up; 0 for none',
    '--follow-up-minutes 60    their length',
    '--out DIR                 where needle-heatmap.png and needle-length.png go; default nowhere',
    `--model ID                checkpoint, default ${DEFAULT_MODEL}`,
    '--threads N               default the cores',
  ],
  run: runNeedle,
}

interface NeedleOptions {
  readonly minutes: readonly number[]
  readonly videos: number
  readonly seed: number
  readonly followUps: number
  readonly followUpMinutes: number
  readonly model: string
  readonly threads: number
}

async function runNeedle(args: readonly string[], note: (text: string) => void): Promise<Outcome> {
  const given = new Arguments(args, {
    minutes: 'text',
    videos: 'text',
    seed: 'text',
    'follow-up': 'text',
    'follow-up-minutes': 'text',
    out: 'text',
    model: 'text',
    threads: 'text',
  })
  const options: NeedleOptions = {
    minutes: given.integers('minutes', [5, 15, 30, 60, 120], LEAST_MINUTES, MOST_MINUTES),
    videos: given.integer('videos', 10, 1, 1000),
    seed: given.integer('seed', 1, 0),
    followUps: given.integer('follow-up', 3, 0, 100),
    followUpMinutes: given.integer('follow-up-minutes', 60, LEAST_MINUTES, MOST_MINUTES),
    model: given.text('model') ?? DEFAULT_MODEL,
    threads: given.integer('threads', availableParallelism(), 1, 1024),
  }
  const folder = await mkdtemp(join(tmpdir(), 'longtake-needle-'))
  try {
    const stage = new NeedleStage(options, folder, note)
    const measured = await stage.measure()
    const out = given.text('out')
    const pictures = out === undefined ? [] : await writeNeedlePictures(out, measured.cells, measured.lengths)
    for (const path of pictures) note(`wrote ${path}`)
    return await describeOutcome(measured, options)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

interface Measured {
  readonly cells: readonly NeedleCell[]
  readonly lengths: readonly NeedleLength[]
  readonly followUp: FollowUp | null
  readonly backend: string
}

/** Renders videos into a folder and has processes watch them. */
class NeedleStage {
  readonly #options: NeedleOptions
  readonly #folder: string
  readonly #note: (text: string) => void

  constructor(options: NeedleOptions, folder: string, note: (text: string) => void) {
    this.#options = options
    this.#folder = folder
    this.#note = note
  }

  async measure(): Promise<Measured> {
    const warmUp = await this.#render('warm-up', LEAST_MINUTES)
    const cells: NeedleCell[] = []
    const lengths: NeedleLength[] = []
    let backend = ''
    for (const minutes of this.#options.minutes) {
      const tasks = await this.#renderAll('length', minutes, this.#options.videos)
      this.#note(`${minutes} min: watching`)
      const report = await this.#watch({ warmUp, tasks })
      cells.push(...scoreLength(minutes, report))
      lengths.push(describeLength(minutes, report))
      backend = report.backend
      await this.#remove(tasks)
    }
    return { cells, lengths, followUp: await this.#followUp(warmUp), backend }
  }

  /** Two processes on the same videos: the first one's cache is what the second one finds. */
  async #followUp(warmUp: NeedleTask): Promise<FollowUp | null> {
    const { followUps, followUpMinutes } = this.#options
    if (followUps === 0) return null
    const tasks = await this.#renderAll('follow-up', followUpMinutes, followUps)
    const cacheFolder = join(this.#folder, 'cache')
    await mkdir(cacheFolder)
    this.#note('follow-up: watching, then finding the features on disk')
    const fresh = await this.#watch({ warmUp, tasks, cacheFolder })
    const cached = await this.#watch({ warmUp, tasks, cacheFolder })
    return scoreFollowUp(followUpMinutes, fresh.watched, cached.watched)
  }

  #watch(job: Omit<NeedleJob, 'model' | 'threads'>): Promise<NeedleReport> {
    const { model, threads } = this.#options
    return runInChild(new URL('./needle-child.js', import.meta.url), { model, threads, ...job })
  }

  async #renderAll(name: string, minutes: number, count: number): Promise<readonly NeedleTask[]> {
    const tasks: NeedleTask[] = []
    for (let index = 0; index < count; index++) {
      this.#note(`${minutes} min: drawing video ${index + 1} of ${count}`)
      tasks.push(await this.#render(`${name}-${index}`, minutes))
    }
    return tasks
  }

  async #render(name: string, minutes: number): Promise<NeedleTask> {
    const video = planNeedleVideo(`${this.#options.seed}-${name}`, minutes * 60)
    const path = join(this.#folder, `${name}-${minutes}.mp4`)
    await writeVideo(path, drawNeedleVideo(video, FORMAT.framesPerSecond, FORMAT.size), FORMAT)
    return { path, questions: askNeedles(video) }
  }

  async #remove(tasks: readonly NeedleTask[]): Promise<void> {
    for (const { path } of tasks) await rm(path)
  }
}

async function describeOutcome(measured: Measured, options: NeedleOptions): Promise<Outcome> {
  const { cells, lengths, followUp, backend } = measured
  const { model, threads, seed, videos } = options
  return {
    result: {
      cells,
      lengths,
      followUp,
      seed,
      bounds: { accuracy: ACCURACY_BOUND, followUpRatio: FOLLOW_UP_BOUND },
      environment: { model: await describeModel(model), threads, backend, videos, format: FORMAT },
    },
    text: formatNeedle(measured),
    failed:
      cells.some(({ accuracy }) => accuracy < ACCURACY_BOUND) ||
      (followUp !== null && followUp.ratio < FOLLOW_UP_BOUND),
  }
}

function formatNeedle({ cells, lengths, followUp }: Measured): string {
  const positions = [...new Set(cells.map(({ position }) => position))]
  const shares = positions.map((position) => `at ${formatPercent(position)}`)
  const heading = ['minutes', ...shares, 'frames', 'every', 'tokens', 'context', 'seconds', 'peak MB']
  const rows = lengths.map((length) => [
    length.minutes,
    ...positions.map((position) => {
      const cell = cells.find((one) => one.minutes === length.minutes && one.position === position)
      return formatPercent(cell?.accuracy ?? Number.NaN)
    }),
    length.frames,
    `${formatNumber(length.intervalSeconds)} s`,
    length.visualTokens,
    length.contextTokens,
    formatNumber(length.seconds.median),
    formatNumber(length.peakBytes / 1e6),
  ])
  return [formatTable([heading, ...rows]), ...(followUp === null ? [] : ['', formatFollowUp(followUp)])].join(
    '\n',
  )
}

function formatFollowUp({
  minutes,
  firstSeconds,
  followUpSeconds,
  cachedSeconds,
  ...ratios
}: FollowUp): string {
  const seconds = ({ median }: { readonly median: number }): string => `${formatNumber(median)} s`
  return [
    `${minutes} minutes, first question with watching: ${seconds(firstSeconds)}`,
    `another question: ${seconds(followUpSeconds)}, ${formatNumber(ratios.ratio)} times sooner (promised ≥ ${FOLLOW_UP_BOUND})`,
    `another process, features on disk: ${seconds(cachedSeconds)}, ${formatNumber(ratios.cachedRatio)} times sooner`,
  ].join('\n')
}
