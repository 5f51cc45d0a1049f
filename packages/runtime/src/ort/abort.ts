import { CancelledError } from '@longtake/core'

/** @throws {CancelledError} If the signal has fired; its reason becomes the cause. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw cancelled(signal)
}

export function cancelled(signal: AbortSignal): CancelledError {
  return new CancelledError(undefined, { cause: signal.reason })
}

/** Calls `stop` once if the signal fires while `work` is under way. */
export async function withAbort<R>(
  signal: AbortSignal | undefined,
  stop: () => void,
  work: () => Promise<R>,
): Promise<R> {
  throwIfAborted(signal)
  signal?.addEventListener('abort', stop, { once: true })
  try {
    return await work()
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}
