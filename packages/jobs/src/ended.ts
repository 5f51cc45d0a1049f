import type { QueuedJob } from './queued-job.js'

interface Bounds {
  readonly keepMs: number
  readonly keepCount: number
  readonly keepBytes: number
}

/** Ended jobs that are still remembered, oldest end first, bounded in time, number and bytes. */
export class Ended {
  readonly #bounds: Bounds
  readonly #forget: (job: QueuedJob) => void
  readonly #jobs = new Set<QueuedJob>()
  #bytes = 0
  #timer: NodeJS.Timeout | undefined

  /** @param forget - Called for every job that is remembered no longer. */
  constructor(bounds: Bounds, forget: (job: QueuedJob) => void) {
    this.#bounds = bounds
    this.#forget = forget
  }

  get size(): number {
    return this.#jobs.size
  }

  add(job: QueuedJob): void {
    this.#jobs.add(job)
    this.#bytes += bytesOf(job)
    this.prune()
  }

  /** Forgets what is too old or too much. */
  prune(): void {
    const { keepMs, keepCount, keepBytes } = this.#bounds
    // Tokens go first: the result says it all again.
    for (const job of this.#jobs) {
      if (this.#bytes <= keepBytes) break
      this.#bytes -= job.events.bytes
      job.events.trim()
      this.#bytes += job.events.bytes
    }
    const oldest = Date.now() - keepMs
    for (const job of this.#jobs) {
      const keeps =
        this.#jobs.size <= keepCount && this.#bytes <= keepBytes && (job.stored.endedAt ?? 0) > oldest
      if (keeps) break
      this.#jobs.delete(job)
      this.#bytes -= bytesOf(job)
      this.#forget(job)
    }
    this.#schedule()
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #schedule(): void {
    clearTimeout(this.#timer)
    const [first] = this.#jobs
    if (!first) return
    const waitMs = (first.stored.endedAt ?? 0) + this.#bounds.keepMs - Date.now()
    this.#timer = setTimeout(() => this.prune(), Math.max(1, Math.min(waitMs, this.#bounds.keepMs)))
    this.#timer.unref?.()
  }
}

/** A job without its result, roughly. */
const JOB_BYTES = 1024

function bytesOf(job: QueuedJob): number {
  const { end } = job.stored
  return JOB_BYTES + job.events.bytes + (end?.state === 'done' ? 2 * end.result.length : 0)
}
