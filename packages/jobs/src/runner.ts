import { InvalidOptionError, isLongtakeError, JobError, type JobReason } from '@longtake/core'
import { plainJson } from './json.js'
import { isTakenOver, type Lifecycle } from './lifecycle.js'
import { checkInteger, type Limits } from './options.js'
import type { QueuedJob } from './queued-job.js'
import type { JobEnd, JobStore } from './store.js'
import type { JobHandler, JobRun, Json, Worker, WorkOptions } from './types.js'

const MOST_CONCURRENCY = 4096
const MOST_PROGRESS_BYTES = 64 << 10
/** Taken for the time of a job until one has ended. */
const FIRST_GUESS_MS = 5_000
/** Weight of the latest job in the mean time of jobs. */
const LATEST_SHARE = 0.2
const MOST_RETRY_AFTER_SECONDS = 600

interface Crew {
  readonly handler: JobHandler<Json, Json, Json>
  readonly concurrency: number
  readonly isRetryable: (error: unknown) => boolean
  readonly onUnexpected: (error: unknown, id: string) => void
  readonly runs: Set<Promise<void>>
  isClosed: boolean
}

/** Gives jobs to handlers, in the order of turns. */
export class Runner {
  readonly #limits: Limits
  readonly #lifecycle: Lifecycle
  readonly #store: JobStore
  readonly #crews = new Set<Crew>()
  readonly #runningOf = new Map<string, number>()
  #isStopped = false
  #meanMs = FIRST_GUESS_MS

  constructor(limits: Limits, lifecycle: Lifecycle, store: JobStore) {
    this.#limits = limits
    this.#lifecycle = lifecycle
    this.#store = store
    lifecycle.onQueued = () => this.#fill()
  }

  work(handler: JobHandler<Json, Json, Json>, options: WorkOptions): Worker {
    if (typeof handler !== 'function') throw new InvalidOptionError('handler', 'a function', handler)
    const crew: Crew = {
      handler,
      concurrency: checkInteger('concurrency', options.concurrency ?? 1, 1, MOST_CONCURRENCY),
      isRetryable: options.isRetryable ?? isLostEngine,
      onUnexpected: options.onUnexpected ?? (() => {}),
      runs: new Set(),
      isClosed: false,
    }
    this.#crews.add(crew)
    this.#fill()
    const close = async (): Promise<void> => {
      crew.isClosed = true
      await allSettled(crew.runs)
      await this.#lifecycle.endsWritten()
      this.#crews.delete(crew)
    }
    return { close }
  }

  /** Starts no more jobs. */
  stop(): void {
    this.#isStopped = true
  }

  /** Resolves when no handler runs. */
  async idle(): Promise<void> {
    for (const { runs } of this.#crews) await allSettled(runs)
  }

  /** Seconds until so many jobs have probably ended. */
  retryAfterSeconds(): number {
    let slots = 0
    for (const { concurrency } of this.#crews) slots += concurrency
    const seconds = Math.ceil(this.#meanMs / 1000 / Math.max(1, slots))
    return Math.min(Math.max(1, seconds), MOST_RETRY_AFTER_SECONDS)
  }

  #fill(): void {
    for (const crew of this.#crews) {
      while (!this.#isStopped && !crew.isClosed && crew.runs.size < crew.concurrency) {
        const job = this.#lifecycle.turns.next((key) => this.#mayRun(key))
        if (!job) return
        const run = this.#run(job, crew).finally(() => {
          crew.runs.delete(run)
          this.#fill()
        })
        crew.runs.add(run)
      }
    }
  }

  #mayRun(key: string): boolean {
    return (this.#runningOf.get(key) ?? 0) < this.#limits.mostRunningPerKey
  }

  async #run(job: QueuedJob, crew: Crew): Promise<void> {
    const started = performance.now()
    this.#count(job.key, 1)
    this.#lifecycle.positions.changed()
    job.state = 'running'
    job.position = 0
    job.progress = undefined
    job.stored.attempts++
    const abort = new AbortController()
    job.abort = abort
    const end = await this.#attempt(job, crew, abort)
    this.#count(job.key, -1)
    this.#meanMs += LATEST_SHARE * (performance.now() - started - this.#meanMs)
    if (end === 'again') this.#lifecycle.enqueue(job)
    else if (end) this.#lifecycle.finish(job, end).catch(() => {})
  }

  /** Runs the handler once. @returns How the job ends, unless that is decided already. */
  async #attempt(job: QueuedJob, crew: Crew, abort: AbortController): Promise<JobEnd | 'again' | undefined> {
    const { id, attempts } = job.stored
    // Where the disk is full, the attempt is not counted over a restart, and the job runs all the same.
    await this.#store.append({ kind: 'attempts', id, attempts }).catch((error: unknown) => {
      if (isTakenOver(error)) this.#leave(job, error as Error)
    })
    const isOver = (): boolean => job.isEnding || job.isHandedBack
    if (isOver()) return undefined
    if (attempts > 1) job.events.trim()
    job.events.push({ type: 'started', attempt: attempts })
    try {
      const result = await crew.handler(this.#runOf(job, abort))
      return isOver()
        ? undefined
        : { state: 'done', result: plainJson('result', result, this.#limits.mostResultBytes) }
    } catch (error) {
      if (isOver()) return undefined
      if (attempts < this.#limits.mostAttempts && attempt(() => crew.isRetryable(error))) return 'again'
      if (!isLongtakeError(error)) attempt(() => crew.onUnexpected(error, id))
      return { state: 'failed', reason: reasonOf(error) }
    } finally {
      job.abort = undefined
    }
  }

  #runOf(job: QueuedJob, abort: AbortController): JobRun {
    const isOver = (): boolean => job.abort !== abort || job.isEnding || job.isHandedBack
    return {
      id: job.stored.id,
      key: job.key,
      job: JSON.parse(job.stored.payload ?? 'null') as Json,
      attempt: job.stored.attempts,
      signal: abort.signal,
      progress: (progress) => {
        if (isOver()) return
        job.progress = JSON.parse(plainJson('progress', progress, MOST_PROGRESS_BYTES)) as Json
        job.events.push({ type: 'progress', progress: job.progress })
      },
      token: (text) => {
        if (typeof text !== 'string') throw new InvalidOptionError('token', 'a string', text)
        if (text === '' || isOver()) return
        if (job.events.bytes + 2 * text.length > this.#limits.mostTokenBytes) {
          throw new JobError(
            'JOB_TOO_LARGE',
            `The job's tokens take more than ${this.#limits.mostTokenBytes} bytes.`,
          )
        }
        job.events.push({ type: 'token', text })
      },
    }
  }

  /** Leaves everything to the process that has taken the folder over. */
  #leave(job: QueuedJob, error: Error): void {
    this.stop()
    job.isHandedBack = true
    job.events.fail(error)
  }

  #count(key: string, change: number): void {
    const count = (this.#runningOf.get(key) ?? 0) + change
    if (count > 0) this.#runningOf.set(key, count)
    else this.#runningOf.delete(key)
  }
}

function isLostEngine(error: unknown): boolean {
  if (!isLongtakeError(error)) return false
  return error.code === 'ENGINE_CRASHED' || error.code === 'ENGINE_FAILED' || error.code === 'ENGINE_CLOSED'
}

/** What watchers learn of an error: nothing of foreign ones, which may name paths or hosts. */
function reasonOf(error: unknown): JobReason {
  if (isLongtakeError(error)) return { code: error.code, message: error.message }
  return { code: 'UNEXPECTED', message: 'The job failed for a reason that is not known.' }
}

/** Calls a function of the caller's, whose own error must not change what becomes of the job. */
function attempt(call: () => unknown): boolean {
  try {
    return call() === true
  } catch {
    return false
  }
}

async function allSettled(runs: ReadonlySet<Promise<void>>): Promise<void> {
  while (runs.size > 0) await Promise.allSettled(runs)
}
