import { randomBytes } from 'node:crypto'
import type { InteractionResponseType, InteractionType } from 'discord-api-types/v10'
import type { CheckedModal } from '../checks/modal.js'
import type { StandInClock } from '../clock.js'
import type { JsonObject } from '../json.js'
import { refusals } from '../rest/api-error.js'
import type { Snowflakes } from '../snowflake.js'

/** https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-callback */
const ACKNOWLEDGE_WITHIN_MS = 3000
const TOKEN_LIFETIME_MS = 15 * 60 * 1000

/** Something that a person did with the app, and what the app made of it. */
export interface InteractionRecord {
  readonly id: string
  readonly token: string
  readonly type: InteractionType
  readonly userId: string
  readonly channelId: string
  readonly guildId: string | undefined
  /** Name of the command that began it. */
  readonly command: string | undefined
  /** The message whose component was used, or that a modal came from. */
  readonly sourceMessageId: string | undefined
  /** The message that a message command was used on. */
  readonly targetMessageId: string | undefined
  /** https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-object-authorizing-integration-owners-object */
  readonly owners: JsonObject
  /** Answers are shown to the person alone, whatever the app asks for. */
  readonly alwaysEphemeral: boolean
  readonly createdAtMs: number
  acknowledged: { readonly type: InteractionResponseType; readonly atMs: number } | undefined
  originalMessageId: string | undefined
  readonly followupIds: string[]
  modal: CheckedModal | undefined
  suggestions: JsonObject[] | undefined
}

export type NewInteraction = Omit<
  InteractionRecord,
  | 'id'
  | 'token'
  | 'createdAtMs'
  | 'acknowledged'
  | 'originalMessageId'
  | 'followupIds'
  | 'modal'
  | 'suggestions'
>

/** Every interaction, and which of them still take answers. */
export class InteractionStore {
  readonly #clock: StandInClock
  readonly #ids: Snowflakes
  readonly #byId = new Map<string, InteractionRecord>()
  readonly #byToken = new Map<string, InteractionRecord>()

  constructor(clock: StandInClock, ids: Snowflakes) {
    this.#clock = clock
    this.#ids = ids
  }

  get all(): readonly InteractionRecord[] {
    return [...this.#byId.values()]
  }

  create(details: NewInteraction): InteractionRecord {
    const record: InteractionRecord = {
      ...details,
      id: this.#ids.next(),
      token: randomBytes(48).toString('base64url'),
      createdAtMs: this.#clock.now(),
      acknowledged: undefined,
      originalMessageId: undefined,
      followupIds: [],
      modal: undefined,
      suggestions: undefined,
    }
    this.#byId.set(record.id, record)
    this.#byToken.set(record.token, record)
    return record
  }

  /** The interaction that waits for its first answer.
   * @throws {ApiError} 10062 if it is unknown or waited too long, 40060 if it has its answer.
   */
  waiting(id: string, token: string): InteractionRecord {
    const record = this.#byId.get(id)
    if (record === undefined || record.token !== token) throw refusals.unknownInteraction()
    if (record.acknowledged !== undefined) throw refusals.alreadyAcknowledged()
    if (this.isTooLate(record)) throw refusals.unknownInteraction()
    return record
  }

  isTooLate(record: InteractionRecord): boolean {
    return record.acknowledged === undefined && this.#clock.now() - record.createdAtMs > ACKNOWLEDGE_WITHIN_MS
  }

  /** The acknowledged interaction that a token belongs to.
   * @throws {ApiError} 10015 if there is none, 50027 if the token is over.
   */
  open(token: string): InteractionRecord {
    const record = this.#byToken.get(token)
    if (record?.acknowledged === undefined) throw refusals.unknownWebhook()
    if (this.#clock.now() - record.createdAtMs > TOKEN_LIFETIME_MS) throw refusals.expiredToken()
    return record
  }
}
