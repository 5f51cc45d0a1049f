import { isLongtakeError, JobError } from '@longtake/core'
import { Ended } from './ended.js'
import type { Limits } from './options.js'
import { Positions } from './positions.js'
import { failed, type QueuedJob } from './queued-job.js'
import type { JobEnd, JobStore, StoredJob } from './store.js'
import { Turns } from './turns.js'

/** First and longest wait between tries to write down an end. */
const FIRST_RETRY_MS = 100
const MOST_RETRY_MS = 10_000
/** Longer timers are set again when they fire. */
const MOST_TIMER_MS = 2 ** 30

/** What becomes of jobs between acceptance and being forgotten; everything that is told is stored first. */
export class Lifecycle {
  readonly jobs = new Map<string, QueuedJob>()
  readonly turns = new Turns<QueuedJob>()
  readonly positions = new Positions(this.turns)
  readonly ended: Ended
  /** Called when a job may start. */
  onQueued: () => void = () => {}
  readonly #limits: Limits
  readonly #store: JobStore
  readonly #byIdempotency = new Map<string, QueuedJob>()
  readonly #ending = new Set<Promise<boolean>>()
  readonly #waiting = new Set<() => void>()
  #isClosed = false
  #bytes = 0

  constructor(limits: Limits, store: JobStore) {
    this.#limits = limits
    this.#store = store
    this.ended = new Ended(limits, (job) => this.#forget(job))
  }

  /** Bytes of the jobs that have not ended. */
  get bytes(): number {
    return this.#bytes
  }

  /** Jobs that are stored and have not ended. */
  *open(): Generator<QueuedJob> {
    for (const job of this.jobs.values()) if (!job.stored.end) yield job
  }

  *stored(): Generator<StoredJob> {
    for (const job of this.jobs.values()) yield job.stored
  }

  /** The job that was submitted with an idempotency key, also one that is still being written. */
  find(key: string, idempotencyKey: string): QueuedJob | undefined {
    return this.#byIdempotency.get(JSON.stringify([key, idempotencyKey]))
  }

  /** Stores a new job and queues it. @throws {JobError} `JOBS_STORE`; then the job does not exist. */
  async accept(job: QueuedJob): Promise<number> {
    const name = idempotencyName(job)
    if (name !== undefined) this.#byIdempotency.set(name, job)
    this.#bytes += job.payloadBytes
    let position = 0
    try {
      await this.#store.append({ kind: 'job', job: job.stored }, () => {
        this.jobs.set(job.stored.id, job)
        this.enqueue(job)
        position = job.position
        this.watchOver(job)
        this.onQueued()
      })
      return position
    } catch (error) {
      this.#bytes -= job.payloadBytes
      if (name !== undefined) this.#byIdempotency.delete(name)
      throw error
    }
  }

  /** Takes over a job that the folder had. */
  restore(job: QueuedJob): void {
    this.jobs.set(job.stored.id, job)
    const name = idempotencyName(job)
    if (name !== undefined) this.#byIdempotency.set(name, job)
    if (job.stored.end) {
      job.tellEnd()
      this.ended.add(job)
      return
    }
    this.#bytes += job.payloadBytes
    this.watchOver(job)
    if (job.stored.attempts < this.#limits.mostAttempts) this.enqueue(job)
    else void this.finish(job, interrupted(job)).catch(() => {})
  }

  enqueue(job: QueuedJob): void {
    job.state = 'queued'
    this.turns.add(job)
    job.position = this.turns.positionOf(job)
    job.events.push({ type: 'queued', position: job.position })
    this.positions.changed()
  }

  /** Sees to it that a job ends at its deadline, and when nobody watches it. */
  watchOver(job: QueuedJob): void {
    job.events.onWatched = (watched) => this.#watchedChanged(job, watched)
    this.#expire(job)
    this.#watchedChanged(job, job.events.isWatched)
  }

  /**
   * Ends a job, once its end is written.
   *
   * @returns False if it had ended, or its end had been decided, before.
   * @throws {JobError} If the queue was closed before it could be written.
   */
  finish(job: QueuedJob, end: JobEnd): Promise<boolean> {
    if (job.isEnding || job.isHandedBack) return Promise.resolve(false)
    job.isEnding = true
    if (this.turns.remove(job)) this.positions.changed()
    job.stopRunning(endReason(end))
    const ending = this.#writeEnd(job, end)
    this.#ending.add(ending)
    const over = (): boolean => this.#ending.delete(ending)
    ending.then(over, over)
    return ending
  }

  /** Leaves a running job to the next process, as if it had not been started. */
  async handBack(job: QueuedJob): Promise<void> {
    job.isHandedBack = true
    job.stored.attempts--
    job.stopRunning(new JobError('JOBS_CLOSED', 'The queue is closing; the job goes on after the restart.'))
    await this.#store
      .append({ kind: 'attempts', id: job.stored.id, attempts: job.stored.attempts })
      .catch(() => {})
  }

  /** Resolves when all ends that are decided are written. */
  async endsWritten(): Promise<void> {
    while (this.#ending.size > 0) await Promise.allSettled(this.#ending)
  }

  /** Tries once more to write ends that could not be written, and gives up on everything that was to happen later. */
  async close(error: Error): Promise<void> {
    this.#isClosed = true
    this.positions.close()
    for (const wake of this.#waiting) wake()
    await this.endsWritten()
    this.ended.close()
    for (const job of this.open()) {
      job.stopRunning(error)
      job.events.fail(error)
    }
  }

  async #writeEnd(job: QueuedJob, end: JobEnd): Promise<boolean> {
    const endedAt = Date.now()
    for (let waitMs = FIRST_RETRY_MS; ; waitMs = Math.min(2 * waitMs, MOST_RETRY_MS)) {
      try {
        const record = { kind: 'end', id: job.stored.id, end, endedAt } as const
        await this.#store.append(record, () => this.#applyEnd(job, end, endedAt))
        return true
      } catch (error) {
        // An end that was told but not written could become another one after a crash; so it waits for room.
        if (this.#isClosed || isTakenOver(error)) throw error
        await this.#pause(waitMs)
      }
    }
  }

  #applyEnd(job: QueuedJob, end: JobEnd, endedAt: number): void {
    Object.assign(job.stored, { end, endedAt })
    delete job.stored.payload
    this.#bytes -= job.payloadBytes
    job.tellEnd()
    this.ended.add(job)
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer)
        this.#waiting.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, ms)
      this.#waiting.add(wake)
    })
  }

  #expire(job: QueuedJob): void {
    const { deadlineAt } = job.stored
    if (deadlineAt === undefined || job.isEnding || this.#isClosed) return
    const leftMs = deadlineAt - Date.now()
    if (leftMs > 0) {
      job.deadline = setTimeout(() => this.#expire(job), Math.min(leftMs, MOST_TIMER_MS))
      job.deadline.unref?.()
      return
    }
    const during = job.state === 'running' ? 'while it ran' : 'while it was queued'
    this.finish(job, failed('JOB_EXPIRED', `The deadline passed ${during}.`)).catch(() => {})
  }

  #watchedChanged(job: QueuedJob, watched: boolean): void {
    clearTimeout(job.abandonment)
    if (watched) this.positions.watch(job)
    else this.positions.leave(job)
    if (watched || !job.stored.cancelOnAbandon || job.isEnding || this.#isClosed) return
    const cancel = (): void => void this.finish(job, { state: 'cancelled' }).catch(() => {})
    job.abandonment = setTimeout(cancel, this.#limits.abandonMs)
    job.abandonment.unref?.()
  }

  #forget(job: QueuedJob): void {
    this.jobs.delete(job.stored.id)
    const name = idempotencyName(job)
    if (name !== undefined) this.#byIdempotency.delete(name)
  }
}

/** Whether the folder is in the hands of another process, which runs what this one has not ended. */
export function isTakenOver(error: unknown): boolean {
  return isLongtakeError(error) && error.code === 'JOBS_LOCKED'
}

function idempotencyName(job: QueuedJob): string | undefined {
  const { key, idempotencyKey } = job.stored
  return idempotencyKey === undefined ? undefined : JSON.stringify([key, idempotencyKey])
}

function interrupted(job: QueuedJob): JobEnd {
  const times = `${job.stored.attempts} time${job.stored.attempts === 1 ? '' : 's'}`
  return failed('JOB_INTERRUPTED', `The process ended while the job ran, ${times}.`)
}

/** What a running handler's signal says. */
function endReason(end: JobEnd): JobError {
  if (end.state !== 'failed') return new JobError('JOB_CANCELLED', 'The job was cancelled.')
  const { code, message } = end.reason
  return new JobError(code === 'JOB_EXPIRED' ? 'JOB_EXPIRED' : 'JOB_FAILED', message, { reason: end.reason })
}
