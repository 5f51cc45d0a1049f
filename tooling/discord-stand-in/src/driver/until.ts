import { setTimeout as wait } from 'node:timers/promises'
import { StandInError } from '../stand-in-error.js'

export interface UntilOptions {
  /** Real milliseconds; default 20 seconds. */
  readonly withinMs?: number
  /** What is waited for, for the error. */
  readonly what?: string
}

const BETWEEN_MS = 5

/**
 * Waits until `probe` gives something other than undefined, null or false, and gives that.
 * @throws {StandInError} After `withinMs`.
 */
export async function until<Value>(
  probe: () => Value,
  options: UntilOptions = {},
): Promise<NonNullable<Exclude<Value, false>>> {
  const { withinMs = 20_000, what = probe.toString() } = options
  const lastAtMs = Date.now() + withinMs
  for (;;) {
    const value = probe()
    if (isThere(value)) return value
    if (Date.now() > lastAtMs) throw new StandInError(`Nothing came within ${withinMs} ms: ${what}`)
    await wait(BETWEEN_MS)
  }
}

function isThere<Value>(value: Value): value is NonNullable<Exclude<Value, false>> {
  return value !== undefined && value !== null && value !== false
}
