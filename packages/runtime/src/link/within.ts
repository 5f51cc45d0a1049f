import { clearTimeout, setTimeout } from 'node:timers'
import { cancelled, throwIfAborted } from '../ort/abort.js'

/**
 * Waits for work that cannot be stopped itself, for so long and until the signal fires.
 *
 * @throws What `late` makes, after `seconds`.
 * @throws {CancelledError} When the signal fires.
 */
export async function within<T>(
  seconds: number,
  signal: AbortSignal,
  late: () => Error,
  work: Promise<T>,
): Promise<T> {
  throwIfAborted(signal)
  let end = (): void => {}
  const stopped = new Promise<never>((_, reject) => {
    const timer = setTimeout(() => reject(late()), seconds * 1000)
    const stop = (): void => reject(cancelled(signal))
    signal.addEventListener('abort', stop, { once: true })
    end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
    }
  })
  try {
    return await Promise.race([work, stopped])
  } finally {
    end()
  }
}
