import { cancelled, throwIfAborted, withAbort } from '../ort/abort.js'

/** Runs work one after the other, in the order it was asked for. */
export class WorkQueue {
  #tail: Promise<unknown> = Promise.resolve()

  /**
   * Starts `work` when everything before it has ended, well or not.
   *
   * @throws {CancelledError} At once if the signal fires while the work still waits; it is then never started.
   */
  run<R>(work: () => Promise<R>, signal: AbortSignal): Promise<R> {
    const turn = this.#tail
    let started = false
    const result = turn.then(() => {
      throwIfAborted(signal)
      started = true
      return work()
    })
    this.#tail = result.catch(() => {})
    return new Promise<R>((resolve, reject) => {
      const leave = (): void => {
        if (!started) reject(cancelled(signal))
      }
      withAbort(signal, leave, () => result).then(resolve, reject)
    })
  }

  /** Settles when everything asked for so far has ended. */
  async idle(): Promise<void> {
    await this.#tail
  }
}
