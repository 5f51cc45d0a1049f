import { InvalidOptionError } from '@longtake/core'
import type { SubmitOptions } from './types.js'

const SECOND = 1000
const DAY = 24 * 60 * 60 * SECOND
/** Timers of JavaScript end at 24.8 days. */
const MOST_MS = 7 * DAY
const MOST_COUNT = 1_000_000
const MOST_BYTES = 2 ** 40
const MOST_NAME = 256
const MOST_PRIORITY = 9

/** How a queue is opened. */
export interface QueueOptions {
  /** Where jobs are written down. Without one they live in memory, and end with the process. */
  readonly folder?: string
  /** How long another process that has the folder is waited for, as in a deploy. Default 0. */
  readonly lockWaitMs?: number
  /** Most queued jobs. Default 1,000. */
  readonly mostQueued?: number
  /**
   * Most queued jobs of one key. Default: as many as there are free places at that moment, so that one key alone fills
   * half of the queue, and a key that has none queued finds a place unless all are taken.
   */
  readonly mostQueuedPerKey?: number
  /** Most running jobs of one key. Default: no limit. */
  readonly mostRunningPerKey?: number
  /** Most bytes of JSON of one job. Default 256 KiB. */
  readonly mostJobBytes?: number
  /** Most bytes of JSON of all queued and running jobs. Default 64 MiB. */
  readonly mostQueuedBytes?: number
  /** Most bytes of JSON of a result; a job with a larger one fails. Default 1 MiB. */
  readonly mostResultBytes?: number
  /** Most memory for the tokens of one job, 2 bytes a character; a job with more fails. Default 4 MiB. */
  readonly mostTokenBytes?: number
  /** How often a job is started at most, where an engine or the process is lost. Default 2. */
  readonly mostAttempts?: number
  /** Deadline of jobs that have none of their own. Default: none. */
  readonly deadlineMs?: number
  /** How long a job with `cancelOnAbandon` goes on while nobody watches it. Default 10,000. */
  readonly abandonMs?: number
  /** How long an ended job is remembered. Default: an hour. */
  readonly keepMs?: number
  /** How many ended jobs are remembered. Default 1,000. */
  readonly keepCount?: number
  /** Most bytes of the results and tokens of ended jobs. Default 64 MiB. */
  readonly keepBytes?: number
}

/** Options with their defaults. */
export interface Limits {
  readonly lockWaitMs: number
  readonly mostQueued: number
  readonly mostQueuedPerKey: number | undefined
  readonly mostRunningPerKey: number
  readonly mostJobBytes: number
  readonly mostQueuedBytes: number
  readonly mostResultBytes: number
  readonly mostTokenBytes: number
  readonly mostAttempts: number
  readonly deadlineMs: number | undefined
  readonly abandonMs: number
  readonly keepMs: number
  readonly keepCount: number
  readonly keepBytes: number
}

/** @throws {InvalidOptionError} If an option is out of its range. */
export function limitsOf(options: QueueOptions): Limits {
  const integer = (name: keyof QueueOptions, byDefault: number, least: number, most: number): number =>
    checkInteger(name, options[name] ?? byDefault, least, most)
  const optional = (name: keyof QueueOptions, most: number): number | undefined =>
    options[name] === undefined ? undefined : checkInteger(name, options[name], 1, most)
  return {
    lockWaitMs: integer('lockWaitMs', 0, 0, DAY),
    mostQueued: integer('mostQueued', 1000, 1, MOST_COUNT),
    mostQueuedPerKey: optional('mostQueuedPerKey', MOST_COUNT),
    mostRunningPerKey: optional('mostRunningPerKey', MOST_COUNT) ?? Number.POSITIVE_INFINITY,
    mostJobBytes: integer('mostJobBytes', 256 << 10, 1, 64 << 20),
    mostQueuedBytes: integer('mostQueuedBytes', 64 << 20, 1, MOST_BYTES),
    mostResultBytes: integer('mostResultBytes', 1 << 20, 1, 64 << 20),
    mostTokenBytes: integer('mostTokenBytes', 4 << 20, 1, MOST_BYTES),
    mostAttempts: integer('mostAttempts', 2, 1, 100),
    deadlineMs: optional('deadlineMs', MOST_MS),
    abandonMs: integer('abandonMs', 10 * SECOND, 0, MOST_MS),
    keepMs: integer('keepMs', 60 * 60 * SECOND, 0, MOST_MS),
    keepCount: integer('keepCount', 1000, 0, MOST_COUNT),
    keepBytes: integer('keepBytes', 64 << 20, 0, MOST_BYTES),
  }
}

/** What a job is submitted with, checked. */
export interface Submission {
  readonly key: string
  readonly idempotencyKey: string | undefined
  readonly deadlineMs: number | undefined
  readonly priority: number
  readonly cancelOnAbandon: boolean
}

/** @throws {InvalidOptionError} */
export function submissionOf(options: SubmitOptions, limits: Limits): Submission {
  const { idempotencyKey, deadlineMs, cancelOnAbandon = false } = options
  if (typeof cancelOnAbandon !== 'boolean') {
    throw new InvalidOptionError('cancelOnAbandon', 'true or false', cancelOnAbandon)
  }
  return {
    key: checkName('key', options.key),
    idempotencyKey: idempotencyKey === undefined ? undefined : checkName('idempotencyKey', idempotencyKey),
    deadlineMs:
      deadlineMs === undefined ? limits.deadlineMs : checkInteger('deadlineMs', deadlineMs, 1, MOST_MS),
    priority: checkInteger('priority', options.priority ?? 0, 0, MOST_PRIORITY),
    cancelOnAbandon,
  }
}

/** @throws {InvalidOptionError} If `value` is no whole number from `least` to `most`. */
export function checkInteger(option: string, value: unknown, least: number, most: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value
  throw new InvalidOptionError(option, `a whole number from ${least} to ${most}`, value)
}

function checkName(option: string, value: unknown): string {
  // The value itself stays out of the message: a key may be a secret.
  if (typeof value === 'string' && /^\P{Cc}{1,256}$/u.test(value) && value.length <= MOST_NAME) return value
  const shown = typeof value === 'string' ? 'another string' : typeof value
  throw new InvalidOptionError(option, '1 to 256 characters without control characters', shown)
}
