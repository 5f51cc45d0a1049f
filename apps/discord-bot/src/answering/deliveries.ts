import { setTimeout as sleep } from 'node:timers/promises'
import type { QuestionRecord } from '../store/question.js'
import { Delivery, type DeliveryKit } from './delivery.js'

/** As long as somebody may wait to see that their question has ended. */
const END_MS = 3000
/** Discord's limits of messages begin anew after that long. */
const LIMITS_MS = 5000

/** The questions that are being answered. */
export class Deliveries {
  readonly #kit: DeliveryKit
  readonly #running = new Map<string, { readonly delivery: Delivery; readonly done: Promise<void> }>()
  readonly #closing = new AbortController()

  constructor(kit: DeliveryKit) {
    this.#kit = kit
  }

  /** Goes on with what an earlier process left. */
  resume(): number {
    const records = this.#kit.store.questions.open()
    for (const record of records) {
      const delivery = new Delivery(this.#kit, record, true)
      this.#run(delivery, record, this.#afterRestart(delivery))
    }
    return records.length
  }

  /** What the earlier process used up of limits is not known: nothing is written until they have begun anew. */
  async #afterRestart(delivery: Delivery): Promise<void> {
    await delivery.acknowledge().catch(() => {})
    await sleep(LIMITS_MS, undefined, { signal: this.#closing.signal })
  }

  /** Follows a new question, once Discord knows that it is taken on. */
  async start(record: QuestionRecord): Promise<void> {
    if (this.#running.has(record.question.id)) return
    const delivery = new Delivery(this.#kit, record, false)
    const acknowledged = delivery.acknowledge()
    this.#run(delivery, record, acknowledged)
    // What could not be told now is told with the first state of the work.
    await acknowledged.catch(() => {})
  }

  /** Ends the work on a question. */
  async cancel(id: string): Promise<boolean> {
    return (await this.#running.get(id)?.delivery.cancel()) ?? false
  }

  /** Ends the work on a question, and waits until that is shown. */
  async end(id: string): Promise<void> {
    const running = this.#running.get(id)
    await running?.delivery.cancel()
    await Promise.race([running?.done, sleep(END_MS, undefined, { ref: false })])
  }

  /**
   * Lets answers that are ready be written, and stops; a later process goes on with the rest. The queue has to be closed.
   *
   * @param withinMs - For what is being written.
   */
  async close(withinMs: number): Promise<void> {
    this.#closing.abort()
    const all = Promise.all([...this.#running.values()].map(({ done }) => done))
    const stop = setTimeout(() => {
      for (const { delivery } of this.#running.values()) delivery.stop()
    }, withinMs)
    await all
    clearTimeout(stop)
  }

  #run(
    delivery: Delivery,
    { question: { id } }: QuestionRecord,
    ready: Promise<void> = Promise.resolve(),
  ): void {
    if (this.#closing.signal.aborted) return
    const done = ready
      .catch((error: unknown) => {
        if (!this.#closing.signal.aborted)
          this.#kit.log.warn({ question: id, err: error }, 'not acknowledged yet')
      })
      .then(() => delivery.run())
      .finally(() => this.#running.delete(id))
    this.#running.set(id, { delivery, done })
  }
}
