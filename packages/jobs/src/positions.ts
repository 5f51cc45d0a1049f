import { setImmediate } from 'node:timers'
import type { QueuedJob } from './queued-job.js'
import type { Turns } from './turns.js'

/** Up to so many positions are counted one by one. */
const FEW_WATCHED = 4
/** Above so many, changes are told together, a millisecond for each who is told: a thousand in a second at most. */
const MANY_WATCHED = 64
const MOST_GATHERING_MS = 2000
/** Told before everything else has its turn: each who is told writes to a connection. */
const TOLD_AT_ONCE = 32

/** Tells those who watch a job where it stands. */
export class Positions {
  readonly #turns: Turns<QueuedJob>
  /** Jobs whose positions somebody reads. */
  readonly #watched = new Set<QueuedJob>()
  #isTelling = false
  /** Whether positions changed since those that are being told were told first. */
  #hasChanged = false
  /** Number of the present telling. */
  #telling = 0
  #isClosed = false

  constructor(turns: Turns<QueuedJob>) {
    this.#turns = turns
  }

  watch(job: QueuedJob): void {
    this.#watched.add(job)
    if (job.state === 'queued') tell(job, this.#turns.positionOf(job))
  }

  leave(job: QueuedJob): void {
    this.#watched.delete(job)
  }

  /** Tells nobody any more. */
  close(): void {
    this.#isClosed = true
  }

  /** To be called when positions may have changed; several changes at once are told as one. */
  changed(): void {
    this.#hasChanged = true
    if (this.#isTelling) return
    this.#isTelling = true
    const many = this.#watched.size
    const begin = (): void => {
      this.#hasChanged = false
      this.#telling++
      this.#tell()
    }
    if (many <= MANY_WATCHED) queueMicrotask(begin)
    else setTimeout(begin, Math.min(many, MOST_GATHERING_MS)).unref?.()
  }

  #tell(): void {
    if (this.#isClosed) return
    if (this.#watched.size <= FEW_WATCHED) {
      for (const job of this.#watched) tell(job, this.#turns.positionOf(job))
    } else if (!this.#tellSome()) {
      // The order may be another one by then, so it is gone through anew.
      setImmediate(() => this.#tell())
      return
    }
    this.#isTelling = false
    if (this.#hasChanged) this.changed()
  }

  /** Tells those whom this telling has not told yet, up to a number. @returns Whether these were all. */
  #tellSome(): boolean {
    let position = 0
    let told = 0
    for (const job of this.#turns.inOrder()) {
      position++
      if (!job.events.isWatched || job.told === this.#telling) continue
      if (told === TOLD_AT_ONCE) return false
      job.told = this.#telling
      if (tell(job, position)) told++
    }
    return true
  }
}

/** @returns Whether there was something to tell. */
function tell(job: QueuedJob, position: number): boolean {
  if (position === 0 || job.position === position) return false
  job.position = position
  job.events.push({ type: 'queued', position })
  return true
}
