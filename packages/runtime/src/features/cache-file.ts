import { type FileHandle, lstat, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { ByteStore } from './byte-store.js'
import { entryName, partName } from './cache-names.js'
import { encodeEntry } from './entry-format.js'
import type { EntryIndex } from './entry-index.js'
import { FeatureCacheError, systemCode, writeFailure } from './error.js'
import { fileStore } from './file-store.js'
import { makeFolder } from './make-folder.js'
import { makeRoom, removeOldest, removePath } from './make-room.js'
import { forget, removeOnExit } from './removed-on-exit.js'

/** Room is asked for in steps, because each asking lists the folder. */
const STEP_BYTES = 1 << 20

/** Where entries lie, and how much they may take. */
export interface CacheSpace {
  readonly folder: string
  /** Most bytes of all entries together, those being written included. */
  readonly maxBytes: number
}

/** An entry that is being written, under a temporary name in the cache's folder. */
export class CacheFile implements ByteStore {
  readonly #space: CacheSpace
  readonly #key: string
  readonly #path: string
  readonly #handle: FileHandle
  readonly #store: ByteStore
  /** Length of the file: what others see as taken. */
  #reservedBytes = 0
  #hasTemporaryName = true

  private constructor(space: CacheSpace, key: string, path: string, handle: FileHandle) {
    this.#space = space
    this.#key = key
    this.#path = path
    this.#handle = handle
    this.#store = fileStore(handle, `The cache entry ${path}`)
  }

  /**
   * Starts an entry that will take `bytes` or a little more.
   *
   * @throws {FeatureCacheError} If the folder cannot be used or there is no room.
   */
  static async open(space: CacheSpace, key: string, bytes: number): Promise<CacheFile> {
    if (bytes > space.maxBytes) throw noRoom(space)
    const path = join(space.folder, partName(key))
    const handle = await openNew(path, space.folder)
    removeOnExit(path)
    const file = new CacheFile(space, key, path, handle)
    try {
      await file.#reserve(bytes)
      return file
    } catch (error) {
      await file.close()
      throw error
    }
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    const end = position + bytes.length
    if (end > this.#reservedBytes) await this.#reserveSteps(end)
    await this.#writeReserved(bytes, position)
  }

  read(target: Uint8Array, position: number): Promise<void> {
    return this.#store.read(target, position)
  }

  /**
   * Completes the entry and gives it its name, atomically: whoever finds it finds all of it.
   *
   * @throws {FeatureCacheError} If that fails; the bytes stay readable here.
   */
  async publish(entry: EntryIndex): Promise<void> {
    try {
      const { preamble, tail, tailStart } = encodeEntry(this.#key, entry)
      await this.#reserve(tailStart + tail.length)
      await this.#writeReserved(tail, tailStart)
      await this.#writeReserved(preamble, 0)
      await this.#rename()
      this.#hasTemporaryName = false
      forget(this.#path)
    } catch (error) {
      await this.#dropName()
      throw writeFailure(`The cache entry ${this.#path}`, error)
    }
  }

  async close(): Promise<void> {
    await this.#store.close()
    await this.#dropName()
  }

  /** Older entries give way when the disk is full before the limit is reached. */
  async #writeReserved(bytes: Uint8Array, position: number): Promise<void> {
    for (;;) {
      try {
        return await this.#store.write(bytes, position)
      } catch (error) {
        const isFull = error instanceof FeatureCacheError && error.reason === 'full'
        if (!isFull || !(await removeOldest(this.#space.folder).catch(() => false))) throw error
      }
    }
  }

  async #reserveSteps(end: number): Promise<void> {
    const step = Math.min(STEP_BYTES, Math.floor(this.#space.maxBytes / 64))
    try {
      await this.#reserve(end + step)
    } catch {
      await this.#reserve(end)
    }
  }

  /** Makes the file this long, then room for it. */
  async #reserve(bytes: number): Promise<void> {
    const before = this.#reservedBytes
    try {
      await this.#handle.truncate(bytes)
      this.#reservedBytes = bytes
      if (await makeRoom(this.#space.folder, this.#space.maxBytes)) return
    } catch (cause) {
      throw writeFailure(`The cache entry ${this.#path}`, cause)
    }
    await this.#handle.truncate(before)
    this.#reservedBytes = before
    throw noRoom(this.#space)
  }

  async #rename(): Promise<void> {
    const target = join(this.#space.folder, entryName(this.#key))
    try {
      await rename(this.#path, target)
    } catch (error) {
      const facts = await lstat(target).catch(() => undefined)
      if (!facts?.isDirectory() || !(await removePath(target))) throw error
      await rename(this.#path, target)
    }
  }

  async #dropName(): Promise<void> {
    if (!this.#hasTemporaryName) return
    // Where an open file keeps its name, closing comes here once more.
    const isGone = await rm(this.#path, { force: true }).then(
      () => true,
      () => false,
    )
    if (!isGone) return
    this.#hasTemporaryName = false
    forget(this.#path)
  }
}

async function openNew(path: string, folder: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx+', 0o600).catch(async (error: unknown) => {
      if (systemCode(error) !== 'ENOENT') throw error
      await makeFolder(folder)
      return open(path, 'wx+', 0o600)
    })
  } catch (cause) {
    throw writeFailure(`The cache entry ${path}`, cause)
  }
}

function noRoom({ folder, maxBytes }: CacheSpace): FeatureCacheError {
  return new FeatureCacheError('full', `The entry does not fit into the ${maxBytes} bytes of ${folder}.`)
}
