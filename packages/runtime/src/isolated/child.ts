import { type ChildProcess, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CancelledError, EngineError } from '@longtake/core'
import { cancelled } from '../ort/abort.js'
import { type CallOptions, type Handlers, Peer } from './peer.js'
import type { MessageLimits } from './wire.js'

/** Ticks of silence after which a child counts as hung: a parent that was busy itself reads before the next tick. */
const SILENT_TICKS = 8
/** Without a first sign of life for so long a process counts as hung, seconds: a busy machine takes a while to start one. */
const START_SECONDS = 60
/** What a child said last on stderr, characters: enough for the line of an abort. */
const MOST_STDERR_CHARACTERS = 2000
/** Pages of Linux's `VmRSS`, which it gives in these. */
const KIB = 1024

/** Why a child process is gone. */
export type EndKind = 'crash' | 'hang' | 'memory' | 'closed'

/** What ended a child process. */
export interface Ending {
  readonly kind: EndKind
  /** For people: which process, and why. */
  readonly message: string
  /** What it wrote to stderr last; for logs, not for strangers. */
  readonly stderr: string
}

export interface ChildOptions {
  /** What messages call it, such as `The engine process`. */
  readonly name: string
  /** Address of the module that it runs, beside this one. */
  readonly program: URL
  /** Options of the runtime itself, such as permissions. */
  readonly runtimeOptions: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly handlers: Handlers
  readonly limits: MessageLimits
  /** Most calls of it at once. */
  readonly mostCalls: number
  /** Without a sign of life for so long it is ended. */
  readonly hangSeconds: number
  /** With more memory than that it is ended; undefined: as much as there is. */
  readonly memoryBytes: number | undefined
}

/** A process that serves this one, watched for silence and memory. */
export class Child {
  /** Settles once the process is gone, whatever ended it. */
  readonly ended: Promise<Ending>
  readonly #options: ChildOptions
  readonly #process: ChildProcess
  readonly #peer: Peer
  #hangSeconds = 0
  #watch: NodeJS.Timeout | undefined
  /** Calls under way: while there are any, they keep this process alive too. */
  #calls = 0
  /** Set before this process ends the child, so that the ending says why. */
  #sentence: { readonly kind: EndKind; readonly why: string } | undefined
  #silentTicks = 0
  #hasSpoken = false
  #memoryBytes = 0
  #stderr = ''

  constructor(options: ChildOptions) {
    this.#options = options
    const program = programPath(options.program)
    this.#process = spawn(process.execPath, [...options.runtimeOptions, program, String(process.pid)], {
      cwd: dirname(program),
      env: { ...options.environment },
      stdio: ['pipe', 'pipe', 'pipe'],
      windowsHide: true,
    })
    const { stdin, stdout, stderr } = this.#process
    if (stdin === null || stdout === null || stderr === null) throw new Error('A child without pipes.')
    stderr.on('data', (piece: Buffer) => {
      this.#stderr = (this.#stderr + piece.toString()).slice(-MOST_STDERR_CHARACTERS)
    })
    this.ended = this.#whenEnded()
    this.#peer = new Peer({
      input: stdout,
      output: stdin,
      handlers: options.handlers,
      limits: options.limits,
      mostCalls: options.mostCalls,
      onMessage: () => {
        this.#silentTicks = 0
        this.#hasSpoken = true
      },
      onBeat: (beat) => this.#beat(beat),
      onEnd: (failure) => {
        // Normally the process is gone too; one that speaks nonsense or closes its pipe is of no use any more.
        if (failure !== undefined) this.kill('crash', `it sent what is no message (${failure.message})`)
        else stdin.end()
      },
    })
    this.expectLifeWithin(options.hangSeconds)
    this.#keepAlive(false)
  }

  /** Number of the process; undefined where it could not be started. */
  get pid(): number | undefined {
    return this.#process.pid
  }

  /** What it took when it was last measured, bytes. */
  get memoryBytes(): number {
    return this.#memoryBytes
  }

  /** Whether it is on its way out. */
  get isEnding(): boolean {
    return (
      this.#sentence !== undefined || this.#process.exitCode !== null || this.#process.signalCode !== null
    )
  }

  /** Has the other side do something; see `Peer.call`. */
  async call(method: string, content: unknown, options?: CallOptions): Promise<unknown> {
    if (this.#calls++ === 0) this.#keepAlive(true)
    try {
      return await this.#peer.call(method, content, options)
    } catch (error) {
      const signal = options?.signal
      // The caller's reason did not cross.
      throw signal?.aborted && error instanceof CancelledError ? cancelled(signal) : error
    } finally {
      if (--this.#calls === 0) this.#keepAlive(false)
    }
  }

  /** Without a sign of life for so long it is ended from now on. */
  expectLifeWithin(seconds: number): void {
    clearInterval(this.#watch)
    this.#hangSeconds = seconds
    this.#silentTicks = 0
    this.#watch = setInterval(() => this.#tick(), (seconds * 1000) / SILENT_TICKS)
    this.#watch.unref()
  }

  /** Ends the process at once. */
  kill(kind: EndKind, why: string): void {
    this.#sentence ??= { kind, why }
    // A stopped process cannot be asked.
    this.#process.kill('SIGKILL')
  }

  /** Closes the pipe, on which the process ends by itself, or is ended after `graceSeconds`. */
  async close(graceSeconds: number): Promise<void> {
    this.#sentence ??= { kind: 'closed', why: 'it was closed' }
    this.#process.stdin?.end()
    const late = setTimeout(() => this.#process.kill('SIGKILL'), graceSeconds * 1000)
    this.#keepAlive(true)
    await this.ended
    clearTimeout(late)
  }

  #whenEnded(): Promise<Ending> {
    return new Promise((resolve) => {
      const finish = (how: string): void => {
        clearInterval(this.#watch)
        const { kind, why } = this.#sentence ?? { kind: 'crash' as const, why: how }
        const ending = { kind, message: `${this.#options.name} ended: ${why}.`, stderr: this.#stderr.trim() }
        this.#peer.end(lostError(ending))
        resolve(ending)
      }
      this.#process.once('error', (error) => {
        if (this.#process.pid === undefined) finish(`it could not be started (${error.message})`)
      })
      // Not `exit`: what was still in the pipe is read first.
      this.#process.once('close', (code, signal) => {
        finish(signal === null ? `it exited with code ${code}` : `it was killed by ${signal}`)
      })
    })
  }

  #tick(): void {
    this.#silentTicks++
    const seconds = this.#hasSpoken ? this.#hangSeconds : Math.max(this.#hangSeconds, START_SECONDS)
    if ((this.#silentTicks - 1) * this.#hangSeconds >= SILENT_TICKS * seconds)
      this.kill('hang', `it gave no sign of life for ${seconds} s`)
    else void this.#measure()
  }

  /** A process that gives no sign of life is measured all the same, where the system tells. */
  async #measure(): Promise<void> {
    const { pid } = this.#process
    if (process.platform !== 'linux' || pid === undefined || this.isEnding) return
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
    const pages = /^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1]
    if (pages !== undefined) this.#requireMemory(Number(pages) * KIB)
  }

  #beat(beat: unknown): void {
    const bytes: unknown = typeof beat === 'object' && beat !== null ? Reflect.get(beat, 'memoryBytes') : 0
    if (typeof bytes === 'number') this.#requireMemory(bytes)
  }

  #requireMemory(bytes: number): void {
    this.#memoryBytes = bytes
    const { memoryBytes } = this.#options
    if (memoryBytes === undefined || bytes <= memoryBytes || this.isEnding) return
    const mebibytes = (count: number): string => `${Math.round(count / 2 ** 20)} MiB`
    this.kill('memory', `it took ${mebibytes(bytes)} of memory, more than ${mebibytes(memoryBytes)}`)
  }

  /** A program that waits for nothing but idle children ends, and they with it. */
  #keepAlive(isNeeded: boolean): void {
    const { stdin, stdout, stderr } = this.#process
    for (const held of [this.#process, stdin, stdout, stderr]) {
      const change: unknown = held && Reflect.get(held, isNeeded ? 'ref' : 'unref')
      if (typeof change === 'function') change.call(held)
    }
  }
}

/** The failure of work that a process took with it: it may be tried again. */
function lostError({ kind, message, stderr }: Ending): EngineError {
  if (kind === 'closed') return new EngineError('ENGINE_CLOSED', 'The model was closed; load it again.')
  const options = stderr === '' ? {} : { cause: new Error(stderr) }
  return new EngineError('ENGINE_CRASHED', `${message} Try again.`, options)
}

/** Run from sources, as tests do, a process is started from what was compiled of them. */
function programPath(program: URL): string {
  if (!import.meta.url.endsWith('.ts')) return fileURLToPath(program)
  return join(fileURLToPath(new URL('../../dist/isolated/', import.meta.url)), basename(program.pathname))
}
