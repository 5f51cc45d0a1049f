import { cancelled } from './abort.js'

/** libuv's pool unless `UV_THREADPOOL_SIZE` says otherwise; reading files and looking up hosts share it. */
const DEFAULT_POOL_THREADS = 4

/** Native calls at a time: one thread of the pool stays free, so that long runs never hold up reading files. */
export function nativeCallLimit(poolSize = process.env.UV_THREADPOOL_SIZE): number {
  const threads = Number(poolSize)
  return Math.max(1, (Number.isInteger(threads) && threads > 0 ? threads : DEFAULT_POOL_THREADS) - 1)
}

/** Lets a limited number of tasks run at once; others wait their turn, or leave when their signal fires. */
export class Gate {
  readonly #limit: number
  readonly #waiting: (() => void)[] = []
  #active = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** @throws {CancelledError} If the signal fires while the task waits. */
  async pass<R>(signal: AbortSignal | undefined, task: () => Promise<R>): Promise<R> {
    if (this.#active >= this.#limit) await this.#wait(signal)
    else this.#active++
    try {
      return await task()
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#active--
    }
  }

  /** Resolves when a leaving task hands over its place. */
  #wait(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const enter = () => {
        signal?.removeEventListener('abort', leave)
        resolve()
      }
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(enter), 1)
        reject(cancelled(signal!))
      }
      this.#waiting.push(enter)
      signal?.addEventListener('abort', leave, { once: true })
    })
  }
}
