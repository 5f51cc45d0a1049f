import { readdir, readFile } from 'node:fs/promises'

/** A process of this machine, as Linux tells. */
export interface ProcessFacts {
  readonly pid: number
  readonly parent: number
  /** `Z` is one that has ended and that nobody has asked about. */
  readonly state: string
  readonly commandLine: string
}

/** All processes below another, at any depth. */
export async function processesBelow(pid: number): Promise<ProcessFacts[]> {
  const all = await allProcesses()
  const below = (parent: number): ProcessFacts[] =>
    all.filter((one) => one.parent === parent).flatMap((one) => [one, ...below(one.pid)])
  return below(pid)
}

/** Longtake's own processes below this one. */
export async function isolatedProcesses(name: 'engine' | 'decoder' | '' = ''): Promise<ProcessFacts[]> {
  const below = await processesBelow(process.pid)
  return below.filter(({ commandLine, state }) => state === 'Z' || commandLine.includes(`${name}-process.js`))
}

export async function isRunning(pid: number): Promise<boolean> {
  return (await factsOf(String(pid))) !== undefined
}

async function allProcesses(): Promise<ProcessFacts[]> {
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const all = await Promise.all(names.map(factsOf))
  return all.filter((facts) => facts !== undefined)
}

async function factsOf(name: string): Promise<ProcessFacts | undefined> {
  try {
    const stat = await readFile(`/proc/${name}/stat`, 'utf8')
    // The name of the program stands in brackets and may hold anything.
    const [state = '', parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const commandLine = (await readFile(`/proc/${name}/cmdline`, 'utf8')).replaceAll('\0', ' ')
    return { pid: Number(name), parent: Number(parent), state, commandLine }
  } catch {
    // It ended meanwhile.
    return undefined
  }
}
