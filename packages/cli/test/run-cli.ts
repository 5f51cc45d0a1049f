import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { afterAll } from 'vitest'
import { main } from '../src/index.js'

/** A random checkpoint with attention over time, and videos, as the repository keeps them. */
export const CHECKPOINT = dataPath('parity/video_llava')
export const VIDEO = dataPath('video/h264.mp4')
export const WEBM = dataPath('video/vp9.webm')

/** The checkpoint with a text guide. */
export const GUIDED = dataPath('parity/ppllava')

/** Features are kept here, never in the folder of whoever runs the tests. */
export const CACHE = mkdtempSync(join(tmpdir(), 'longtake-cli-cache-'))
afterAll(() => rmSync(CACHE, { recursive: true, force: true }))

export interface RunOptions {
  /** What is typed or piped in; the input then ends. */
  readonly input?: string
  /** Which streams are terminals. */
  readonly terminal?: 'none' | 'stderr' | 'all'
  readonly columns?: number
  readonly env?: Record<string, string>
  readonly signal?: AbortSignal
  /** Told every piece that is written. */
  readonly onWrite?: ((stream: 'stdout' | 'stderr', text: string, stdin: PassThrough) => void) | undefined
  /** Fails every write to stdout with this code. */
  readonly stdoutFailure?: string
}

export interface RunResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Path below `tests/data`. */
export function dataPath(path: string): string {
  return fileURLToPath(new URL(`../../../tests/data/${path}`, import.meta.url))
}

/** Runs the command line in this process. */
export async function runCli(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const { input, terminal = 'none', columns, env = {}, signal, onWrite, stdoutFailure } = options
  const texts = { stdout: '', stderr: '' }
  const stdin = new PassThrough()
  const makeOutput = (name: 'stdout' | 'stderr'): Writable =>
    new Writable({
      decodeStrings: false,
      write(chunk, _encoding, done) {
        if (name === 'stdout' && stdoutFailure !== undefined && chunk !== '') {
          done(Object.assign(new Error(`write ${stdoutFailure}`), { code: stdoutFailure }))
          return
        }
        texts[name] += chunk
        onWrite?.(name, String(chunk), stdin)
        done()
      },
    })
  const stdout = Object.assign(makeOutput('stdout'), { isTTY: terminal === 'all', columns })
  const stderr = Object.assign(makeOutput('stderr'), { isTTY: terminal !== 'none', columns })
  if (input !== undefined) stdin.end(input)
  const io = {
    stdin: Object.assign(stdin, { isTTY: terminal === 'all' }),
    stdout,
    stderr,
    env: { LANG: 'C.UTF-8', LONGTAKE_CACHE: CACHE, LONGTAKE_HOME: CACHE, ...env },
    signal: signal ?? new AbortController().signal,
  }
  const code = await main(argv, io)
  return { code, ...texts }
}
