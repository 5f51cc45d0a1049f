import { constants } from 'node:fs'
import { type FileHandle, lstat, open, utimes } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { InvalidOptionError } from '@longtake/core'
import { throwIfAborted } from '../ort/abort.js'
import type { ByteStore } from './byte-store.js'
import { CacheFile, type CacheSpace } from './cache-file.js'
import { entryName } from './cache-names.js'
import { ChainStore, type OnProblem } from './chain-store.js'
import { leastEntryBytes } from './entry-format.js'
import { EntryReader } from './entry-reader.js'
import { EntryWriter } from './entry-writer.js'
import { FeatureCacheError, systemCode, writeFailure } from './error.js'
import { fileStore } from './file-store.js'
import { placeLayout } from './layout.js'
import { makeFolder } from './make-folder.js'
import { makeRoom, removePath } from './make-room.js'
import { SCRATCH_STORES } from './scratch.js'
import type { FeatureLayout, FeatureReader, FeatureWriter } from './types.js'
import { verifyEntry } from './verify-entry.js'

/** Links are not followed; absent on Windows, where `lstat` alone tells. */
const NO_FOLLOW = constants.O_NOFOLLOW ?? 0

/** The process has too many files open or no memory: nothing is wrong with the entry. */
const SHORTAGE = new Set(['EMFILE', 'ENFILE', 'ENOMEM'])

/**
 * Features of videos on disk, one file each, shared by any number of processes. The least recently used go first.
 * Nothing in it is trusted and nothing needs it: what is damaged is dropped, and what cannot be kept is not.
 */
export class FeatureCache {
  readonly #space: CacheSpace

  private constructor(space: CacheSpace) {
    this.#space = space
  }

  /**
   * Opens a folder as a cache, makes it (for this user only) if it is not there, and clears what was left behind.
   *
   * @throws {InvalidOptionError} If `folder` is empty or `maxBytes` no whole number from 1 on.
   * @throws {FeatureCacheError} `folder` if there can be no such folder.
   */
  static async open({ folder, maxBytes }: CacheSpace): Promise<FeatureCache> {
    if (typeof folder !== 'string' || folder === '' || folder.includes('\0')) {
      throw new InvalidOptionError('cache.folder', 'the path of a folder', folder)
    }
    if (!Number.isSafeInteger(maxBytes) || maxBytes < 1) {
      throw new InvalidOptionError('cache.maxBytes', 'a whole number of bytes, at least 1', maxBytes)
    }
    const space = { folder: resolve(folder), maxBytes }
    try {
      await makeFolder(space.folder)
      await makeRoom(space.folder, maxBytes)
    } catch (cause) {
      const why = systemCode(cause) || String(cause)
      throw new FeatureCacheError(
        'folder',
        `${space.folder} cannot be used as a cache: ${why}. Choose another folder, such as by LONGTAKE_CACHE.`,
        { cause },
      )
    }
    return new FeatureCache(space)
  }

  /**
   * Finds an entry and checks every byte of it. What is damaged, of another version or key, or no file is removed.
   *
   * @param key - From `featureKey`.
   * @returns A reader to close; undefined if there is no entry that can be used.
   * @throws {InvalidOptionError} For a malformed key.
   * @throws {CancelledError} If the signal fires.
   */
  async find(key: string, signal?: AbortSignal): Promise<FeatureReader | undefined> {
    const path = join(this.#space.folder, entryName(key))
    throwIfAborted(signal)
    let store: ByteStore | undefined
    try {
      const opened = await openEntry(path)
      store = opened.store
      if (opened.bytes > this.#space.maxBytes) throw new FeatureCacheError('changed', `${path} is too large.`)
      const index = await verifyEntry(key, store, opened.bytes, () => throwIfAborted(signal))
      await markUsed(path)
      return new EntryReader(store, index)
    } catch (error) {
      await store?.close()
      throwIfAborted(signal)
      if (!SHORTAGE.has(systemCode(error)) && systemCode(error) !== 'ENOENT') await removePath(path)
      return undefined
    }
  }

  /**
   * Starts an entry. If the cache cannot keep it, now or later, because it is full, read-only or gone, work goes on as
   * with `createScratch`: frames that were put already move there, and only the entry is lost.
   *
   * @param key - From `featureKey`; the last `commit` under a key is what `find` gives.
   * @param onProblem - Told why an entry is not kept, or has to move.
   * @throws {InvalidOptionError} For a malformed key or layout.
   * @throws {FeatureCacheError} If features can be kept nowhere at all.
   */
  async create(key: string, layout: FeatureLayout, onProblem: OnProblem = () => {}): Promise<FeatureWriter> {
    entryName(key)
    const placed = placeLayout(layout)
    let file: CacheFile | undefined
    const openFile = async () => {
      file = await CacheFile.open(this.#space, key, leastEntryBytes(key, placed))
      return file
    }
    const store = await ChainStore.open([openFile, ...SCRATCH_STORES], onProblem)
    return new EntryWriter(placed, store, async (entry) => {
      if (file === undefined || store.current !== file) return
      try {
        await file.publish(entry)
      } catch (error) {
        onProblem(writeFailure('The cache entry', error))
      }
    })
  }
}

async function openEntry(path: string): Promise<{ store: ByteStore; bytes: number }> {
  // Asked before opening, because opening a pipe would wait for its writer.
  const facts = await lstat(path)
  if (!facts.isFile()) throw new FeatureCacheError('changed', `${path} is not a file.`)
  const handle: FileHandle = await open(path, constants.O_RDONLY | NO_FOLLOW)
  const store = fileStore(handle, `The cache entry ${path}`)
  try {
    return { store, bytes: (await handle.stat()).size }
  } catch (error) {
    await store.close()
    throw error
  }
}

/** File systems often do not note reading, so it is noted here. Fails without harm in a folder that is read-only. */
async function markUsed(path: string): Promise<void> {
  const now = new Date()
  await utimes(path, now, now).catch(() => {})
}
