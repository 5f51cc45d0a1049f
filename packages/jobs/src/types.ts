import type { JobReason } from '@longtake/core'

/** What JSON can say. Jobs, results and progress are plain JSON, so that any engine can store and send them. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }

/** How a job is submitted. */
export interface SubmitOptions {
  /** Who submits: the queue is fair between keys. 1 to 256 characters, no control characters. */
  readonly key: string
  /**
   * Submitting again with it gives the same job back, as long as the job is remembered, and a conflict where the job
   * differs. It belongs to its `key`. 1 to 256 characters, no control characters.
   */
  readonly idempotencyKey?: string
  /** Milliseconds from now until which the job must have ended, waiting included; up to 7 days. Default: the queue's. */
  readonly deadlineMs?: number
  /** 0 to 9; a higher one goes first among the jobs of one key. Default 0. */
  readonly priority?: number
  /** Whether the job is cancelled when nobody has been watching it for the queue's `abandonMs`. Default false. */
  readonly cancelOnAbandon?: boolean
}

/** A job that the queue has taken on. */
export interface Accepted {
  /** Cannot be guessed. */
  readonly id: string
  /** Turns until it starts, 1 for the next one; 0 when it waits no longer. */
  readonly position: number
  /** Whether it had been submitted before, with this idempotency key. */
  readonly existing: boolean
}

/** What happened to a job. `number` grows from event to event, with gaps, also over restarts. */
export type JobEvent<Result extends Json = Json, Progress extends Json = Json> = {
  readonly number: number
} & (
  | { readonly type: 'queued'; readonly position: number }
  /** With `attempt` above 1 the job starts over: what came before is void. */
  | { readonly type: 'started'; readonly attempt: number }
  | { readonly type: 'progress'; readonly progress: Progress }
  | { readonly type: 'token'; readonly text: string }
  | { readonly type: 'done'; readonly result: Result }
  | { readonly type: 'failed'; readonly reason: JobReason }
  | { readonly type: 'cancelled' }
)

export type JobState = 'queued' | 'running' | 'done' | 'failed' | 'cancelled'

/** Where a job stands. */
export interface JobStatus<Result extends Json = Json, Progress extends Json = Json> {
  readonly id: string
  /** Who submitted it: whoever shows jobs to strangers compares this. */
  readonly key: string
  readonly state: JobState
  /** Turns until it starts; 0 unless queued. */
  readonly position: number
  /** How often it was started. */
  readonly attempts: number
  readonly acceptedAt: Date
  readonly endedAt: Date | undefined
  readonly progress: Progress | undefined
  /** With `done`. */
  readonly result: Result | undefined
  /** With `failed`. */
  readonly reason: JobReason | undefined
  /** Number of the latest event. */
  readonly event: number
}

export interface WatchOptions {
  /** Number of the last event that was seen: events after it follow. Default: all that are kept. */
  readonly after?: number
  readonly signal?: AbortSignal
}

/** What a handler is given. */
export interface JobRun<Job extends Json = Json, Progress extends Json = Json> {
  readonly id: string
  readonly key: string
  readonly job: Job
  /** 1 the first time. */
  readonly attempt: number
  /** Fires when the job was cancelled, is past its deadline, or is handed back by `drain`. */
  readonly signal: AbortSignal
  /** Tells watchers how far it is; a slow watcher sees the latest alone. */
  progress(progress: Progress): void
  /** Tells watchers a piece of text. */
  token(text: string): void
}

export type JobHandler<Job extends Json, Result extends Json, Progress extends Json> = (
  run: JobRun<Job, Progress>,
) => Promise<Result>

export interface WorkOptions {
  /** Jobs at once. Default 1. */
  readonly concurrency?: number
  /**
   * Whether a handler's error is worth another attempt. Default: `ENGINE_CRASHED`, `ENGINE_FAILED` and
   * `ENGINE_CLOSED`, which an engine ends with that was lost.
   */
  readonly isRetryable?: (error: unknown) => boolean
  /** Told of errors that are none of Longtake's; watchers only learn that there was one. */
  readonly onUnexpected?: (error: unknown, id: string) => void
}

export interface Worker {
  /** Takes no more jobs, and resolves when those that it runs have ended. */
  close(): Promise<void>
}

export interface DrainOptions {
  /** How long running jobs may go on before they are handed back. Default 30,000. */
  readonly timeoutMs?: number
}

/** What a drain left: jobs that the next process finds in the folder. */
export interface Drained {
  readonly queued: number
  readonly handedBack: number
}

export interface QueueStats {
  readonly queued: number
  readonly running: number
  /** Ended jobs that are still remembered. */
  readonly ended: number
  /** Keys with queued jobs. */
  readonly keys: number
}

/**
 * One queue of jobs, whatever engine is behind it: jobs go in by `submit`, handlers take them with `work`, and what
 * happens to them is read by `watch`, `status` and `result`.
 */
export interface JobQueue<Job extends Json = Json, Result extends Json = Json, Progress extends Json = Json>
  extends AsyncDisposable {
  /**
   * Takes a job on. Once this has resolved the job is on disk, and ends exactly once whatever happens.
   *
   * @throws {InvalidOptionError} If the job is not plain JSON, or an option is out of its range.
   * @throws {JobError} `JOBS_FULL`, `JOB_TOO_LARGE`, `JOB_CONFLICT`, `JOBS_STORE` or `JOBS_CLOSED`.
   */
  submit(job: Job, options: SubmitOptions): Promise<Accepted>
  /** @throws {JobError} `JOB_NOT_FOUND`, also for jobs that are forgotten. */
  status(id: string): Promise<JobStatus<Result, Progress>>
  /**
   * The events of a job, in order; it ends after `done`, `failed` or `cancelled`. The end is given whatever `after` is.
   *
   * @throws {JobError} From the first `next`: `JOB_NOT_FOUND`; `JOBS_CLOSED` when the queue closes before the job ends.
   * @throws {CancelledError} If the signal fires.
   */
  watch(id: string, options?: WatchOptions): AsyncIterableIterator<JobEvent<Result, Progress>>
  /**
   * Ends a job that has not ended; its handler is told by its signal.
   *
   * @returns Whether this was what ended it.
   * @throws {JobError} `JOB_NOT_FOUND`.
   */
  cancel(id: string): Promise<boolean>
  /**
   * The result, as soon as it is there.
   *
   * @throws {JobError} `JOB_FAILED`, `JOB_EXPIRED`, `JOB_INTERRUPTED` or `JOB_CANCELLED`, as the job ended; and what
   * `watch` throws.
   */
  result(id: string, options?: { readonly signal?: AbortSignal }): Promise<Result>
  /** Gives jobs to a handler, as many at once as it asks for. */
  work(handler: JobHandler<Job, Result, Progress>, options?: WorkOptions): Worker
  /** Counts, for readiness and metrics. */
  stats(): Promise<QueueStats>
  /** Takes and starts no more jobs, waits for those that run, hands the rest back to the folder, and closes. */
  drain(options?: DrainOptions): Promise<Drained>
  /** `drain` without waiting. */
  close(): Promise<void>
}
