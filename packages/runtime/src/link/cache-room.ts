import { lstat, readdir, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isAbandoned, isPartName } from '../features/cache-names.js'
import { removePath } from '../features/make-room.js'
import { parsePieceName } from './kept-pieces.js'

/** Share of the limit that is taken at a time, because taking lists the folder. */
const STEPS = 32
const ENTRY = /^[0-9a-f]{64}$/

/** What an entry's folder holds beside its pieces. */
export const HEAD_NAME = 'head.json'

/** A head this young may be waiting for its first piece. */
const NEW_MS = 60_000

interface Found {
  readonly path: string
  readonly isPiece: boolean
  readonly bytes: number
  readonly usedMs: number
}

/**
 * Keeps a folder of entries within a limit, the least recently used pieces going first. Each further process that writes
 * may hold a 32nd of the limit more.
 */
export class CacheRoom {
  readonly #folder: string
  readonly #maxBytes: number
  /** Bytes that may be written before the folder is listed again, and those that are being written. */
  #leftBytes = 0
  #writingBytes = 0
  #isListed = false
  #sweeping: Promise<unknown> = Promise.resolve()

  constructor(folder: string, maxBytes: number) {
    this.#folder = folder
    this.#maxBytes = maxBytes
  }

  /**
   * Whether so many bytes can be kept at once.
   *
   * @throws The system's error if the folder cannot be listed.
   */
  fits(bytes: number): Promise<boolean> {
    return this.#inTurn(async () => {
      // The limit may be lower than it was.
      if (!this.#isListed) this.#isListed = await this.#sweep(0)
      return bytes <= this.#maxBytes
    })
  }

  /**
   * Runs `write` with room for so many bytes.
   *
   * @returns False, without running it, where there can be none.
   */
  async write(bytes: number, write: () => Promise<void>): Promise<boolean> {
    if (!(await this.#take(bytes))) return false
    this.#writingBytes += bytes
    try {
      await write()
      return true
    } finally {
      this.#writingBytes -= bytes
    }
  }

  async #take(bytes: number): Promise<boolean> {
    if (!(await this.fits(bytes))) return false
    return this.#inTurn(async () => {
      if (this.#leftBytes < bytes) {
        const wanted = Math.max(bytes, Math.floor(this.#maxBytes / STEPS))
        this.#leftBytes = (await this.#sweep(wanted)) ? wanted : 0
      }
      if (this.#leftBytes < bytes) return false
      this.#leftBytes -= bytes
      return true
    })
  }

  /** One at a time, so that what one makes room for is not taken for another's. */
  #inTurn(task: () => Promise<boolean>): Promise<boolean> {
    const done = this.#sweeping.then(task)
    this.#sweeping = done.catch(() => {})
    return done
  }

  /** Removes what crashed processes left, then the least recently used, until there is room for so many bytes. */
  async #sweep(wantedBytes: number): Promise<boolean> {
    const names = (await readdir(this.#folder)).filter((name) => ENTRY.test(name))
    const found: Found[] = []
    // One folder after the other: thousands of files at once would take all of the process's handles.
    for (const name of names) found.push(...(await this.#list(join(this.#folder, name))))
    found.sort((a, b) => a.usedMs - b.usedMs || (a.path < b.path ? -1 : 1))
    let bytes = this.#writingBytes + found.reduce((sum, file) => sum + file.bytes, 0)
    const heads = found.filter(({ path }) => path.endsWith(HEAD_NAME))
    for (const { path, bytes: freed } of [...found.filter(({ isPiece }) => isPiece), ...heads]) {
      if (bytes + wantedBytes <= this.#maxBytes) return true
      if (await removePath(path)) bytes -= freed
    }
    return bytes + wantedBytes <= this.#maxBytes
  }

  async #list(folder: string): Promise<Found[]> {
    const names = await readdir(folder).catch(() => [])
    const looked = await Promise.all(names.map((name) => look(folder, name)))
    const found = looked.filter((file) => file !== undefined)
    // A head alone is worth nothing; a folder is removed only when it is empty.
    const isUsed = found.some(({ path, usedMs }) => !path.endsWith(HEAD_NAME) || Date.now() - usedMs < NEW_MS)
    if (isUsed) return found
    for (const { path } of found) await removePath(path)
    await rmdir(folder).catch(() => {})
    return []
  }
}

/** Undefined for what is gone, and for names that are not the cache's: those are neither counted nor touched. */
async function look(folder: string, name: string): Promise<Found | undefined> {
  const isPiece = parsePieceName(name) !== undefined
  const isOwn = isPiece || name === HEAD_NAME || isPartName(name)
  const path = join(folder, name)
  const facts = isOwn ? await lstat(path).catch(() => undefined) : undefined
  if (facts === undefined) return undefined
  if (isPartName(name) && isAbandoned(name, facts.mtimeMs) && (await removePath(path))) return undefined
  return { path, isPiece, bytes: facts.isFile() ? facts.size : 0, usedMs: facts.mtimeMs }
}
