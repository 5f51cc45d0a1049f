import type { Caller } from '../services.js'
import { ApiError } from './api-error.js'

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS

/** A bucket that fills evenly; `left` may be spent at once. */
interface Bucket {
  left: number
  filledAt: number
}

export interface AllowanceLimits {
  readonly requestsPerMinute: number
  readonly questionsPerDay: number
}

/**
 * How much a key may ask. Buckets fill evenly, so that no moment gives a fresh minute or day at once; there are as many
 * as there are keys, which are the operator's own.
 */
export class Allowances {
  readonly #requests = new Map<string, Bucket>()
  readonly #questions = new Map<string, Bucket>()
  readonly #limits: AllowanceLimits
  readonly #clock: () => number

  constructor(limits: AllowanceLimits, clock: () => number) {
    this.#limits = limits
    this.#clock = clock
  }

  /** @throws {ApiError} 429 with `Retry-After`. */
  request(caller: Caller): void {
    const most = caller.requestsPerMinute ?? this.#limits.requestsPerMinute
    this.#spend(this.#requests, caller, most, MINUTE_MS, 'requests a minute', 'rate_limit_exceeded')
  }

  /** @throws {ApiError} 429 with `Retry-After`. */
  question(caller: Caller): void {
    const most = caller.questionsPerDay ?? this.#limits.questionsPerDay
    this.#spend(this.#questions, caller, most, DAY_MS, 'questions and videos a day', 'insufficient_quota')
  }

  #spend(
    buckets: Map<string, Bucket>,
    { name }: Caller,
    most: number,
    periodMs: number,
    what: string,
    code: string,
  ): void {
    const now = this.#clock()
    const bucket = buckets.get(name) ?? { left: most, filledAt: now }
    buckets.set(name, bucket)
    const elapsedMs = Math.max(0, now - bucket.filledAt)
    bucket.left = Math.min(most, bucket.left + (elapsedMs * most) / periodMs)
    bucket.filledAt = now
    if (bucket.left >= 1) {
      bucket.left -= 1
      return
    }
    const seconds = Math.max(1, Math.ceil(((1 - bucket.left) * periodMs) / most / 1000))
    throw new ApiError(429, code, `This key may make ${most} ${what}. Try again in ${seconds} s.`, {
      headers: { 'Retry-After': String(seconds) },
    })
  }
}
