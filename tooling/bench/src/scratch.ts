import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** A temporary folder, and what has to end before it can go. */
export interface Scratch {
  readonly folder: string
  /** Fires when the folder is about to go. */
  readonly signal: AbortSignal
}

/**
 * Works with a temporary folder that is gone afterwards: when the work has ended or failed, and when the process is
 * interrupted or asked to end, which it then does with the exit code that shells use for it.
 *
 * @param work - Listens to `signal` and ends what uses the folder at once: nothing is waited for on an interrupt.
 */
export async function withScratch<T>(prefix: string, work: (scratch: Scratch) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), prefix))
  const ending = new AbortController()
  const remove = (): void => {
    ending.abort()
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  }
  const interrupt = (signal: (typeof SIGNALS)[number]): void => {
    remove()
    process.exit(128 + constants.signals[signal])
  }
  // Not once: while the folder goes, a second Ctrl-C must not cut that short.
  for (const signal of SIGNALS) process.on(signal, interrupt)
  try {
    return await work({ folder, signal: ending.signal })
  } finally {
    remove()
    for (const signal of SIGNALS) process.off(signal, interrupt)
  }
}
