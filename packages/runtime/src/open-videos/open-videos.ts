import { CancelledError } from '@longtake/core'
import type { WatchProgress } from '../engine/watch-options.js'

/** What is kept: a `WatchedVideo`, or anything else that has to be closed. */
export interface Closable {
  close(): Promise<void>
}

/** A use of a watched video; it stays open until every use was released. */
export interface Lease<Video extends Closable> extends AsyncDisposable {
  readonly video: Video
  /** Gives the video to nobody else, such as when its engine is lost. */
  discard(): void
}

/** Watches a video until `signal` fires. */
export type OpenVideo<Video extends Closable> = (
  signal: AbortSignal,
  onProgress: (progress: WatchProgress) => void,
) => Promise<Video>

interface Entry<Video extends Closable> {
  readonly opening: Promise<Video>
  readonly listeners: Set<(progress: WatchProgress) => void>
  readonly stop: AbortController
  /** Uses and waits. */
  users: number
  isOpen: boolean
  /** Closed as soon as nobody uses it. */
  isDropped: boolean
}

/**
 * Watched videos that are kept for follow-ups, the latest used ones. Whoever asks for one that is being watched waits
 * for it; watching ends when nobody waits any more.
 */
export class OpenVideos<Video extends Closable> {
  readonly #most: number
  /** In the order of use, the latest last. */
  readonly #entries = new Map<string, Entry<Video>>()
  readonly #closing = new Set<Promise<void>>()

  /** @param most - Open videos; more only while more are used at once. */
  constructor(most: number) {
    this.#most = most
  }

  get size(): number {
    return this.#entries.size
  }

  /** Whether a video is open, so that using it costs no watching. */
  has(key: string): boolean {
    return this.#entries.get(key)?.isOpen === true
  }

  /**
   * @param key - The same one for the same video watched in the same way.
   * @throws {CancelledError} When `signal` fires; and whatever `open` throws.
   */
  async acquire(
    key: string,
    open: OpenVideo<Video>,
    signal: AbortSignal,
    onProgress: (progress: WatchProgress) => void,
  ): Promise<Lease<Video>> {
    if (signal.aborted) throw new CancelledError()
    const entry = this.#entries.get(key) ?? this.#start(open)
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    entry.users += 1
    entry.listeners.add(onProgress)
    try {
      const video = await unlessAborted(entry.opening, signal)
      entry.isOpen = true
      this.#evict()
      const discard = (): void => {
        this.#forget(key, entry)
        entry.isDropped = true
      }
      return { video, discard, [Symbol.asyncDispose]: once(() => this.#release(key, entry)) }
    } catch (error) {
      if (!entry.isOpen && !signal.aborted) this.#forget(key, entry)
      await this.#release(key, entry)
      throw error
    } finally {
      entry.listeners.delete(onProgress)
    }
  }

  /** Closes a video, now or when its last use ends. */
  async drop(key: string): Promise<void> {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    this.#forget(key, entry)
    entry.isDropped = true
    if (entry.users === 0) await this.#close(entry)
  }

  /** Closes all; repeated calls are harmless. */
  async close(): Promise<void> {
    await Promise.all([...this.#entries.keys()].map((key) => this.drop(key)))
    await Promise.all(this.#closing)
  }

  #start(open: OpenVideo<Video>): Entry<Video> {
    const stop = new AbortController()
    const listeners = new Set<(progress: WatchProgress) => void>()
    const tell = (progress: WatchProgress): void => {
      for (const listener of listeners) listener(progress)
    }
    const opening = open(stop.signal, tell)
    // Every waiter gets the failure; without one it must not end the process.
    opening.catch(() => {})
    return { opening, listeners, stop, users: 0, isOpen: false, isDropped: false }
  }

  async #release(key: string, entry: Entry<Video>): Promise<void> {
    entry.users -= 1
    if (entry.users > 0) return
    if (!entry.isOpen || entry.isDropped) {
      this.#forget(key, entry)
      await this.#close(entry)
    } else this.#evict()
  }

  #evict(): void {
    for (const [key, entry] of this.#entries) {
      if (this.#entries.size <= this.#most) return
      if (entry.users > 0) continue
      this.#entries.delete(key)
      void this.#close(entry)
    }
  }

  #forget(key: string, entry: Entry<Video>): void {
    if (this.#entries.get(key) === entry) this.#entries.delete(key)
  }

  #close(entry: Entry<Video>): Promise<void> {
    entry.stop.abort()
    const closing = entry.opening.then(
      (video) => video.close().catch(() => {}),
      () => {},
    )
    const done = closing.finally(() => this.#closing.delete(done))
    this.#closing.add(done)
    return done
  }
}

function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(new CancelledError())
    signal.addEventListener('abort', stop, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined
  return () => {
    done ??= work()
    return done
  }
}
