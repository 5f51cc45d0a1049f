import type { OpenLink } from '../engine/local.js'
import type { Log } from '../log.js'
import { Files } from '../store/files.js'
import type { Question } from '../store/question.js'

/** Files that are fetched ahead of their turn at once. */
const MOST_AHEAD = 4

/** Fetches files that were posted in Discord at once, since their links end, and each one once. */
export class Attachments {
  readonly #files: Files
  readonly #openLink: OpenLink
  readonly #log: Log
  readonly #fetching = new Map<string, Promise<void>>()
  readonly #waiting: Question[] = []
  readonly #stop = new AbortController()

  constructor(files: Files, openLink: OpenLink, log: Log) {
    this.#files = files
    this.#openLink = openLink
    this.#log = log
  }

  /** Begins to fetch a question's file; a failure is told when the file is needed. */
  ahead(question: Question): void {
    if (question.video.type !== 'attachment' || this.#stop.signal.aborted) return
    if (this.#fetching.size >= MOST_AHEAD) {
      this.#waiting.push(question)
      return
    }
    this.fetch(question, this.#stop.signal).catch((error: unknown) => {
      this.#log.info({ question: question.id, err: error }, 'a file could not be fetched ahead')
    })
  }

  /**
   * Waits until a question's file is kept.
   *
   * @returns Its name among the files.
   * @throws {LongtakeError} If it cannot be fetched.
   */
  async fetch({ video, userId }: Question, signal: AbortSignal): Promise<string> {
    const name = Files.nameOf(video.url)
    if (this.#files.has(name)) return name
    const running = this.#fetching.get(name) ?? this.#start(name, video.url, userId)
    await unlessAborted(running, signal)
    return name
  }

  /** Stops fetching. */
  async close(): Promise<void> {
    this.#waiting.length = 0
    this.#stop.abort()
    await Promise.allSettled(this.#fetching.values())
  }

  #start(name: string, url: string, userId: string): Promise<void> {
    const fetching = this.#copy(name, url, userId).finally(() => {
      this.#fetching.delete(name)
      const next = this.#waiting.shift()
      if (next !== undefined) this.ahead(next)
    })
    this.#fetching.set(name, fetching)
    return fetching
  }

  async #copy(name: string, url: string, userId: string): Promise<void> {
    const { signal } = this.#stop
    const source = await this.#openLink(url, signal)
    try {
      await this.#files.put(name, userId, source, signal)
    } finally {
      await source.close()
    }
  }
}

function unlessAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason)
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}
