import type { Hash } from 'node:crypto'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { HubError } from '@longtake/core'
import { makeFolder } from '../features/make-folder.js'
import type { ChosenFile } from './choose.js'
import { Interruption } from './client.js'
import { isRangeOf, mismatch, newHash } from './repository.js'
import { NoRanges, receiveSegments, removeSegments } from './segments.js'
import { asStoreError, fileSize } from './store.js'

/** Ending of what is not complete yet. */
const PART_ENDING = '.part'
const READ_BYTES = 2 ** 20

/** What a download needs to know. */
export interface DownloadJob {
  readonly folder: string
  readonly signal: AbortSignal
  /** Told bytes of files that are in place; negative where some have to come again. */
  readonly onBytes: (bytes: number) => void
  /** Files of more bytes than this come in ranges of so many, several at once. */
  readonly segmentBytes: number
}

/**
 * Puts a file of a revision into the job's folder, going on where an earlier try stopped. The file has its name only
 * once it is complete and its hash was right.
 *
 * @throws {HubError} `HUB_MISMATCH`, `HUB_NO_SPACE`, `HUB_UNREACHABLE`, or what the hub refuses.
 * @throws {CancelledError} If the signal fires; what has arrived is kept.
 */
export async function downloadFile(file: ChosenFile, job: DownloadJob): Promise<void> {
  const target = join(job.folder, file.path)
  // Only what was verified ever has this name.
  if ((await fileSize(target)) === file.sizeBytes) return job.onBytes(file.sizeBytes)
  try {
    await makeFolder(dirname(target))
    const isRight = (await receiveWhole(file, job)) || (await receiveWhole(file, job))
    if (!isRight) throw mismatch(file, 'another hash than the hub says')
    await rename(target + PART_ENDING, target)
  } catch (error) {
    if (error instanceof HubError && error.code === 'HUB_MISMATCH') {
      await removeSegments(target + PART_ENDING)
      await rm(target + PART_ENDING, { force: true })
    }
    throw asStoreError(error, job.folder)
  }
}

/**
 * Receives what is missing and checks the hash; what is wrong is taken away.
 *
 * @returns Whether the hash is right; false at most where pieces that came at different times do not fit.
 */
async function receiveWhole(file: ChosenFile, job: DownloadJob): Promise<boolean> {
  const path = join(job.folder, file.path) + PART_ENDING
  const part = new Part(await open(path, 'a+', 0o600), file, job)
  try {
    await part.readWhatIsThere()
    if (file.sizeBytes > job.segmentBytes) await part.receiveParallel(path)
    await file.from.client.retry(
      job.signal,
      () => part.offset,
      () => part.receive(),
    )
    if (part.isRight()) {
      await part.handle.sync()
      return true
    }
    await part.restart()
    if (part.isJoined) return false
    throw mismatch(file, 'another hash than the hub says')
  } finally {
    await part.handle.close()
  }
}

/** A file on its way. */
class Part {
  readonly handle: FileHandle
  offset = 0
  /** Whether pieces of several answers are in it, which may be of different files. */
  isJoined = false
  readonly #file: ChosenFile
  readonly #job: DownloadJob
  #hash: Hash
  #etag: string | undefined

  constructor(handle: FileHandle, file: ChosenFile, job: DownloadJob) {
    this.handle = handle
    this.#file = file
    this.#job = job
    this.#hash = newHash(file)
  }

  isRight(): boolean {
    return this.#hash.digest('hex') === this.#file.hash
  }

  async readWhatIsThere(): Promise<void> {
    const { size: found } = await this.handle.stat()
    if (found > this.#file.sizeBytes) return this.restart()
    const size = this.#usable(found)
    if (size < found) await this.handle.truncate(size)
    const buffer = new Uint8Array(Math.min(READ_BYTES, size))
    while (this.offset < size) {
      this.#job.signal.throwIfAborted()
      const { bytesRead } = await this.handle.read(buffer, 0, buffer.length, this.offset)
      if (bytesRead === 0) return this.restart()
      this.#count(buffer.subarray(0, bytesRead))
      this.#job.onBytes(bytesRead)
      this.isJoined = true
    }
  }

  async restart(): Promise<void> {
    await this.handle.truncate(0)
    this.#job.onBytes(-this.offset)
    this.offset = 0
    this.#etag = undefined
    this.#hash = newHash(this.#file)
  }

  /** Receives what is missing in ranges, several at once; nothing of it where the hub sends none. */
  async receiveParallel(path: string): Promise<void> {
    if (this.offset >= this.#file.sizeBytes) return
    const { segmentBytes, signal, onBytes } = this.#job
    const append = async (bytes: Uint8Array): Promise<void> => {
      await this.handle.appendFile(bytes)
      this.#count(bytes)
    }
    try {
      const job = { path, segmentBytes, signal, onBytes, append }
      this.isJoined = await receiveSegments(this.#file, this.offset, job)
    } catch (error) {
      if (!(error instanceof NoRanges)) throw error
    }
  }

  /** Bytes to go on after: whole ranges, where the file comes in ranges. */
  #usable(bytes: number): number {
    const { segmentBytes } = this.#job
    const { sizeBytes } = this.#file
    return sizeBytes <= segmentBytes || bytes === sizeBytes ? bytes : bytes - (bytes % segmentBytes)
  }

  /** One try to receive all that is missing. */
  async receive(): Promise<void> {
    const { path, sizeBytes, from, remotePath } = this.#file
    if (this.offset < sizeBytes) {
      await from.client.receive(
        remotePath,
        from.revision.commit,
        this.#rangeHeaders(),
        this.#job.signal,
        (response) => this.#accept(response),
        (bytes) => this.#append(bytes),
      )
    }
    if (this.offset < sizeBytes)
      throw new Interruption(`${path} ended after ${this.offset} of ${sizeBytes} bytes`)
  }

  #rangeHeaders(): Record<string, string> {
    if (this.offset === 0) return {}
    const strong = this.#etag?.startsWith('"') ? { 'if-range': this.#etag } : {}
    return { range: `bytes=${this.offset}-`, ...strong }
  }

  /** Decides whether an answer goes on where we are, starts again, or is about another file. */
  async #accept(response: Response): Promise<void> {
    const etag = response.headers.get('etag') ?? undefined
    if ((response.headers.get('content-encoding') ?? 'identity') !== 'identity') {
      throw mismatch(this.#file, 'in a packed form that was not asked for')
    }
    if (this.offset > 0 && !this.#goesOn(response, etag)) {
      await this.restart()
      if (response.status === 206) throw new Interruption(`${this.#file.path} changed on the way`)
    }
    this.isJoined ||= this.offset > 0
    this.#etag = etag
    const length = response.headers.get('content-length')
    if (length !== null && Number(length) !== this.#file.sizeBytes - this.offset) {
      throw mismatch(this.#file, `${length} bytes where ${this.#file.sizeBytes - this.offset} were expected`)
    }
  }

  #goesOn(response: Response, etag: string | undefined): boolean {
    const isSameFile = this.#etag === undefined || etag === undefined || etag === this.#etag
    return isSameFile && isRangeOf(response, this.offset, this.#file.sizeBytes)
  }

  async #append(bytes: Uint8Array): Promise<void> {
    if (this.offset + bytes.length > this.#file.sizeBytes) {
      throw mismatch(this.#file, `more than the ${this.#file.sizeBytes} bytes that the hub says`)
    }
    await this.handle.appendFile(bytes)
    this.#count(bytes)
    this.#job.onBytes(bytes.length)
  }

  #count(bytes: Uint8Array): void {
    this.#hash.update(bytes)
    this.offset += bytes.length
  }
}
