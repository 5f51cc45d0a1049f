import type { InteractionResponseType } from 'discord-api-types/v10'
import type { CheckedModal } from '../checks/modal.js'
import type { InteractionRecord } from '../interactions/interaction-store.js'
import { isInteractionMessage } from '../interactions/message-interaction.js'
import type { JsonObject } from '../json.js'
import type { Platform } from '../platform.js'
import { type SeenMessage, seenMessage } from './seen-message.js'
import { until } from './until.js'

/** What a person did with the app, and what came of it so far. */
export class Interaction {
  readonly id: string
  /** Whether a session of the bot was there to hear of it, connected or not. */
  readonly delivered: boolean
  readonly #record: InteractionRecord
  readonly #platform: Platform

  constructor(platform: Platform, record: InteractionRecord, delivered: boolean) {
    this.id = record.id
    this.delivered = delivered
    this.#record = record
    this.#platform = platform
  }

  get record(): Readonly<InteractionRecord> {
    return this.#record
  }

  /** On the stand-in's clock; undefined before the first answer. */
  get acknowledgedAfterMs(): number | undefined {
    const { acknowledged, createdAtMs } = this.#record
    return acknowledged === undefined ? undefined : acknowledged.atMs - createdAtMs
  }

  get answeredWith(): InteractionResponseType | undefined {
    return this.#record.acknowledged?.type
  }

  /** "The application did not respond": three seconds went by without an answer. */
  get failed(): boolean {
    return this.#platform.interactions.isTooLate(this.#record)
  }

  /** The first answer, as the person sees it; undefined before it and once it is deleted. */
  get reply(): SeenMessage | undefined {
    const message = this.#platform.world.messages.get(this.#record.originalMessageId ?? '')
    return message === undefined || message.deleted ? undefined : seenMessage(this.#platform, message)
  }

  get followups(): readonly SeenMessage[] {
    return this.messages.filter(({ id }) => id !== this.#record.originalMessageId)
  }

  /** Every message that answers this, the oldest first, without deleted ones. */
  get messages(): readonly SeenMessage[] {
    return this.#platform.world
      .messagesIn(this.#record.channelId)
      .filter((message) => isInteractionMessage(message, this.#record))
      .map((message) => seenMessage(this.#platform, message))
  }

  /** The form that popped up. */
  get modal(): CheckedModal | undefined {
    return this.#record.modal
  }

  get suggestions(): readonly JsonObject[] | undefined {
    return this.#record.suggestions
  }

  /** Waits for the first answer of any kind. */
  async acknowledged(withinMs = 20_000): Promise<this> {
    await until(() => this.#record.acknowledged !== undefined, {
      withinMs,
      what: `an answer to ${this.#record.command ?? 'a component'}`,
    })
    return this
  }
}
