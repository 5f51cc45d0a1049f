import type { QuestionRecord } from '../store/question.js'
import { Delivery, type DeliveryKit } from './delivery.js'

/** The questions that are being answered. */
export class Deliveries {
  readonly #kit: DeliveryKit
  readonly #running = new Map<string, { readonly delivery: Delivery; readonly done: Promise<void> }>()
  #isClosed = false

  constructor(kit: DeliveryKit) {
    this.#kit = kit
  }

  /** Goes on with what an earlier process left. */
  resume(): number {
    const records = this.#kit.store.questions.open()
    for (const record of records) this.#run(new Delivery(this.#kit, record, true), record)
    return records.length
  }

  /** Follows a new question, once Discord knows that it is taken on. */
  async start(record: QuestionRecord): Promise<void> {
    if (this.#running.has(record.question.id)) return
    const delivery = new Delivery(this.#kit, record, false)
    this.#run(delivery, record, delivery.acknowledge())
  }

  /** Ends the work on a question. */
  async cancel(id: string): Promise<boolean> {
    return (await this.#running.get(id)?.delivery.cancel()) ?? false
  }

  /** Stops writing; a later process goes on. Jobs have to be handed back before. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const { delivery } of this.#running.values()) delivery.stop()
    await Promise.all([...this.#running.values()].map(({ done }) => done))
  }

  #run(delivery: Delivery, { question: { id } }: QuestionRecord, ready: Promise<void> = Promise.resolve()): void {
    if (this.#isClosed) return
    const done = ready
      .catch((error: unknown) => this.#kit.log.warn({ question: id, err: error }, 'not acknowledged yet'))
      .then(() => delivery.run())
      .finally(() => this.#running.delete(id))
    this.#running.set(id, { delivery, done })
  }
}
