import { execFile } from 'node:child_process'

/** Far above what any step takes; one that is still there hangs. */
const TIMEOUT_MILLISECONDS = 300_000
const MAX_OUTPUT_BYTES = 2 ** 26

export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}

/** Runs a program until it ends by itself, whatever its exit code. */
export function runToEnd(file: string, words: readonly string[], options: RunOptions): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const limits = { timeout: TIMEOUT_MILLISECONDS, maxBuffer: MAX_OUTPUT_BYTES }
    const child = execFile(file, words, { ...options, ...limits }, (error, stdout, stderr) => {
      const { code = 0 } = error ?? {}
      if (typeof code === 'number') resolve({ code, stdout, stderr })
      else reject(error)
    })
    child.stdin?.end()
  })
}

/** Runs a program that has to succeed, and gives what it printed. */
export async function run(file: string, words: readonly string[], options: RunOptions): Promise<string> {
  const { code, stdout, stderr } = await runToEnd(file, words, options)
  if (code === 0) return stdout
  const command = [file, ...words].join(' ').slice(0, 300)
  throw new Error(`${command}\nended with ${code}: ${`${stderr}\n${stdout}`.trim()}`)
}
