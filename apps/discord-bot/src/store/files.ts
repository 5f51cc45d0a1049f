import { createHash } from 'node:crypto'
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { CancelledError, VideoError } from '@longtake/core'
import { openStoredFile } from '@longtake/edge-api/parts'
import type { VideoSource } from '@longtake/runtime'
import type { Db } from './database.js'

const CHUNK_BYTES = 2 ** 20

export interface FileLimits {
  readonly maxFileBytes: number
  readonly mostFileBytes: number
}

/** Files that were posted in Discord: fetched while their links work, and kept for follow-ups. */
export class Files {
  readonly #folder: string
  readonly #db: Db
  readonly #limits: FileLimits
  readonly #clock: () => number
  /** Bytes that are being written, which count as taken. */
  #writingBytes = 0

  private constructor(folder: string, db: Db, limits: FileLimits, clock: () => number) {
    this.#folder = folder
    this.#db = db
    this.#limits = limits
    this.#clock = clock
  }

  /** Opens the folder; what an earlier process did not finish is removed. */
  static async open(folder: string, db: Db, limits: FileLimits, clock: () => number): Promise<Files> {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const files = new Files(folder, db, limits, clock)
    for (const name of await readdir(folder)) {
      if (db.get('SELECT name FROM files WHERE name = ?', name) === undefined) await files.#delete(name)
    }
    return files
  }

  /** The name of an attachment's file. The query of its link changes, its path does not. */
  static nameOf(url: string): string {
    const { origin, pathname } = new URL(url)
    return createHash('sha256')
      .update(origin + pathname)
      .digest('hex')
  }

  has(name: string): boolean {
    return this.#db.get('SELECT name FROM files WHERE name = ?', name) !== undefined
  }

  /**
   * Copies a source.
   *
   * @throws {VideoError} `VIDEO_TOO_LARGE` beyond the limits; and whatever reading throws. Nothing is left then.
   */
  async put(name: string, userId: string, source: VideoSource, signal: AbortSignal): Promise<void> {
    const sizeBytes = await source.size()
    this.#requireRoom(sizeBytes)
    this.#writingBytes += sizeBytes
    const partial = join(this.#folder, `${name}.partial-${crypto.randomUUID()}`)
    try {
      await copy(source, sizeBytes, partial, signal)
      await rename(partial, join(this.#folder, name))
      this.#db.run(
        `INSERT INTO files (name, user_id, size_bytes, used_at) VALUES (?, ?, ?, ?)
         ON CONFLICT (name) DO UPDATE SET used_at = excluded.used_at`,
        name,
        userId,
        sizeBytes,
        this.#clock(),
      )
    } finally {
      this.#writingBytes -= sizeBytes
      await rm(partial, { force: true })
    }
  }

  /** @throws {VideoError} `VIDEO_NOT_FOUND` if it is not kept any more. */
  async source(name: string): Promise<VideoSource> {
    this.#db.run('UPDATE files SET used_at = ? WHERE name = ?', this.#clock(), name)
    return openStoredFile(this.path(name), 'the attached file', 'The file is not kept any more.')
  }

  path(name: string): string {
    return join(this.#folder, name)
  }

  /** @returns How many there were. */
  async removeOfUser(userId: string): Promise<number> {
    const names = this.#db.all('SELECT name FROM files WHERE user_id = ?', userId)
    for (const { name } of names) await this.#remove(String(name))
    return names.length
  }

  /** Removes what was not used since then. */
  async sweep(time: number): Promise<void> {
    for (const { name } of this.#db.all('SELECT name FROM files WHERE used_at < ?', time))
      await this.#remove(String(name))
  }

  #requireRoom(sizeBytes: number): void {
    const { maxFileBytes, mostFileBytes } = this.#limits
    const kept = Number(this.#db.get('SELECT coalesce(sum(size_bytes), 0) AS n FROM files')?.n ?? 0)
    if (sizeBytes > maxFileBytes)
      throw new VideoError('VIDEO_TOO_LARGE', `The file has more than the ${maxFileBytes} bytes allowed.`)
    if (kept + this.#writingBytes + sizeBytes > mostFileBytes)
      throw new VideoError(
        'VIDEO_TOO_LARGE',
        'There is no room for this file until others have been removed.',
      )
  }

  async #remove(name: string): Promise<void> {
    await this.#delete(name)
    this.#db.run('DELETE FROM files WHERE name = ?', name)
  }

  #delete(name: string): Promise<void> {
    return rm(join(this.#folder, name), { recursive: true, force: true })
  }
}

async function copy(
  source: VideoSource,
  sizeBytes: number,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    for (let start = 0; start < sizeBytes; start += CHUNK_BYTES) {
      if (signal.aborted) throw new CancelledError()
      await file.write(await source.read(start, Math.min(start + CHUNK_BYTES, sizeBytes)))
    }
  } finally {
    await file.close()
  }
}
