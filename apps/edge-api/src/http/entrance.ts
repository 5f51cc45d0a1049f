import { setImmediate } from 'node:timers'

/**
 * Lets requests in one at a time, each after the event loop has gone round: many that arrive together would hold it for as
 * long as all of them take, and everything else with it.
 */
export class Entrance {
  readonly #waiting: (() => void)[] = []

  /** Resolves when it is this one's turn, in the order of coming. */
  enter(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#waiting.push(resolve) === 1) setImmediate(this.#admit)
    })
  }

  readonly #admit = (): void => {
    this.#waiting.shift()?.()
    if (this.#waiting.length > 0) setImmediate(this.#admit)
  }
}
