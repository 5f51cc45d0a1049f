import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { findBinary } from './binaries.js'

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url))
const TOOLS = fileURLToPath(new URL('../../node_modules/.bin', import.meta.url))

/** Where bun and deno are; npm's own links to them work after their install scripts only. */
const runtimes = await Promise.all([findBinary('bun'), findBinary('deno')])
const PATH = [...runtimes.map((path) => path && dirname(path)), process.env.PATH, TOOLS]
  .filter((path) => path !== undefined)
  .join(delimiter)

export interface ExampleEnd {
  readonly code: number | null
  /** What it printed. */
  readonly lines: readonly string[]
  readonly errors: string
}

export interface RunningExample {
  readonly firstLine: Promise<string>
  readonly ended: Promise<ExampleEnd>
  /** Asks it to end. */
  stop(): void
}

const running = new Set<ChildProcess>()

export function examplePath(...names: readonly string[]): string {
  return join(EXAMPLES, ...names)
}

/** Names of all examples. */
export async function exampleNames(): Promise<string[]> {
  const entries = await readdir(EXAMPLES, { withFileTypes: true })
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
}

/** Starts an example by the `start` script of its own manifest, with words behind it. */
export async function startExample(
  name: string,
  words: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Promise<RunningExample> {
  const manifest = JSON.parse(await readFile(examplePath(name, 'package.json'), 'utf8'))
  const script: string = manifest.scripts.start
  const [program = '', ...flags] = script
    .split(' ')
    .map((word) => (word === 'main.ts' ? examplePath(name, word) : word))
  // A group of its own, so that what it starts can be ended with it.
  const child = spawn(program, [...flags, ...words], {
    cwd,
    detached: true,
    env: { ...process.env, PATH, XDG_CACHE_HOME: cwd, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  const lines: string[] = []
  const errors: string[] = []
  createInterface({ input: child.stderr }).on('line', (line) => errors.push(line))
  const output = createInterface({ input: child.stdout }).on('line', (line) => lines.push(line))
  const ended = once(child, 'close').then(([code]): ExampleEnd => {
    running.delete(child)
    return { code, lines, errors: errors.join('\n') }
  })
  const tooEarly = ended.then((end) => Promise.reject(new Error(`${name} ended: ${end.errors}`)))
  const firstLine = Promise.race([once(output, 'line').then(([line]) => String(line)), tooEarly])
  firstLine.catch(() => {})
  return { firstLine, ended, stop: () => child.kill('SIGTERM') }
}

/** Ends what a test has left, such as because it failed. */
export async function endExamples(): Promise<void> {
  const left = [...running].map(async (child) => {
    const closed = once(child, 'close')
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    await closed
  })
  await Promise.all(left)
}
