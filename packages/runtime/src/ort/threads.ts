import { readdirSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'

/** More threads than this seldom help one operator, and a shared server has other work. */
const MAX_DEFAULT_THREADS = 16

const CPU_FOLDER = '/sys/devices/system/cpu'

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
