import { ApiError } from '../http/api-error.js'
import type { VideoStore } from '../services.js'
import { newId } from './id.js'
import type { WatchWork } from './job.js'
import type { VideoRecord } from './record.js'
import type { VideoReport } from './report.js'
import type { Uploads } from './uploads.js'

export interface LibraryLimits {
  readonly videosPerKey: number
  readonly ttlMs: number
}

/** How watching a video ended. */
export type WatchEnd =
  | { readonly report: VideoReport }
  | { readonly failure: { readonly code: string; readonly message: string } }

/** Videos by id. Somebody else's is as unknown as one that never was. */
export class VideoLibrary {
  readonly #records = new Map<string, VideoRecord>()
  /** Used since they were written down. */
  readonly #used = new Set<VideoRecord>()
  readonly #uploads: Uploads
  readonly #store: VideoStore | undefined
  readonly #limits: LibraryLimits
  readonly #clock: () => number

  constructor(uploads: Uploads, store: VideoStore | undefined, limits: LibraryLimits, clock: () => number) {
    this.#uploads = uploads
    this.#store = store
    this.#limits = limits
    this.#clock = clock
    const found = [...(store?.found ?? [])].sort((a, b) => a.createdAt - b.createdAt)
    for (const record of found) this.#hold(record)
  }

  get size(): number {
    return this.#records.size
  }

  /** Videos of which nobody has said yet how watching them ended. */
  get waiting(): readonly VideoRecord[] {
    return [...this.#records.values()].filter((it) => it.report === undefined && it.failure === undefined)
  }

  /**
   * A new video, which is not written down before `save`.
   *
   * @throws {ApiError} 429 if the owner has as many videos as one may have.
   */
  add(owner: string, work: WatchWork, shown: string): VideoRecord {
    if (this.list(owner).length >= this.#limits.videosPerKey) {
      const message = `A key may have ${this.#limits.videosPerKey} videos at once: delete some, or wait until they expire.`
      throw new ApiError(429, 'video_quota', message)
    }
    const now = this.#clock()
    const id = newId('vid')
    const record: VideoRecord = {
      id,
      owner,
      work,
      shown,
      createdAt: now,
      expiresAt: now + this.#limits.ttlMs,
    }
    this.#hold(record)
    return record
  }

  /** Writes a video down, unless it was removed. */
  async save(record: VideoRecord): Promise<void> {
    this.#used.delete(record)
    if (this.#records.get(record.id) === record) await this.#store?.save(record)
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
    this.#used.add(record)
    return record
  }

  /** The latest first. */
  list(owner: string): readonly VideoRecord[] {
    const now = this.#clock()
    const own = [...this.#records.values()].filter((it) => it.owner === owner && it.expiresAt > now)
    return own.reverse()
  }

  /** Tells how watching ended. */
  async settle(record: VideoRecord, end: WatchEnd): Promise<void> {
    Object.assign(record, end)
    await this.save(record)
  }

  async remove(record: VideoRecord): Promise<void> {
    if (!this.#records.delete(record.id)) return
    this.#used.delete(record)
    await this.#store?.remove(record.id)
    for (const source of record.work.sources)
      if (source.type === 'upload') await this.#uploads.letGo(source.id)
  }

  /** Removes expired videos, and writes down until when the others are known. */
  async sweep(): Promise<readonly VideoRecord[]> {
    const now = this.#clock()
    const old = [...this.#records.values()].filter((it) => it.expiresAt <= now)
    for (const record of old) await this.remove(record)
    for (const record of [...this.#used]) await this.save(record)
    return old
  }

  #hold(record: VideoRecord): void {
    for (const source of record.work.sources) if (source.type === 'upload') this.#uploads.hold(source.id)
    this.#records.set(record.id, record)
  }
}
