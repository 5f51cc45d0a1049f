import { randomBytes } from 'node:crypto'
import { GatewayOpcodes } from 'discord-api-types/v10'
import { readableMessage } from '../messages/content-access.js'
import type { GatewayEvent } from '../platform.js'
import { hears, readsContent } from './intents.js'

/** Events that a session keeps for a client that comes back; a client further behind has to identify anew. */
const MOST_KEPT_EVENTS = 10_000

/** A frame of the gateway. https://docs.discord.com/developers/events/gateway-events#payload-structure */
export interface Frame {
  readonly op: GatewayOpcodes
  readonly d?: unknown
  readonly s?: number | null
  readonly t?: string | null
}

/** Where a session's frames go while a client is connected. */
export interface FrameSink {
  send(frame: Frame): void
}

/** One identified client, across its connections. */
export class Session {
  readonly id = randomBytes(16).toString('hex')
  readonly intents: number
  readonly #botId: string
  readonly #kept: Frame[] = []
  #sequence = 0
  #sink: FrameSink | undefined
  /** When the last connection was lost, on the stand-in's clock; undefined while there is one. */
  lostAtMs: number | undefined

  constructor(intents: number, botId: string) {
    this.intents = intents
    this.#botId = botId
  }

  get connected(): boolean {
    return this.#sink !== undefined
  }

  get sequence(): number {
    return this.#sequence
  }

  attach(sink: FrameSink): void {
    this.#sink = sink
    this.lostAtMs = undefined
  }

  /** Lets go of a connection, if it is still this session's. */
  detach(sink: FrameSink, nowMs: number): void {
    if (this.#sink !== sink) return
    this.#sink = undefined
    this.lostAtMs = nowMs
  }

  /** Sends an event, or keeps it for later, if the intents ask for it. Answers whether they do. */
  dispatch(event: GatewayEvent): boolean {
    const inGuild = event.guildId !== undefined
    if (!hears(this.intents, event.name, inGuild)) return false
    const hidden = /^MESSAGE_(CREATE|UPDATE)$/.test(event.name) && !readsContent(this.intents)
    this.#sequence += 1
    const frame: Frame = {
      op: GatewayOpcodes.Dispatch,
      t: event.name,
      s: this.#sequence,
      d: hidden ? readableMessage(event.data, this.#botId, inGuild) : event.data,
    }
    this.#kept.push(frame)
    if (this.#kept.length > MOST_KEPT_EVENTS) this.#kept.shift()
    this.#sink?.send(frame)
    return true
  }

  /** Whether everything after `sequence` is still there to be sent again. */
  canReplay(sequence: number): boolean {
    const first = this.#kept[0]?.s ?? 1
    return sequence <= this.#sequence && sequence >= first - 1
  }

  /** Sends what a client missed, in order. https://docs.discord.com/developers/events/gateway#resuming */
  replay(sequence: number): number {
    const missed = this.#kept.filter(({ s }) => (s ?? 0) > sequence)
    for (const frame of missed) this.#sink?.send(frame)
    return missed.length
  }
}
