import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { EngineError } from '@longtake/core'
import type { Scratch } from '../scratch.js'
import { processTree } from './process-tree.js'

const PROGRAM = fileURLToPath(new URL('../../../../packages/cli/bin/longtake.js', import.meta.url))
/** Lines that are kept for messages. */
const LAST_LINES = 20
/** More than starting takes on a busy machine. */
const START_MS = 60_000
/** What it has to stop in, above its own time for running work. */
const STOP_MS = 45_000

/** A `longtake` command in a process of its own. */
export interface Program {
  readonly pid: number
  /** Resolves when it has ended, however it did. */
  readonly ended: Promise<void>
  readonly hasEnded: () => boolean
  /** What it logged and wrote to stderr last. */
  readonly lastLines: () => readonly string[]
  /** SIGTERM, and waits; SIGKILL when that takes too long. @returns Whether it stopped by itself. */
  stop(): Promise<boolean>
  /** SIGKILL. */
  kill(): Promise<void>
}

/** Folder of a program's temporary files. */
export function temporaryFolderOf({ folder }: Scratch): string {
  return join(folder, 'tmp')
}

/**
 * Starts a command. It ends with the scratch folder, in which its temporary files lie.
 *
 * @param hear - Finds in a line what the command tells once it is ready.
 * @param env - Over this process' own environment.
 * @throws {EngineError} `ENGINE_UNAVAILABLE` if it does not start.
 */
export async function startProgram<Told>(
  scratch: Scratch,
  command: string,
  hear: (line: string) => Told | undefined,
  env: Readonly<Record<string, string>>,
): Promise<Program & { readonly told: Told }> {
  const temporary = temporaryFolderOf(scratch)
  mkdirSync(temporary, { recursive: true })
  const child = spawn(process.execPath, [PROGRAM, command], {
    env: { ...process.env, TMPDIR: temporary, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A Ctrl-C of the terminal is ours to hand on.
    detached: true,
  })
  const end = (): void => killTree(child)
  scratch.signal.addEventListener('abort', end, { once: true })
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  void ended.then(() => scratch.signal.removeEventListener('abort', end))
  const { lines, told } = readLines(child, ended, command, hear)
  return { ...running(child, ended, lines), told: await told }
}

function running(child: ChildProcess, ended: Promise<void>, lines: readonly string[]): Program {
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null
  return {
    pid: child.pid ?? 0,
    ended,
    hasEnded,
    lastLines: () => lines,
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
    async stop() {
      if (hasEnded()) return false
      child.kill('SIGTERM')
      const late = setTimeout(() => killTree(child), STOP_MS)
      await ended
      clearTimeout(late)
      return child.exitCode === 0
    },
  }
}

/** Reads everything that the command writes, or it would stand still; finds what it tells. */
function readLines<Told>(
  child: ChildProcess,
  ended: Promise<void>,
  command: string,
  hear: (line: string) => Told | undefined,
) {
  const lines: string[] = []
  const told = new Promise<Told>((resolve, reject) => {
    const fail = (why: string): void =>
      reject(new EngineError('ENGINE_UNAVAILABLE', `longtake ${command} ${why}: ${lines.join('\n')}`))
    const late = setTimeout(() => {
      killTree(child)
      fail(`did not start within ${START_MS / 1000} s`)
    }, START_MS)
    void ended.then(() => {
      clearTimeout(late)
      fail('ended')
    })
    const take = (line: string): void => {
      lines.push(line)
      if (lines.length > LAST_LINES) lines.shift()
      const heard = hear(line)
      if (heard === undefined) return
      clearTimeout(late)
      resolve(heard)
    }
    for (const stream of [child.stdout, child.stderr])
      if (stream) createInterface({ input: stream }).on('line', take)
  })
  return { lines, told }
}

/** Ends a command and whatever it started at once. */
function killTree({ pid }: ChildProcess): void {
  if (pid === undefined) return
  for (const one of processTree(pid)) {
    try {
      process.kill(one.pid, 'SIGKILL')
    } catch {
      // It ended meanwhile.
    }
  }
}
