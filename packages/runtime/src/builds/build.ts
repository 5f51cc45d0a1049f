import { createHash, type Hash } from 'node:crypto'
import { constants, type FileHandle, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { CheckpointError, LongtakeError } from '@longtake/core'
import { prepareWeight, type Weight } from '@longtake/kernels'
import { systemCode } from '../features/error.js'
import { makeFolder } from '../features/make-folder.js'
import { throwIfAborted } from '../ort/abort.js'
import { Journal, type JournalEntry } from './journal.js'
import { type Layout, WEIGHTS_FILE } from './layout.js'
import { takeLock } from './lock.js'
import { type Build, completeBuild, findBuild } from './manifest.js'
import { requireSpace } from './space.js'

/** What is written before it is made sure that the disk has it: lost at most when a builder is cut off. */
const SYNC_BYTES = 256 * 2 ** 20
/** What is read at once to check what an earlier builder wrote. */
const CHECK_BYTES = 4 * 2 ** 20

/** How far preparing a model's weights has come. */
export interface BuildProgress {
  /** Bytes of prepared weights that are written. */
  readonly doneBytes: number
  readonly totalBytes: number
}

export interface BuildOptions {
  readonly onProgress?: ((progress: BuildProgress) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Prepares weights in a stream: memory holds a few rows of one tensor, whatever the size of the checkpoint. What was
 * written stays if it is cut off, and the next builder goes on there; another process that builds the same waits and
 * takes the result.
 *
 * @param build - What the weights are to be called, and where they go.
 * @throws {CheckpointError} CHECKPOINT_BUILD if the disk is full or cannot be written, CHECKPOINT_TENSOR if a tensor
 *   cannot be read.
 * @throws {CancelledError} If the signal fires, within a few rows.
 */
export async function makeBuild(build: Build, layout: Layout, options: BuildOptions): Promise<Build> {
  const { folder, key } = build
  try {
    await makeFolder(folder)
    const unlock = await takeLock(join(folder, 'lock'), options.signal)
    try {
      const parent = join(folder, '..')
      return (await findBuild(parent, key)) ?? (await makeLocked(build, layout, options))
    } finally {
      await unlock()
    }
  } catch (error) {
    throw asBuildError(error, folder)
  }
}

async function makeLocked(build: Build, layout: Layout, options: BuildOptions): Promise<Build> {
  const { folder } = build
  const draft = join(folder, `${WEIGHTS_FILE}.part`)
  const journalPath = join(folder, 'journal')
  const { journal, entries } = await Journal.open(journalPath)
  const hashes = new Map<string, string>()
  try {
    const file = await open(draft, constants.O_RDWR | constants.O_CREAT, 0o600)
    try {
      await new Builder(file, journal, layout, hashes, options).run(entries, folder)
    } finally {
      await file.close()
    }
  } finally {
    await journal.close()
  }
  await rename(draft, join(folder, WEIGHTS_FILE))
  await completeBuild(build, layout, hashes)
  await rm(journalPath, { force: true })
  return build
}

/** One pass over the weights, from where an earlier builder ended. */
class Builder {
  readonly #file: FileHandle
  readonly #journal: Journal
  readonly #layout: Layout
  readonly #hashes: Map<string, string>
  readonly #options: BuildOptions
  #unsynced: JournalEntry[] = []
  #unsyncedBytes = 0
  #doneBytes = 0

  constructor(
    file: FileHandle,
    journal: Journal,
    layout: Layout,
    hashes: Map<string, string>,
    options: BuildOptions,
  ) {
    this.#file = file
    this.#journal = journal
    this.#layout = layout
    this.#hashes = hashes
    this.#options = options
  }

  async run(entries: readonly JournalEntry[], folder: string): Promise<void> {
    const { weights, bytes } = this.#layout
    const known = new Map(entries.map(({ part, hash }) => [part, hash]))
    let next = 0
    while (next < weights.length && (await this.#isWritten(weights[next]!, known))) next++
    await requireSpace(folder, bytes - this.#doneBytes)
    try {
      for (const weight of weights.slice(next)) await this.#write(weight)
      await this.#file.truncate(bytes)
    } finally {
      await this.#sync()
    }
  }

  /** Whether an earlier builder wrote a weight, and the disk still has it as it was written. */
  async #isWritten({ parts }: Weight, known: ReadonlyMap<string, string>): Promise<boolean> {
    const found: [string, string][] = []
    for (const { name } of parts) {
      const { offset, bytes } = this.#layout.parts.get(name)!
      const hash = known.get(name)
      if (hash === undefined || hash !== (await this.#hashOf(offset, bytes))) return false
      found.push([name, hash])
    }
    for (const [name, hash] of found) this.#hashes.set(name, hash)
    this.#advance(parts.reduce((sum, { bytes }) => sum + bytes, 0))
    return true
  }

  async #hashOf(offset: number, bytes: number): Promise<string> {
    const hash = createHash('sha256')
    const chunk = new Uint8Array(Math.min(bytes, CHECK_BYTES))
    for (let done = 0; done < bytes; ) {
      throwIfAborted(this.#options.signal)
      const length = Math.min(chunk.length, bytes - done)
      const { bytesRead } = await this.#file.read(chunk, 0, length, offset + done)
      if (bytesRead === 0) return 'cut short'
      hash.update(chunk.subarray(0, bytesRead))
      done += bytesRead
    }
    return hash.digest('hex')
  }

  async #write(weight: Weight): Promise<void> {
    const hashes = new Map<string, Hash>(weight.parts.map(({ name }) => [name, createHash('sha256')]))
    await prepareWeight(weight, async ({ name }, offset, bytes) => {
      throwIfAborted(this.#options.signal)
      await writeAll(this.#file, bytes, this.#layout.parts.get(name)!.offset + offset)
      hashes.get(name)!.update(bytes)
      this.#unsyncedBytes += bytes.length
      this.#advance(bytes.length)
    })
    for (const [part, hash] of hashes) {
      const entry = { part, hash: hash.digest('hex') }
      this.#hashes.set(part, entry.hash)
      this.#unsynced.push(entry)
    }
    if (this.#unsyncedBytes >= SYNC_BYTES) await this.#sync()
  }

  /** The bytes first, then the lines that say they are there. */
  async #sync(): Promise<void> {
    await this.#file.datasync()
    await this.#journal.add(this.#unsynced)
    this.#unsynced = []
    this.#unsyncedBytes = 0
  }

  #advance(bytes: number): void {
    this.#doneBytes += bytes
    this.#options.onProgress?.({ doneBytes: this.#doneBytes, totalBytes: this.#layout.bytes })
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array, offset: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, offset + done)
    done += bytesWritten
  }
}

/** A failure of the file system as a typed error; others as they are. */
function asBuildError(error: unknown, folder: string): unknown {
  const code = systemCode(error)
  if (error instanceof LongtakeError || !/^E[A-Z]+$/.test(code)) return error
  const message = ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(code)
    ? `The disk of ${folder} is full. What was built is kept: make room and load the model again.`
    : `${folder} cannot be written (${code}): set LONGTAKE_HOME to a folder that can.`
  return new CheckpointError('CHECKPOINT_BUILD', message, { cause: error })
}
