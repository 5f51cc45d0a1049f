/**
 * The stand-in's time. It runs with the machine's clock and may be put ahead, so that a test reaches the end of an
 * interaction token or of a signed link at once. Timers of the program under test are left alone.
 */
export class StandInClock {
  #aheadMs = 0

  /** Milliseconds since 1970. */
  now(): number {
    return Date.now() + this.#aheadMs
  }

  /** Puts the clock ahead by `milliseconds`; it never goes back. */
  advance(milliseconds: number): void {
    this.#aheadMs += Math.max(0, milliseconds)
  }
}
