import { VideoError } from '@longtake/core'
import type { VideoSource } from '@longtake/runtime'
import { ApiError } from '../http/api-error.js'
import type { StoredUpload, UploadStore } from '../services.js'

interface Upload {
  readonly id: string
  readonly owner: string
  readonly sizeBytes: number
  readonly stored: Promise<StoredUpload>
  /** Videos that need it; without any it goes after its time. */
  holders: number
  expiresAt: number
  /** When its last use was written down. */
  notedAt: number
}

export interface UploadLimits {
  readonly bytesPerKey: number
  /** How long bytes stay that no video holds. */
  readonly ttlMs: number
}

/** Uploads of one key that are kept beside those that its videos hold: small ones must not fill tables either. */
const MOST_LOOSE = 200
const ID_CHARACTERS = 32
/** Uses are written down no oftener. */
const NOTE_MS = 60_000

/** What was uploaded, and to whom it belongs. The same bytes of one owner are kept once. */
export class Uploads {
  readonly #uploads = new Map<string, Upload>()
  readonly #store: UploadStore
  readonly #limits: UploadLimits
  readonly #clock: () => number

  constructor(store: UploadStore, limits: UploadLimits, clock: () => number) {
    this.#store = store
    this.#limits = limits
    this.#clock = clock
    for (const { id, owner, sizeBytes, usedAt, stored } of store.found) {
      const expiresAt = usedAt + limits.ttlMs
      const upload = { id, owner, sizeBytes, stored: Promise.resolve(stored), holders: 0, expiresAt }
      this.#uploads.set(id, { ...upload, notedAt: usedAt })
    }
  }

  /**
   * Keeps bytes.
   *
   * @returns An id; only its owner can open it.
   * @throws {ApiError} 413 if the owner has no room left.
   */
  async put(owner: string, bytes: Uint8Array<ArrayBuffer>): Promise<string> {
    // By content, so that a request that is sent again names the same upload, also after a restart.
    const digest = await sha256(bytes)
    const id = `upl_${(await sha256(new TextEncoder().encode(`${owner}:${digest}`))).slice(0, ID_CHARACTERS)}`
    const known = this.#uploads.get(id)
    if (known !== undefined) return this.#touch(known)
    await this.#makeRoom(owner, bytes.length)
    const now = this.#clock()
    const stored = this.#store.put(id, owner, bytes)
    const upload: Upload = {
      id,
      owner,
      sizeBytes: bytes.length,
      stored,
      holders: 0,
      expiresAt: now + this.#limits.ttlMs,
      notedAt: now,
    }
    this.#uploads.set(upload.id, upload)
    try {
      await stored
    } catch (error) {
      this.#uploads.delete(upload.id)
      throw error
    }
    return upload.id
  }

  /** @throws {VideoError} `VIDEO_NOT_FOUND` if it is gone, or somebody else's. */
  async open(owner: string, id: string): Promise<VideoSource> {
    const upload = this.#uploads.get(id)
    if (upload === undefined || upload.owner !== owner)
      throw new VideoError('VIDEO_NOT_FOUND', 'The uploaded video is not there any more: send it again.')
    this.#touch(upload)
    return (await upload.stored).open()
  }

  hold(id: string): void {
    const upload = this.#uploads.get(id)
    if (upload !== undefined) upload.holders += 1
  }

  async letGo(id: string): Promise<void> {
    const upload = this.#uploads.get(id)
    if (upload === undefined) return
    upload.holders -= 1
    if (upload.holders === 0) await this.#remove(upload)
  }

  /** Removes what nobody holds and whose time is over. */
  async sweep(): Promise<void> {
    const now = this.#clock()
    const old = [...this.#uploads.values()].filter((it) => it.holders === 0 && it.expiresAt <= now)
    await Promise.all(old.map((it) => this.#remove(it)))
  }

  #touch(upload: Upload): string {
    const now = this.#clock()
    upload.expiresAt = now + this.#limits.ttlMs
    if (now - upload.notedAt < Math.min(NOTE_MS, this.#limits.ttlMs / 2)) return upload.id
    upload.notedAt = now
    // Where it cannot be written down, a next process forgets it sooner.
    upload.stored.then((stored) => stored.touch(now)).catch(() => {})
    return upload.id
  }

  async #makeRoom(owner: string, sizeBytes: number): Promise<void> {
    const own = [...this.#uploads.values()].filter((it) => it.owner === owner)
    let room = this.#limits.bytesPerKey - own.reduce((sum, it) => sum + it.sizeBytes, 0)
    const loose = own.filter((it) => it.holders === 0).sort((a, b) => a.expiresAt - b.expiresAt)
    while (loose.length > 0 && (room < sizeBytes || loose.length >= MOST_LOOSE)) {
      const oldest = loose.shift()
      if (oldest === undefined) break
      room += oldest.sizeBytes
      await this.#remove(oldest)
    }
    if (room >= sizeBytes) return
    const message = `Your uploads may take ${this.#limits.bytesPerKey} bytes together: delete videos, or send a link.`
    throw new ApiError(413, 'upload_quota', message)
  }

  async #remove(upload: Upload): Promise<void> {
    this.#uploads.delete(upload.id)
    const stored = await upload.stored.catch(() => undefined)
    await stored?.remove()
  }
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}
