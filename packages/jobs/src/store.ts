import type { JobReason } from '@longtake/core'

/** How a job ended. `result` is JSON text. */
export type JobEnd =
  | { readonly state: 'done'; readonly result: string }
  | { readonly state: 'failed'; readonly reason: JobReason }
  | { readonly state: 'cancelled' }

/** An accepted job, as it is stored. Times are milliseconds since 1970. */
export interface StoredJob {
  readonly id: string
  /** Grows with every accepted job. */
  readonly sequence: number
  readonly key: string
  readonly idempotencyKey?: string
  /** Hash of the job that tells two submissions apart. */
  readonly digest: string
  readonly priority: number
  readonly acceptedAt: number
  readonly deadlineAt?: number
  readonly cancelOnAbandon: boolean
  /** How often it was started. */
  attempts: number
  /** JSON text of the job; gone once it has ended. */
  payload?: string
  end?: JobEnd
  endedAt?: number
}

/** What is written down, in the order in which it happened. */
export type StoreRecord =
  | { readonly kind: 'job'; readonly job: StoredJob }
  | { readonly kind: 'attempts'; readonly id: string; readonly attempts: number }
  | { readonly kind: 'end'; readonly id: string; readonly end: JobEnd; readonly endedAt: number }

/** Where accepted jobs and their ends are kept. */
export interface JobStore {
  /**
   * Writes a record behind all earlier ones.
   *
   * @param apply - Called once the record is written, before anything else is.
   * @throws {JobError} `JOBS_STORE` if it could not be written; then nothing has changed.
   */
  append(record: StoreRecord, apply?: () => void): Promise<void>
  /** Whether jobs outlive the process. */
  readonly isDurable: boolean
  close(): Promise<void>
}

/** For tests and embedding: nothing outlives the process. */
export const memoryStore: JobStore = {
  isDurable: false,
  async append(_, apply) {
    apply?.()
  },
  async close() {},
}
