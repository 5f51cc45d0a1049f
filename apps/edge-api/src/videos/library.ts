import { isLongtakeError } from '@longtake/core'
import { ApiError } from '../http/api-error.js'
import { newId } from './id.js'
import type { WatchWork } from './job.js'
import type { VideoReport } from './report.js'
import type { Uploads } from './uploads.js'

/** A video that a caller registered. */
export interface VideoRecord {
  readonly id: string
  readonly owner: string
  readonly work: WatchWork
  /** What the caller sees of where it comes from: no query, no data. */
  readonly shown: string
  readonly createdAt: number
  expiresAt: number
  /** Job that watches it. */
  jobId: string | undefined
  state: 'waiting' | 'ready' | 'failed'
  report: VideoReport | undefined
  failure: { readonly code: string; readonly message: string } | undefined
}

export interface LibraryLimits {
  readonly videosPerKey: number
  readonly ttlMs: number
}

/** Videos by id. Somebody else's is as unknown as one that never was. */
export class VideoLibrary {
  readonly #records = new Map<string, VideoRecord>()
  readonly #uploads: Uploads
  readonly #limits: LibraryLimits
  readonly #clock: () => number

  constructor(uploads: Uploads, limits: LibraryLimits, clock: () => number) {
    this.#uploads = uploads
    this.#limits = limits
    this.#clock = clock
  }

  get size(): number {
    return this.#records.size
  }

  /** @throws {ApiError} 429 if the owner has as many videos as one may have. */
  add(owner: string, work: WatchWork, shown: string): VideoRecord {
    if (this.list(owner).length >= this.#limits.videosPerKey) {
      const message = `A key may have ${this.#limits.videosPerKey} videos at once: delete some, or wait until they expire.`
      throw new ApiError(429, 'video_quota', message)
    }
    const now = this.#clock()
    const record: VideoRecord = {
      id: newId('vid'),
      owner,
      work,
      shown,
      createdAt: now,
      expiresAt: now + this.#limits.ttlMs,
      jobId: undefined,
      state: 'waiting',
      report: undefined,
      failure: undefined,
    }
    for (const source of work.sources) if (source.type === 'upload') this.#uploads.hold(source.id)
    this.#records.set(record.id, record)
    return record
  }

  /** @throws {ApiError} 404 if it is unknown, expired, or somebody else's. */
  get(owner: string, id: string): VideoRecord {
    const record = this.#records.get(id)
    const now = this.#clock()
    if (record === undefined || record.owner !== owner || record.expiresAt <= now)
      throw new ApiError(404, 'video_not_found', `There is no video ${JSON.stringify(id.slice(0, 64))}.`, {
        param: 'id',
      })
    record.expiresAt = now + this.#limits.ttlMs
    return record
  }

  /** The latest first. */
  list(owner: string): readonly VideoRecord[] {
    const now = this.#clock()
    const own = [...this.#records.values()].filter((it) => it.owner === owner && it.expiresAt > now)
    return own.reverse()
  }

  /** Tells how watching ended. Unknown ids are left alone: the video may have been deleted meanwhile. */
  settle(owner: string, id: string, end: VideoReport | { readonly error: unknown }): void {
    const record = this.#records.get(id)
    if (record === undefined || record.owner !== owner) return
    if ('error' in end) {
      const { error } = end
      record.state = 'failed'
      record.failure = isLongtakeError(error)
        ? { code: error.code, message: error.message }
        : { code: 'UNEXPECTED', message: '' }
    } else {
      record.state = 'ready'
      record.report = end
    }
  }

  async remove(record: VideoRecord): Promise<void> {
    if (!this.#records.delete(record.id)) return
    for (const source of record.work.sources)
      if (source.type === 'upload') await this.#uploads.letGo(source.id)
  }

  /** Removes expired videos. */
  async sweep(): Promise<readonly VideoRecord[]> {
    const now = this.#clock()
    const old = [...this.#records.values()].filter((it) => it.expiresAt <= now)
    for (const record of old) await this.remove(record)
    return old
  }
}
