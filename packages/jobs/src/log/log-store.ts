import { constants } from 'node:fs'
import { copyFile, type FileHandle, link, mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isLongtakeError, JobError } from '@longtake/core'
import type { JobStore, StoredJob, StoreRecord } from '../store.js'
import { systemCode } from '../system-code.js'
import { encodeRecord, headRecord, LineCutter, LogContents } from './format.js'
import { FolderLock } from './lock.js'

const LOG = 'jobs.log'
const DRAFT = 'jobs.log.new'
const LOCK = 'jobs.lock'
/** Read and written at once. */
const PIECE_BYTES = 1 << 20
/** Below this a log is not worth rewriting. */
const LEAST_REWRITE_BYTES = 1 << 20

interface Pending {
  readonly record: StoreRecord
  readonly bytes: Buffer
  readonly apply: (() => void) | undefined
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** What an opened folder had. */
export interface OpenedLog {
  readonly store: LogStore
  /** In the order of acceptance. */
  readonly jobs: readonly StoredJob[]
  readonly generation: number
  /** Damaged records, other than the torn end of a last write. */
  readonly damaged: number
}

/**
 * Jobs in one append-only file. A batch of records is one write; one with an accepted job or an end is flushed
 * (`fdatasync`) before anybody is told. Starts are only written: they outlive the process, and a loss of power at worst
 * forgets to count an attempt. The file is rewritten when it has doubled, by a new one that is flushed and renamed.
 */
export class LogStore implements JobStore {
  readonly isDurable = true
  readonly #folder: string
  readonly #lock: FolderLock
  readonly #generation: number
  /** What there is to keep when the file is rewritten. */
  readonly #live: () => Iterable<StoredJob>
  #file: FileHandle | undefined
  #size = 0
  #rewriteAt = LEAST_REWRITE_BYTES
  /** Whether the file may end in something that was refused. */
  #isDirty = false
  #pending: Pending[] = []
  #writing: Promise<void> | undefined

  private constructor(folder: string, lock: FolderLock, generation: number, live: () => Iterable<StoredJob>) {
    this.#folder = folder
    this.#lock = lock
    this.#generation = generation
    this.#live = live
  }

  /**
   * @param waitMs - How long another process that has the folder is waited for.
   * @param keep - Chooses, of the jobs that were found, those that are remembered.
   * @param live - Jobs to keep, asked for from then on.
   * @throws {JobError} `JOBS_LOCKED` or `JOBS_STORE`.
   */
  static async open(
    folder: string,
    waitMs: number,
    keep: (jobs: readonly StoredJob[]) => readonly StoredJob[],
    live: () => Iterable<StoredJob>,
  ): Promise<OpenedLog> {
    await mkdir(folder, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
      throw storeError(folder, error)
    })
    const lock = await FolderLock.take(join(folder, LOCK), waitMs)
    try {
      const contents = await readLog(join(folder, LOG))
      const jobs = keep([...contents.jobs.values()].sort((a, b) => a.sequence - b.sequence))
      const store = new LogStore(folder, lock, contents.generation + 1, live)
      const damaged = contents.damagedInside ? contents.damaged : 0
      if (damaged > 0) await keepCopy(folder)
      await store.#rewrite(jobs)
      return { store, jobs, generation: contents.generation + 1, damaged }
    } catch (error) {
      await lock.release()
      throw isLongtakeError(error) ? error : storeError(folder, error)
    }
  }

  append(record: StoreRecord, apply?: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ record, bytes: encodeRecord(record), apply, resolve, reject })
      this.#writing ??= this.#write()
    })
  }

  async close(): Promise<void> {
    await this.#writing
    await this.#file?.sync().catch(() => undefined)
    await this.#file?.close().catch(() => undefined)
    this.#file = undefined
    await this.#lock.release()
  }

  async #write(): Promise<void> {
    while (this.#pending.length > 0) {
      const batch = takeBatch(this.#pending)
      try {
        await this.#lock.check()
        if (this.#isDirty) await this.#clean()
        if (this.#size > this.#rewriteAt) await this.#tryRewrite()
        await this.#writeBatch(batch)
        for (const { apply, resolve } of batch) {
          apply?.()
          resolve()
        }
      } catch (error) {
        const failure = isLongtakeError(error) ? error : storeError(this.#folder, error)
        for (const { reject } of batch) reject(failure)
      }
    }
    // Not a moment later, so that no record is left waiting.
    this.#writing = undefined
  }

  async #writeBatch(batch: readonly Pending[]): Promise<void> {
    const bytes = Buffer.concat(batch.map(({ bytes }) => bytes))
    const file = this.#opened()
    this.#isDirty = true
    try {
      await writeAll(file, bytes, this.#size)
      if (batch.some(({ record }) => record.kind !== 'attempts')) await file.datasync()
    } catch (error) {
      // What was refused must not be found after a restart.
      await this.#clean().catch(() => undefined)
      throw error
    }
    this.#isDirty = false
    this.#size += bytes.length
  }

  /** Cuts off what a failed write has left. */
  async #clean(): Promise<void> {
    const file = this.#opened()
    await file.truncate(this.#size)
    await file.datasync()
    this.#isDirty = false
  }

  async #tryRewrite(): Promise<void> {
    try {
      await this.#rewrite(this.#live())
    } catch {
      // The old file goes on, and is as good; there may be room later.
      this.#rewriteAt = this.#size + LEAST_REWRITE_BYTES
      await rm(join(this.#folder, DRAFT), { force: true }).catch(() => undefined)
    }
  }

  async #rewrite(jobs: Iterable<StoredJob>): Promise<void> {
    const path = join(this.#folder, DRAFT)
    const draft = await open(path, 'w', 0o600)
    let size: number
    try {
      size = await writeJobs(draft, this.#generation, jobs)
      await draft.sync()
      await rename(path, join(this.#folder, LOG))
    } catch (error) {
      await draft.close()
      throw error
    }
    await this.#file?.close().catch(() => undefined)
    this.#file = draft
    this.#size = size
    this.#rewriteAt = Math.max(LEAST_REWRITE_BYTES, 2 * size)
    this.#isDirty = false
    await syncFolder(this.#folder)
  }

  #opened(): FileHandle {
    if (!this.#file) throw new JobError('JOBS_CLOSED', 'The queue is closed.')
    return this.#file
  }
}

/** At most a piece, or one record that is larger. */
function takeBatch(pending: Pending[]): Pending[] {
  let count = 0
  for (let bytes = 0; count < pending.length && bytes < PIECE_BYTES; count++) {
    bytes += (pending[count] as Pending).bytes.length
  }
  return pending.splice(0, count)
}

async function writeJobs(file: FileHandle, generation: number, jobs: Iterable<StoredJob>): Promise<number> {
  let size = 0
  let bytes = 0
  let lines = [encodeRecord(headRecord(generation))]
  const flush = async (): Promise<void> => {
    const piece = Buffer.concat(lines)
    await writeAll(file, piece, size)
    size += piece.length
    bytes = 0
    lines = []
  }
  for (const job of jobs) {
    const line = encodeRecord({ kind: 'job', job })
    lines.push(line)
    bytes += line.length
    if (bytes >= PIECE_BYTES) await flush()
  }
  await flush()
  return size
}

async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done)
    if (bytesWritten === 0) throw new Error('Nothing was written.')
    done += bytesWritten
  }
}

/** @throws {JobError} `JOBS_STORE` if it is a log of a version that is not known. */
async function readLog(path: string): Promise<LogContents> {
  const contents = new LogContents()
  const cutter = new LineCutter((line) => contents.read(line))
  const file = await open(path, constants.O_RDONLY).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  })
  try {
    const piece = Buffer.alloc(PIECE_BYTES)
    for (let position = 0; file; ) {
      const { bytesRead } = await file.read(piece, 0, piece.length, position)
      if (bytesRead === 0) break
      cutter.push(piece.subarray(0, bytesRead))
      position += bytesRead
    }
  } finally {
    await file?.close()
  }
  if (contents.unknownFormat) {
    throw new JobError(
      'JOBS_STORE',
      `${path} was written by a newer version of Longtake. Use that one, or another folder.`,
    )
  }
  return contents
}

/** Keeps a damaged log for whoever wants to know. */
async function keepCopy(folder: string): Promise<void> {
  const copy = join(folder, `${LOG}.damaged-${Date.now()}`)
  await link(join(folder, LOG), copy).catch(() => copyFile(join(folder, LOG), copy))
}

/** Makes a renaming outlive a loss of power; some systems cannot, and need not. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY).catch(() => undefined)
  await handle?.sync().catch(() => undefined)
  await handle?.close()
}

function storeError(folder: string, cause: unknown): JobError {
  const code = systemCode(cause)
  const full = code === 'ENOSPC' || code === 'EFBIG' || code === 'EDQUOT'
  const advice = full ? 'The disk is full: make room.' : 'See that the folder can be written.'
  return new JobError('JOBS_STORE', `Jobs cannot be written to ${folder} (${code}). ${advice}`, { cause })
}
