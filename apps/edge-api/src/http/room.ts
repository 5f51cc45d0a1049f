import { ApiError } from './api-error.js'

/** Seconds after which a busy server is asked again. */
const RETRY_AFTER_SECONDS = 2

/** A bounded amount of something that requests hold while they run, such as bytes of bodies. */
export class Room {
  readonly #what: string
  #left: number

  /** @param what - What there is too much of, for the message. */
  constructor(most: number, what: string) {
    this.#left = most
    this.#what = what
  }

  /**
   * Takes some of it.
   *
   * @throws {ApiError} 503 with `Retry-After` if there is not that much left.
   */
  take(amount: number): void {
    if (amount > this.#left) {
      throw new ApiError(503, 'busy', `The server has too many ${this.#what} at once. Try again.`, {
        headers: { 'Retry-After': String(RETRY_AFTER_SECONDS) },
      })
    }
    this.#left -= amount
  }

  give(amount: number): void {
    this.#left += amount
  }
}
