/** Work that has begun and not ended, so that closing can wait for it. */
export class InFlight {
  readonly #running = new Set<Promise<unknown>>()

  /** Passes on what `work` comes to, and counts it until then. */
  async track<T>(work: Promise<T>): Promise<T> {
    this.#running.add(work)
    try {
      return await work
    } finally {
      this.#running.delete(work)
    }
  }

  /** Resolves when all that runs now has ended, well or not. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#running)
  }
}
