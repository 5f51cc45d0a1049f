import { randomBytes } from 'node:crypto'
import { JobError, type JobReason } from '@longtake/core'
import { digestOf, plainJson } from './json.js'
import type { Lifecycle } from './lifecycle.js'
import { checkInteger, type Limits, type Submission, submissionOf } from './options.js'
import { QueuedJob } from './queued-job.js'
import type { Runner } from './runner.js'
import type { JobStore } from './store.js'
import type {
  Accepted,
  Drained,
  DrainOptions,
  JobEvent,
  JobHandler,
  JobQueue,
  JobStatus,
  Json,
  QueueStats,
  SubmitOptions,
  WatchOptions,
  Worker,
  WorkOptions,
} from './types.js'

const DRAIN_MS = 30_000
const MOST_DRAIN_MS = 24 * 60 * 60 * 1000

export interface Parts {
  readonly limits: Limits
  readonly store: JobStore
  readonly lifecycle: Lifecycle
  readonly runner: Runner
  readonly generation: number
  readonly nextSequence: number
}

/** The queue in this process. */
export class InProcessQueue implements JobQueue {
  readonly #parts: Parts
  /** Jobs that are being written down. */
  readonly #accepting = new Set<QueuedJob>()
  readonly #hurry = new AbortController()
  #nextSequence: number
  #drained: Promise<Drained> | undefined

  constructor(parts: Parts) {
    this.#parts = parts
    this.#nextSequence = parts.nextSequence
  }

  async submit(job: Json, options: SubmitOptions): Promise<Accepted> {
    const { limits, lifecycle } = this.#parts
    const submission = submissionOf(options, limits)
    const payload = plainJson('job', job, limits.mostJobBytes)
    const digest = digestOf(payload)
    if (this.#drained)
      throw new JobError('JOBS_CLOSED', 'The queue takes no more jobs. Submit again after the restart.')
    const { key, idempotencyKey } = submission
    const existing = idempotencyKey === undefined ? undefined : lifecycle.find(key, idempotencyKey)
    if (existing) return this.#again(existing, digest)
    const queued = this.#newJob(submission, payload, digest)
    this.#checkRoom(queued)
    this.#accepting.add(queued)
    const position = lifecycle.accept(queued)
    queued.accepted = position.then(() => {})
    queued.accepted.catch(() => {})
    try {
      return { id: queued.stored.id, position: await position, existing: false }
    } finally {
      this.#accepting.delete(queued)
    }
  }

  async status(id: string): Promise<JobStatus> {
    const job = this.#find(id)
    const { stored } = job
    return {
      id,
      key: stored.key,
      state: stored.end?.state ?? (job.state === 'running' ? 'running' : 'queued'),
      position: this.#parts.lifecycle.turns.positionOf(job),
      attempts: stored.attempts,
      acceptedAt: new Date(stored.acceptedAt),
      endedAt: stored.endedAt === undefined ? undefined : new Date(stored.endedAt),
      progress: job.progress,
      result: stored.end?.state === 'done' ? (JSON.parse(stored.end.result) as Json) : undefined,
      reason: stored.end?.state === 'failed' ? stored.end.reason : undefined,
      event: job.events.last,
    }
  }

  watch(id: string, options: WatchOptions = {}): AsyncIterableIterator<JobEvent> {
    const after = checkInteger('after', options.after ?? 0, 0, Number.MAX_SAFE_INTEGER)
    const job = this.#parts.lifecycle.jobs.get(id)
    return job ? job.events.watch(after, options.signal) : failing(notFound())
  }

  async cancel(id: string): Promise<boolean> {
    return this.#parts.lifecycle.finish(this.#find(id), { state: 'cancelled' })
  }

  async result(id: string, options: { readonly signal?: AbortSignal } = {}): Promise<Json> {
    for await (const event of this.watch(id, options)) {
      if (event.type === 'done') return event.result
      if (event.type === 'failed') throw failure(event.reason)
      if (event.type === 'cancelled') throw new JobError('JOB_CANCELLED', 'The job was cancelled.')
    }
    throw notFound()
  }

  work(handler: JobHandler<Json, Json, Json>, options: WorkOptions = {}): Worker {
    return this.#parts.runner.work(handler, options)
  }

  async stats(): Promise<QueueStats> {
    const { jobs, turns, ended } = this.#parts.lifecycle
    return {
      queued: turns.size,
      running: jobs.size - turns.size - ended.size,
      ended: ended.size,
      keys: turns.keys,
    }
  }

  drain(options: DrainOptions = {}): Promise<Drained> {
    const timeoutMs = checkInteger('timeoutMs', options.timeoutMs ?? DRAIN_MS, 0, MOST_DRAIN_MS)
    if (timeoutMs === 0) this.#hurry.abort()
    this.#drained ??= this.#drain(timeoutMs)
    return this.#drained
  }

  async close(): Promise<void> {
    await this.drain({ timeoutMs: 0 })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** The job that a repeated submission is about. */
  async #again(job: QueuedJob, digest: string): Promise<Accepted> {
    if (job.stored.digest !== digest) {
      throw new JobError(
        'JOB_CONFLICT',
        'Another job was submitted with this idempotency key. Choose a new one.',
      )
    }
    await job.accepted
    return { id: job.stored.id, position: this.#parts.lifecycle.turns.positionOf(job), existing: true }
  }

  #newJob(submission: Submission, payload: string, digest: string): QueuedJob {
    const { idempotencyKey, deadlineMs, ...rest } = submission
    const acceptedAt = Date.now()
    const stored = {
      ...rest,
      id: `job_${randomBytes(16).toString('base64url')}`,
      sequence: this.#nextSequence++,
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
      digest,
      acceptedAt,
      ...(deadlineMs === undefined ? {} : { deadlineAt: acceptedAt + deadlineMs }),
      attempts: 0,
      payload,
    }
    return new QueuedJob(stored, this.#parts.generation)
  }

  /** @throws {JobError} `JOBS_FULL`. */
  #checkRoom(job: QueuedJob): void {
    const { limits, lifecycle, runner } = this.#parts
    let own = lifecycle.turns.sizeOf(job.key)
    for (const other of this.#accepting) if (other.key === job.key && other.state === 'accepting') own++
    let taken = lifecycle.turns.size
    for (const other of this.#accepting) if (other.state === 'accepting') taken++
    const free = limits.mostQueued - taken
    const isFull = free <= 0 || lifecycle.bytes + job.payloadBytes > limits.mostQueuedBytes
    if (!isFull && own < (limits.mostQueuedPerKey ?? free)) return
    const retryAfterSeconds = runner.retryAfterSeconds()
    const whose = isFull ? 'The queue is full.' : `This key has ${own} jobs queued, which is its share.`
    throw new JobError('JOBS_FULL', `${whose} Try again in ${retryAfterSeconds} s.`, { retryAfterSeconds })
  }

  #find(id: string): QueuedJob {
    const job = this.#parts.lifecycle.jobs.get(id)
    if (!job) throw notFound()
    return job
  }

  async #drain(timeoutMs: number): Promise<Drained> {
    const { store, lifecycle, runner } = this.#parts
    runner.stop()
    await Promise.allSettled([...this.#accepting].map(({ accepted }) => accepted))
    await this.#upTo(
      timeoutMs,
      runner.idle().then(() => lifecycle.endsWritten()),
    )
    const queued = lifecycle.turns.size
    const left = [...lifecycle.open()].filter(({ isEnding }) => !isEnding)
    const running = left.filter(({ state }) => state === 'running')
    if (store.isDurable) await Promise.all(running.map((job) => lifecycle.handBack(job)))
    else {
      const end = {
        state: 'failed',
        reason: { code: 'JOBS_CLOSED', message: 'The queue was closed.' },
      } as const
      await Promise.all(left.map((job) => lifecycle.finish(job, end)))
    }
    await lifecycle.close(
      new JobError('JOBS_CLOSED', 'The queue is closed. Watch the job again after the restart.'),
    )
    await store.close()
    return store.isDurable ? { queued, handedBack: running.length } : { queued: 0, handedBack: 0 }
  }

  /** Waits for something, for so long, or until `close` is called. */
  async #upTo(timeoutMs: number, work: Promise<void>): Promise<void> {
    const { signal } = this.#hurry
    let stop = (): void => {}
    const over = new Promise<void>((resolve) => {
      stop = resolve
    })
    const timer = setTimeout(stop, timeoutMs)
    signal.addEventListener('abort', stop)
    if (signal.aborted) stop()
    await Promise.race([work, over])
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
  }
}

function notFound(): JobError {
  return new JobError('JOB_NOT_FOUND', 'There is no such job, or it ended long ago and is forgotten.')
}

function failure(reason: JobReason): JobError {
  const { code, message } = reason
  if (code === 'JOB_EXPIRED' || code === 'JOB_INTERRUPTED') return new JobError(code, message, { reason })
  return new JobError('JOB_FAILED', `The job failed: ${message}`, { reason })
}

async function* failing(error: Error): AsyncGenerator<JobEvent> {
  yield* []
  throw error
}
