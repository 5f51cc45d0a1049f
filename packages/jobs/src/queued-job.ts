import type { JobReason } from '@longtake/core'
import { Events } from './events.js'
import type { StoredJob } from './store.js'
import type { Json } from './types.js'

/** Numbers of events that a job may have between two openings of the folder. */
const EVENTS_PER_GENERATION = 1_000_000_000

/** A job in the hands of the in-process engine. */
export class QueuedJob {
  readonly stored: StoredJob
  readonly events: Events
  /** Of its JSON text. */
  readonly payloadBytes: number
  /** Where it stands, until it has ended. */
  state: 'accepting' | 'queued' | 'running' = 'accepting'
  /** Whether its end is decided; it is told once it is written. */
  isEnding: boolean
  /** Whether it is left to the next process. */
  isHandedBack = false
  /** The position that watchers were told last. */
  position = 0
  /** Number of the telling in which that was. */
  told = 0
  progress: Json | undefined
  /** Of the running handler. */
  abort: AbortController | undefined
  deadline: NodeJS.Timeout | undefined
  abandonment: NodeJS.Timeout | undefined
  /** Settles when the job is written down. */
  accepted: Promise<void> = Promise.resolve()

  constructor(stored: StoredJob, generation: number) {
    this.stored = stored
    this.isEnding = stored.end !== undefined
    this.payloadBytes = Buffer.byteLength(stored.payload ?? '')
    this.events = new Events(generation * EVENTS_PER_GENERATION)
  }

  get key(): string {
    return this.stored.key
  }

  get priority(): number {
    return this.stored.priority
  }

  get sequence(): number {
    return this.stored.sequence
  }

  /** Tells watchers how it ended, once that is stored. */
  tellEnd(): void {
    const { end } = this.stored
    if (end?.state === 'done') this.events.push({ type: 'done', result: JSON.parse(end.result) as Json })
    else if (end?.state === 'failed') this.events.push({ type: 'failed', reason: end.reason })
    else if (end) this.events.push({ type: 'cancelled' })
  }

  /** @param reason - What the handler's signal fires with. */
  stopRunning(reason: Error): void {
    clearTimeout(this.deadline)
    clearTimeout(this.abandonment)
    this.abort?.abort(reason)
  }
}

/** The end of a job that failed. */
export function failed(code: string, message: string): { state: 'failed'; reason: JobReason } {
  return { state: 'failed', reason: { code, message } }
}
