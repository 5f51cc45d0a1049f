import { type ChildProcess, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { EngineError } from '@longtake/core'
import { isRecord } from '../json.js'
import type { Scratch } from '../scratch.js'
import { processTree } from './process-tree.js'

const PROGRAM = fileURLToPath(new URL('../../../../packages/cli/bin/longtake.js', import.meta.url))
/** Lines of the log that are kept for messages. */
const LAST_LINES = 20
/** More than starting a server takes on a busy machine. */
const START_MS = 60_000
/** What it has to stop in, above its own time for running work. */
const STOP_MS = 45_000

/** A `longtake serve` in a process of its own. */
export interface ApiServer {
  readonly url: string
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

/** A key of a caller, and what the server is told of it. */
export interface ApiKey {
  readonly secret: string
  readonly entry: string
}

export function makeKey(name: string): ApiKey {
  const secret = `lt-${randomBytes(32).toString('base64url')}`
  return { secret, entry: `${name}:${createHash('sha256').update(secret).digest('hex')}` }
}

/** Folder of a server's temporary files. */
export function temporaryFolderOf({ folder }: Scratch): string {
  return join(folder, 'tmp')
}

/**
 * Starts a server on loopback whose links may lead there too. It ends with the scratch folder, in which its temporary
 * files lie.
 *
 * @param env - `LONGTAKE_…`, over those of loopback without limits of rates.
 * @throws {EngineError} `ENGINE_UNAVAILABLE` if it does not start.
 */
export async function startServer(
  scratch: Scratch,
  env: Readonly<Record<string, string>>,
): Promise<ApiServer> {
  const temporary = temporaryFolderOf(scratch)
  mkdirSync(temporary, { recursive: true })
  const child = spawn(process.execPath, [PROGRAM, 'serve'], {
    env: {
      ...process.env,
      TMPDIR: temporary,
      LONGTAKE_HOST: '127.0.0.1',
      LONGTAKE_PORT: '0',
      LONGTAKE_LINK_NETWORKS: '127.0.0.0/8',
      LONGTAKE_LINK_PORTS: 'any',
      LONGTAKE_REQUESTS_PER_MINUTE: '1000000',
      LONGTAKE_QUESTIONS_PER_DAY: '10000000',
      ...env,
    },
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
  const { lines, url } = readLog(child, ended)
  return running(child, await url, ended, lines)
}

function running(
  child: ChildProcess,
  url: string,
  ended: Promise<void>,
  lines: readonly string[],
): ApiServer {
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended
  }
  return {
    url,
    pid: child.pid ?? 0,
    ended,
    hasEnded,
    lastLines: () => lines,
    kill,
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

/** Reads everything that the server writes, or it would stand still; finds where it listens. */
function readLog(child: ChildProcess, ended: Promise<void>) {
  const lines: string[] = []
  const keep = (line: string): void => {
    lines.push(line)
    if (lines.length > LAST_LINES) lines.shift()
  }
  const url = new Promise<string>((resolve, reject) => {
    const fail = (why: string): void =>
      reject(new EngineError('ENGINE_UNAVAILABLE', `The server ${why}: ${lines.join('\n')}`))
    const late = setTimeout(() => {
      killTree(child)
      fail(`did not start within ${START_MS / 1000} s`)
    }, START_MS)
    void ended.then(() => {
      clearTimeout(late)
      fail('ended')
    })
    const take = (line: string): void => {
      keep(line)
      const found = listeningAt(line)
      if (found === undefined) return
      clearTimeout(late)
      resolve(found)
    }
    if (child.stdout) createInterface({ input: child.stdout }).on('line', take)
    if (child.stderr) createInterface({ input: child.stderr }).on('line', keep)
  })
  return { lines, url }
}

function listeningAt(line: string): string | undefined {
  try {
    const entry: unknown = JSON.parse(line)
    return isRecord(entry) && entry.msg === 'listening' ? String(entry.url) : undefined
  } catch {
    return undefined
  }
}

/** Ends a server and whatever it started at once. */
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
