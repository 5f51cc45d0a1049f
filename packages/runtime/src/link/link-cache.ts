import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { InvalidOptionError } from '@longtake/core'
import { cacheFolder } from '../features/default-folder.js'
import { systemCode } from '../features/error.js'
import { makeFolder } from '../features/make-folder.js'
import { checkPath } from '../home-folder.js'
import { CacheRoom } from './cache-room.js'
import { KeptFile, type KeptPlace } from './kept-file.js'
import { hashOf, type KeptHead } from './kept-head.js'

/** Most bytes of a cache of links when nothing is said: what some hundred films took of which 64 frames were watched. */
const DEFAULT_BYTES = 2 * 2 ** 30

/** Where what links fetched is kept. */
export interface LinkCacheOptions {
  /** Default `links` in the folder of the feature cache. */
  readonly folder?: string | undefined
  /** Most bytes on disk, 1 or more; what was not used for longest goes first. Default 2 GiB. */
  readonly maxBytes?: number | undefined
  /** Told, once for each reason, why something could not be kept. Links are opened and read all the same. */
  readonly onProblem?: ((problem: string) => void) | undefined
}

/**
 * Bytes that links fetched, on disk, for `openLink`; to be made once and given to every call. Any number of processes may
 * share a folder. What is kept is used only after the link's server said, through the same checks as without a cache, that
 * the file is still the same.
 */
export class LinkCache {
  readonly folder: string
  readonly #room: CacheRoom
  readonly #onProblem: (problem: string) => void
  readonly #told = new Set<string>()

  /** @throws {InvalidOptionError} If an option cannot be used. */
  constructor({ folder, maxBytes = DEFAULT_BYTES, onProblem = () => {} }: LinkCacheOptions = {}) {
    if (!Number.isSafeInteger(maxBytes) || maxBytes < 1) {
      throw new InvalidOptionError('cache.maxBytes', 'a whole number of bytes, at least 1', maxBytes)
    }
    this.folder = folder === undefined ? join(cacheFolder(), 'links') : checkPath('cache.folder', folder)
    this.#room = new CacheRoom(this.folder, maxBytes)
    this.#onProblem = onProblem
  }

  /**
   * What is kept under a name; undefined where there is nothing that can be used. For `openLink`.
   * @internal
   */
  find(name: string): Promise<KeptFile | undefined> {
    return KeptFile.find(this.#placeOf(name))
  }

  /**
   * An entry to fill, in place of other content under the name; undefined where that cannot be. For `openLink`.
   * @internal
   */
  async begin(name: string, head: KeptHead): Promise<KeptFile | undefined> {
    try {
      await makeFolder(this.folder)
      await readdir(this.folder)
      return await KeptFile.begin(this.#placeOf(name), head)
    } catch (error) {
      this.#tell(error)
      return undefined
    }
  }

  #placeOf(name: string): KeptPlace {
    const key = hashOf(name)
    const onProblem = (error: unknown): void => this.#tell(error)
    return { key, folder: join(this.folder, key), room: this.#room, onProblem }
  }

  #tell(error: unknown): void {
    const why = systemCode(error) || String(error)
    if (this.#told.has(why)) return
    this.#told.add(why)
    this.#onProblem(`What links fetch is not kept: ${this.folder} cannot be used (${why}).`)
  }
}
