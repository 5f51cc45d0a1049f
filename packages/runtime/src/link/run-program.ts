import { type ChildProcess, spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { clearTimeout, setTimeout } from 'node:timers'
import { cancelled, throwIfAborted } from '../ort/abort.js'

/** Of what a program complains about, so much is kept. */
const MAX_ERROR_BYTES = 4096
/** What programs need to be found and to run; nothing else of the environment is theirs to know. */
const PASSED = ['PATH', 'TMPDIR', 'TEMP', 'SystemRoot']

/** What a program may take. */
export interface ProgramLimits {
  readonly seconds: number
  /** Bytes of output. */
  readonly outputBytes: number
}

/** How a program ended: by itself, or not at all (`missing`), or because it was killed (`late`, `long`). */
export type ProgramEnd =
  | { readonly how: 'ended'; readonly code: number | null; readonly output: Buffer; readonly errors: string }
  | { readonly how: 'missing'; readonly cause: Error }
  | { readonly how: 'late' | 'long' }

/**
 * Runs a program, without a shell and with an environment of almost nothing, and reads its output. Beyond a limit it and
 * what it started are killed.
 *
 * @throws {CancelledError} When the signal fires; the program is killed.
 */
export async function runProgram(
  command: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  limits: ProgramLimits,
  signal: AbortSignal,
): Promise<ProgramEnd> {
  throwIfAborted(signal)
  const own = PASSED.flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  const child = spawn(command, args, {
    cwd: tmpdir(),
    env: { ...Object.fromEntries(own), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    windowsHide: true,
    // A group of its own, which can be killed as one.
    detached: process.platform !== 'win32',
  })
  const kill = (): void => killGroup(child)
  process.once('exit', kill)
  signal.addEventListener('abort', kill, { once: true })
  try {
    const end = await readEnd(child, limits, kill)
    if (signal.aborted) throw cancelled(signal)
    return end
  } finally {
    process.off('exit', kill)
    signal.removeEventListener('abort', kill)
  }
}

function readEnd(child: ChildProcess, limits: ProgramLimits, kill: () => void): Promise<ProgramEnd> {
  return new Promise((resolve) => {
    const output: Buffer[] = []
    let outputBytes = 0
    let errors = ''
    let killed: 'late' | 'long' | undefined
    const stop = (why: 'late' | 'long'): void => {
      killed ??= why
      kill()
    }
    const timer = setTimeout(() => stop('late'), limits.seconds * 1000)
    child.stdout?.on('data', (piece: Buffer) => {
      outputBytes += piece.length
      if (outputBytes > limits.outputBytes) stop('long')
      else output.push(piece)
    })
    child.stderr?.on('data', (piece: Buffer) => {
      errors = (errors + piece.toString('utf8')).slice(0, MAX_ERROR_BYTES)
    })
    child.once('error', (cause) => {
      clearTimeout(timer)
      resolve({ how: 'missing', cause })
    })
    child.once('close', (code) => {
      clearTimeout(timer)
      const end = { how: 'ended', code, output: Buffer.concat(output), errors } as const
      resolve(killed === undefined ? end : { how: killed })
    })
  })
}

/** Ends a program and what it started, if it runs. */
function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    child.kill('SIGKILL')
  }
}
