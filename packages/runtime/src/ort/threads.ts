import { readdirSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { InvalidOptionError } from '@longtake/core'

/** More threads than this seldom help one operator, and a shared server has other work. */
const MAX_DEFAULT_THREADS = 16

const CPU_FOLDER = '/sys/devices/system/cpu'

/** More than this is surely a mistake, and starting them would take the machine down. */
const MAX_THREADS = 256

/** @throws {InvalidOptionError} If `threads` is given and not a whole number from 1 to 256. */
export function threadCount(threads: number | undefined): number {
  if (threads === undefined) return defaultThreads()
  if (!Number.isInteger(threads) || threads < 1 || threads > MAX_THREADS)
    throw new InvalidOptionError('threads', `a whole number from 1 to ${MAX_THREADS}`, threads)
  return threads
}

/** Threads of one operator unless asked otherwise: physical cores, within what this process may use. */
export function defaultThreads(): number {
  const usable = availableParallelism()
  return Math.max(1, Math.min(usable, physicalCores() ?? usable, MAX_DEFAULT_THREADS))
}

/** Cores as Linux lists them: CPUs that share one core name the same siblings. Unknown elsewhere. */
function physicalCores(): number | undefined {
  try {
    const cpus = readdirSync(CPU_FOLDER).filter((name) => /^cpu\d+$/.test(name))
    const cores = cpus.map((cpu) =>
      readFileSync(`${CPU_FOLDER}/${cpu}/topology/thread_siblings_list`, 'utf8'),
    )
    return new Set(cores).size || undefined
  } catch {
    return undefined
  }
}
