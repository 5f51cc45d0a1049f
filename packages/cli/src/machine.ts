import { statfs } from 'node:fs/promises'
import { availableParallelism, totalmem } from 'node:os'
import { dirname } from 'node:path'

/** What this machine has, bytes. */
export interface Machine {
  /** Memory that a process may have at most: the machine's, or the limit of its container. */
  readonly memory: number
  /** What of it is free; undefined where the system does not say. */
  readonly freeMemory: number | undefined
  readonly cores: number
  /** Free on the disk of the models' folder; undefined where the system does not say. */
  readonly freeDisk: number | undefined
}

/** @param folder - Where models are kept; need not be there yet. */
export async function readMachine(folder: string): Promise<Machine> {
  const limit = typeof process.constrainedMemory === 'function' ? process.constrainedMemory() : 0
  // Without a limit, systems report none, zero or more than the machine has.
  const memory = limit > 0 && limit < totalmem() ? limit : totalmem()
  const freeMemory =
    typeof process.availableMemory === 'function' ? Math.min(process.availableMemory(), memory) : undefined
  return { memory, freeMemory, cores: availableParallelism(), freeDisk: await freeBytes(folder) }
}

/** Of the folder, or of the nearest one above that is there. */
async function freeBytes(folder: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(folder)
    return bavail * bsize
  } catch {
    const above = dirname(folder)
    return above === folder ? undefined : freeBytes(above)
  }
}
