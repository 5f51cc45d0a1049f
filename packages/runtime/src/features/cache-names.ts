import { createHash, randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { InvalidOptionError } from '@longtake/core'
import { systemCode } from './error.js'

/** A part that nobody wrote to for this long was left behind, whoever its writer is. */
const ABANDONED_MILLISECONDS = 24 * 60 * 60 * 1000
/** File systems round times, some to two seconds. */
const ROUNDING_MILLISECONDS = 2000

/** What the file of a complete entry ends in. */
export const CACHE_ENTRY_ENDING = '.features'

/** Hexadecimal only: a key can name no other folder, no device, and nothing that a system folds together. */
const KEY = /^[0-9a-f]{16,128}$/
const PART = /^[0-9a-f]{16,128}\.([0-9a-f]{8})-(\d{1,10})-[0-9a-f]{16}\.part$/

/** @throws {InvalidOptionError} Unless `key` is 16 to 128 lower-case hexadecimal digits. */
export function entryName(key: string): string {
  if (typeof key !== 'string' || !KEY.test(key)) {
    throw new InvalidOptionError('key', '16 to 128 lower-case hexadecimal digits', key)
  }
  return key + CACHE_ENTRY_ENDING
}

/** Name of an entry while it is written: never twice the same, and it tells who writes. */
export function partName(key: string): string {
  return `${key}.${machine()}-${process.pid}-${randomBytes(8).toString('hex')}.part`
}

export function isEntryName(name: string): boolean {
  return name.endsWith(CACHE_ENTRY_ENDING) && KEY.test(name.slice(0, -CACHE_ENTRY_ENDING.length))
}

export function isPartName(name: string): boolean {
  return PART.test(name)
}

/** Tells whether the writer of a part is gone, so that it will never be complete. */
export function isAbandoned(name: string, writtenMilliseconds: number): boolean {
  const now = Date.now()
  if (now - writtenMilliseconds > ABANDONED_MILLISECONDS) return true
  const [, host, pid] = PART.exec(name) ?? []
  if (host !== machine()) return false
  if (Number(pid) !== process.pid) return !isAlive(Number(pid))
  // Numbers of processes come again: a part from before this process is another's.
  return writtenMilliseconds < now - process.uptime() * 1000 - ROUNDING_MILLISECONDS
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return systemCode(error) !== 'ESRCH'
  }
}

/** A folder may be shared by machines, on each of which a number means another process. */
function machine(): string {
  return createHash('sha256').update(hostname()).digest('hex').slice(0, 8)
}
