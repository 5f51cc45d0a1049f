import type { ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { EngineError } from '@longtake/core'
import { runInChild } from './child-run.js'

/** Memory of a process, bytes. */
export interface ProcessMemory {
  /** Most that was ever resident, pages of mapped files included. */
  readonly peakBytes: number
  /** What is resident now and cannot be dropped and read again: heaps, buffers, stacks. */
  readonly anonymousBytes: number
  /** Resident pages of mapped files now. */
  readonly fileBytes: number
}

/** What a process took while it was measured, bytes; `undefined` where the system has no `/proc`. */
export interface MemoryPeaks {
  /** Most that was resident, pages of mapped files included, by the kernel's own count. */
  readonly peakBytes: number | undefined
  /** Most without pages of mapped files, as far as samples saw it. */
  readonly peakAnonymousBytes: number | undefined
  readonly peakFileBytes: number | undefined
}

const SAMPLE_MS = 50

/**
 * Runs a program of this package in a process of its own, as `runInChild` does, and watches its memory from outside.
 *
 * @param limitBytes - More than this that is no page of a mapped file, and the process is stopped.
 * @throws {EngineError} `ENGINE_FAILED` if it ends without a message, or was stopped.
 */
export async function runMeasured<T>(
  program: URL,
  message: object,
  limitBytes: number,
): Promise<{ readonly value: T; readonly memory: MemoryPeaks }> {
  const watch = new MemoryWatch(limitBytes)
  try {
    const value = await runInChild<T>(program, message, (child) => watch.start(child))
    return { value, memory: watch.peaks }
  } catch (cause) {
    if (!watch.stopped) throw cause
    const gigabytes = (limitBytes / 1e9).toFixed(1)
    throw new EngineError('ENGINE_FAILED', `The process took more than ${gigabytes} GB and was stopped.`, {
      cause,
    })
  } finally {
    watch.end()
  }
}

/** Reads the fields of `/proc/PID/status` that tell memory; `undefined` where they are missing. */
export function parseProcessStatus(status: string): ProcessMemory | undefined {
  const bytes = (name: string): number | undefined => {
    const found = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)
    return found === null ? undefined : 1024 * Number(found[1])
  }
  const [peak, anonymous, file, shared] = [
    bytes('VmHWM'),
    bytes('RssAnon'),
    bytes('RssFile'),
    bytes('RssShmem'),
  ]
  if (peak === undefined || anonymous === undefined || file === undefined) return undefined
  return { peakBytes: peak, anonymousBytes: anonymous + (shared ?? 0), fileBytes: file }
}

/** Samples one process until it has ended. */
class MemoryWatch {
  readonly #limitBytes: number
  #timer: NodeJS.Timeout | undefined
  #peaks: MemoryPeaks = { peakBytes: undefined, peakAnonymousBytes: undefined, peakFileBytes: undefined }
  stopped = false

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
  }

  get peaks(): MemoryPeaks {
    return this.#peaks
  }

  start(child: ChildProcess): void {
    const sample = (): void => this.#sample(child)
    this.#timer = setInterval(sample, SAMPLE_MS)
    // The process is still there while its message is being taken.
    child.once('message', sample)
  }

  end(): void {
    clearInterval(this.#timer)
  }

  #sample(child: ChildProcess): void {
    const memory = child.pid === undefined ? undefined : readMemory(child.pid)
    if (memory === undefined) return
    const larger = (known: number | undefined, now: number): number => Math.max(known ?? 0, now)
    this.#peaks = {
      peakBytes: larger(this.#peaks.peakBytes, memory.peakBytes),
      peakAnonymousBytes: larger(this.#peaks.peakAnonymousBytes, memory.anonymousBytes),
      peakFileBytes: larger(this.#peaks.peakFileBytes, memory.fileBytes),
    }
    if (memory.anonymousBytes <= this.#limitBytes) return
    this.stopped = true
    child.kill('SIGKILL')
  }
}

function readMemory(pid: number): ProcessMemory | undefined {
  try {
    return parseProcessStatus(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    // The process has just ended, or there is no /proc.
    return undefined
  }
}
