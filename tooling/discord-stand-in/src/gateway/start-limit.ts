import type { StandInClock } from '../clock.js'

/** Sessions that may be started per day. https://docs.discord.com/developers/events/gateway#session-start-limit-object */
const STARTS_PER_DAY = 1000
const DAY_MS = 24 * 60 * 60 * 1000

/** Counts identifies: so many a day, and one per interval and rate limit key. */
export class StartLimit {
  readonly #clock: StandInClock
  readonly #intervalMs: number
  readonly #lastByKey = new Map<number, number>()
  #startsAtMs: number[] = []

  constructor(clock: StandInClock, intervalMs: number) {
    this.#clock = clock
    this.#intervalMs = intervalMs
  }

  /** Counts an identify; false where it comes too early. */
  take(shardId: number): boolean {
    const now = this.#clock.now()
    const last = this.#lastByKey.get(shardId)
    if (last !== undefined && now - last < this.#intervalMs) return false
    this.#lastByKey.set(shardId, now)
    this.#startsAtMs = [...this.#recent(), now]
    return this.#startsAtMs.length <= STARTS_PER_DAY
  }

  render(): { total: number; remaining: number; reset_after: number; max_concurrency: number } {
    const recent = this.#recent()
    const oldest = recent[0] ?? this.#clock.now()
    return {
      total: STARTS_PER_DAY,
      remaining: Math.max(0, STARTS_PER_DAY - recent.length),
      reset_after: Math.max(0, oldest + DAY_MS - this.#clock.now()),
      max_concurrency: 1,
    }
  }

  #recent(): number[] {
    return this.#startsAtMs.filter((at) => this.#clock.now() - at < DAY_MS)
  }
}
