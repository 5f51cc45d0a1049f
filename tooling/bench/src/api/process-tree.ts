import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** A process of this machine, as Linux tells. */
export interface ProcessFacts {
  readonly pid: number
  readonly parent: number
  /** Ended, and nobody has asked how. */
  readonly isZombie: boolean
  /** Resident, bytes, pages shared with others included. */
  readonly residentBytes: number
  readonly commandLine: string
}

const PAGE_BYTES = 4096

/** A process and all below it, the process first. Empty when it is gone, or where there is no `/proc`. */
export function processTree(pid: number): readonly ProcessFacts[] {
  const all = allProcesses()
  const below = (parent: number): readonly ProcessFacts[] =>
    all.filter((one) => one.parent === parent).flatMap((one) => [one, ...below(one.pid)])
  return [...all.filter((one) => one.pid === pid), ...below(pid)]
}

export function isRunning(pid: number): boolean {
  return factsOf(String(pid)) !== undefined
}

/** What a process has open: files, pipes and the like by name; sockets are not told apart. */
export function openFiles(pid: number): readonly string[] {
  const folder = `/proc/${pid}/fd`
  return listed(folder).flatMap((name) => {
    try {
      return [readlinkSync(`${folder}/${name}`)]
    } catch {
      // It was closed meanwhile.
      return []
    }
  })
}

function allProcesses(): readonly ProcessFacts[] {
  return listed('/proc').flatMap((name) => (/^\d+$/.test(name) ? (factsOf(name) ?? []) : []))
}

function listed(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function factsOf(name: string): ProcessFacts | undefined {
  try {
    const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
    // The name of the program stands in brackets and may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const commandLine = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
    return {
      pid: Number(name),
      parent: Number(fields[1]),
      isZombie: fields[0] === 'Z',
      residentBytes: Number(fields[21]) * PAGE_BYTES,
      commandLine,
    }
  } catch {
    // It ended meanwhile.
    return undefined
  }
}
