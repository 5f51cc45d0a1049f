import { LinkError } from '@longtake/core'
import type { LinkLimits } from './policy.js'

/** Counts what one link has cost over all its requests. */
export class Budget {
  readonly #limits: LinkLimits
  readonly #onFetched: (bytes: number) => void
  #fetchedBytes = 0
  /** Requests under way. */
  #running = 0
  #since = 0
  #spentMs = 0

  constructor(limits: LinkLimits, onFetched: (bytes: number) => void) {
    this.#limits = limits
    this.#onFetched = onFetched
  }

  get fetchedBytes(): number {
    return this.#fetchedBytes
  }

  /** Milliseconds of waiting that are left; requests at the same time share theirs. */
  get leftMs(): number {
    const running = this.#running > 0 ? performance.now() - this.#since : 0
    return this.#limits.maxSeconds * 1000 - this.#spentMs - running
  }

  /** @throws {LinkError} `LINK_TOO_SLOW` if no time is left. */
  begin(): void {
    if (this.leftMs <= 0) throw this.late()
    if (this.#running++ === 0) this.#since = performance.now()
  }

  end(): void {
    if (--this.#running === 0) this.#spentMs += performance.now() - this.#since
  }

  /** @throws {LinkError} `LINK_TOO_LARGE` if that is more than may be fetched. */
  add(bytes: number): void {
    this.#fetchedBytes += bytes
    const { maxFetchedBytes } = this.#limits
    if (this.#fetchedBytes > maxFetchedBytes) {
      throw new LinkError('LINK_TOO_LARGE', `The link takes more than the ${maxFetchedBytes} bytes allowed.`)
    }
    this.#onFetched(this.#fetchedBytes)
  }

  late(): LinkError {
    const { maxSeconds } = this.#limits
    return new LinkError('LINK_TOO_SLOW', `The link's server takes more than ${maxSeconds} seconds in all.`)
  }
}
