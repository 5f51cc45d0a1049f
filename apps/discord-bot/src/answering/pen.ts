import { setTimeout as sleep } from 'node:timers/promises'
import { refusedBy } from '../discord/discord-failure.js'
import type { Draft } from '../discord/draft.js'
import type { Board, Written } from './board.js'
import type { Pace } from './pace.js'

const FIRST_PAUSE_MS = 1000
const LONGEST_PAUSE_MS = 30_000

/** Writes how far an answer is, never faster than Discord allows, always the latest. */
export class Pen {
  readonly #board: Board
  readonly #pace: Pace
  readonly #stop = new AbortController()
  readonly #onGone: () => void
  #latest: (() => Draft) | undefined
  #shown = ''
  #writing: Promise<void> | undefined

  /** @param onGone - Told when nobody can see the message any more. */
  constructor(board: Board, pace: Pace, onGone: () => void) {
    this.#board = board
    this.#pace = pace
    this.#onGone = onGone
    pace.enter()
  }

  /** Shows a draft, as soon as there is a turn and unless a later one comes first. */
  show(draft: () => Draft): void {
    if (this.#stop.signal.aborted) return
    this.#latest = draft
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined
      // A draft may have come while this was ending.
      if (this.#latest !== undefined) this.show(this.#latest)
    })
  }

  /** Writes a draft even if it is shown already, since it may have to be shown elsewhere. */
  repeat(draft: () => Draft): void {
    this.#shown = ''
    this.show(draft)
  }

  /** Shows nothing any more, and waits for what is on its way. */
  async close(): Promise<void> {
    if (this.#stop.signal.aborted) return
    this.#latest = undefined
    this.#stop.abort()
    await this.#writing
    this.#pace.leave()
  }

  async #write(): Promise<void> {
    const { signal } = this.#stop
    try {
      while (this.#latest !== undefined) {
        await this.#pace.turn(signal)
        const draft = this.#latest()
        this.#latest = undefined
        const text = JSON.stringify([draft.content, draft.buttons])
        if (text === this.#shown) continue
        this.#shown = (await this.#tryToWrite(draft)) ? text : ''
        // Also after a failure, which may have used up as much of a limit.
        await sleep(this.#pace.intervalMs, undefined, { signal })
      }
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }

  /** A state that can never be shown is no loss: the next one, and the answer, say everything again. */
  async #tryToWrite(draft: Draft): Promise<boolean> {
    try {
      if ((await this.#board.write(draft)) === 'gone') this.#onGone()
      return true
    } catch (error) {
      if (refusedBy(error) === 'later') this.#latest ??= () => draft
      return false
    }
  }
}

/**
 * Writes what must not be lost: tries until it is written, or can never be.
 *
 * @param write - May be repeated.
 * @throws {unknown} What Discord refuses for good; or when the signal fires.
 */
export async function writeSurely(write: () => Promise<Written>, signal: AbortSignal): Promise<Written> {
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    try {
      signal.throwIfAborted()
      return await write()
    } catch (error) {
      if (signal.aborted || refusedBy(error) !== 'later') throw error
      await sleep(pauseMs, undefined, { signal })
    }
  }
}
