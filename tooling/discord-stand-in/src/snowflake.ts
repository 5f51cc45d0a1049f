import type { StandInClock } from './clock.js'

/** First millisecond of Discord's ids. https://docs.discord.com/developers/reference#snowflakes */
const EPOCH_MS = 1_420_070_400_000

const SEQUENCE_BITS = 22n

/** Gives out ids in Discord's form: the time in the upper bits, so that later ids are larger. */
export class Snowflakes {
  readonly #clock: StandInClock
  #last = 0n

  constructor(clock: StandInClock) {
    this.#clock = clock
  }

  next(): string {
    const earliest = BigInt(this.#clock.now() - EPOCH_MS) << SEQUENCE_BITS
    this.#last = earliest > this.#last ? earliest : this.#last + 1n
    return this.#last.toString()
  }
}

/** Orders ids from the oldest to the newest. */
export function compareIds(left: string, right: string): number {
  return left.length - right.length || (left < right ? -1 : left > right ? 1 : 0)
}
