import { spawn } from 'node:child_process'
import { ReleaseError } from './release-error.js'

export interface RunOptions {
  readonly cwd: string
  /** The whole environment; that of this process unless given. */
  readonly env?: NodeJS.ProcessEnv | undefined
  /** Whether the output is shown as it comes instead of being returned. */
  readonly shown?: boolean
}

interface RunResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program to its end; `code` is -1 where a signal ended it. */
export async function attempt(
  command: string,
  args: readonly string[],
  options: RunOptions,
): Promise<RunResult> {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    // Progress goes where messages go: standard output may be read as JSON.
    stdio: options.shown === true ? ['ignore', 2, 2] : ['ignore', 'pipe', 'pipe'],
  })
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      output[name] += text
    })
  }
  return await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code: code ?? -1, ...output }))
  })
}

/**
 * Runs a program that has to succeed.
 *
 * @returns What it wrote to standard output; nothing where the output was `shown`.
 * @throws {ReleaseError} If it ends with anything but 0.
 */
export async function run(command: string, args: readonly string[], options: RunOptions): Promise<string> {
  const { code, stdout, stderr } = await attempt(command, args, options)
  if (code === 0) return stdout
  const last = stderr.trim().split('\n').slice(-15).join('\n')
  throw new ReleaseError(
    `\`${[command, ...args].join(' ')}\` ended with ${code}${last === '' ? '' : `:\n${last}`}`,
  )
}
