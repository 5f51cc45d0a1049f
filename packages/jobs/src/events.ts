import { CancelledError } from '@longtake/core'
import type { JobEvent } from './types.js'

type Unnumbered<Event> = Event extends unknown ? Omit<Event, 'number'> : never
/** An event before it has its number. */
export type EventBody = Unnumbered<JobEvent>

/** Rough size of an event in memory beside its text. */
const EVENT_BYTES = 96

/** The events of one job, kept for watchers that come late or come back. */
export class Events {
  #kept: JobEvent[] = []
  #last: number
  #bytes = 0
  #failure: Error | undefined
  readonly #watches = new Set<Watch>()
  /** Called when the number of watchers has become, or is no longer, zero. */
  onWatched: (watched: boolean) => void = () => {}

  /** @param base - All numbers are above it. */
  constructor(base: number) {
    this.#last = base
  }

  get last(): number {
    return this.#last
  }

  /** Roughly what is kept in memory. */
  get bytes(): number {
    return this.#bytes
  }

  get isWatched(): boolean {
    return this.#watches.size > 0
  }

  push(body: EventBody): void {
    const previous = this.#kept.at(-1)
    // Only the latest position or progress matters, so a slow watcher costs no memory.
    if (previous && (body.type === 'queued' || body.type === 'progress') && previous.type === body.type) {
      this.#drop(this.#kept.pop())
    }
    const event = { ...body, number: ++this.#last } as JobEvent
    this.#kept.push(event)
    this.#bytes += sizeOf(event)
    for (const watch of this.#watches) watch.wake()
  }

  /** Forgets all but the latest event. */
  trim(): void {
    for (const event of this.#kept.splice(0, this.#kept.length - 1)) this.#drop(event)
  }

  /** Ends all watches, now and to come, after what they have not read yet. */
  fail(error: Error): void {
    this.#failure ??= error
    for (const watch of this.#watches) watch.wake()
  }

  watch(after: number, signal: AbortSignal | undefined): AsyncIterableIterator<JobEvent> {
    return new Watch(this, Math.min(after, this.#last), signal)
  }

  /** The first event after a number. A number that is not kept any more is followed by the next that is. */
  after(number: number): JobEvent | undefined {
    let index = 0
    for (let end = this.#kept.length; index < end; ) {
      const middle = (index + end) >> 1
      if ((this.#kept[middle] as JobEvent).number > number) end = middle
      else index = middle + 1
    }
    const latest = this.#kept.at(-1)
    return this.#kept[index] ?? (latest && isEnd(latest) ? latest : undefined)
  }

  get failure(): Error | undefined {
    return this.#failure
  }

  enter(watch: Watch): void {
    this.#watches.add(watch)
    if (this.#watches.size === 1) this.onWatched(true)
  }

  leave(watch: Watch): void {
    if (this.#watches.delete(watch) && this.#watches.size === 0) this.onWatched(false)
  }

  #drop(event: JobEvent | undefined): void {
    if (event) this.#bytes -= sizeOf(event)
  }
}

/** One reader of a job's events. Written out because a generator cannot be left while it waits. */
class Watch implements AsyncIterableIterator<JobEvent> {
  readonly #events: Events
  readonly #signal: AbortSignal | undefined
  #seen: number
  #entered = false
  #ended = false
  /** What the next reading throws. */
  #error: Error | undefined
  #waiting: { resolve(result: IteratorResult<JobEvent>): void; reject(error: Error): void }[] = []

  constructor(events: Events, after: number, signal: AbortSignal | undefined) {
    this.#events = events
    this.#seen = after
    this.#signal = signal
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<JobEvent>> {
    if (!this.#entered && !this.#ended) {
      this.#entered = true
      this.#events.enter(this)
      this.#signal?.addEventListener('abort', this.wake)
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
      this.wake()
    })
  }

  return(): Promise<IteratorResult<JobEvent>> {
    this.#end()
    return Promise.resolve({ done: true, value: undefined })
  }

  readonly wake = (): void => {
    if (!this.#ended && this.#signal?.aborted) {
      this.#end(new CancelledError(undefined, { cause: this.#signal.reason }))
    }
    while (this.#waiting.length > 0 && !this.#ended) {
      const event = this.#events.after(this.#seen)
      if (event) {
        this.#seen = event.number
        this.#waiting.shift()?.resolve({ done: false, value: event })
        if (isEnd(event)) this.#end()
      } else if (this.#events.failure) this.#end(this.#events.failure)
      else return
    }
    if (this.#ended) this.#settle()
  }

  #end(error?: Error): void {
    this.#ended = true
    this.#error = error
    this.#signal?.removeEventListener('abort', this.wake)
    if (this.#entered) this.#events.leave(this)
    this.#settle()
  }

  #settle(): void {
    for (const { resolve, reject } of this.#waiting.splice(0)) {
      const error = this.#error
      this.#error = undefined
      if (error) reject(error)
      else resolve({ done: true, value: undefined })
    }
  }
}

/** Whether nothing follows an event. */
function isEnd(event: JobEvent): boolean {
  return event.type === 'done' || event.type === 'failed' || event.type === 'cancelled'
}

function sizeOf(event: JobEvent): number {
  return EVENT_BYTES + (event.type === 'token' ? 2 * event.text.length : 0)
}
