import { setTimeout as sleep } from 'node:timers/promises'

/** Edits of one message: Discord allows five in five seconds. */
const LEAST_INTERVAL_MS = 1500
/** Edits of all messages together in a second, far below Discord's 50 for a whole bot. */
const EDITS_PER_SECOND = 10

/** Spreads edits over time, so that none is ever refused for coming too fast. */
export class Pace {
  readonly #clock: () => number
  #nextAt = 0
  /** Messages that are being written to. */
  #open = 0

  constructor(clock: () => number) {
    this.#clock = clock
  }

  enter(): void {
    this.#open += 1
  }

  leave(): void {
    this.#open -= 1
  }

  /** Milliseconds between edits of one message; they grow with the number of messages. */
  get intervalMs(): number {
    return Math.max(LEAST_INTERVAL_MS, (this.#open / EDITS_PER_SECOND) * 1000)
  }

  /** Waits for a turn. Rejects when the signal fires. */
  async turn(signal: AbortSignal): Promise<void> {
    const now = this.#clock()
    const at = Math.max(now, this.#nextAt)
    this.#nextAt = at + 1000 / EDITS_PER_SECOND
    if (at > now) await sleep(at - now, undefined, { signal })
  }
}
