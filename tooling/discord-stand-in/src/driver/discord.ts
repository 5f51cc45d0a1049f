import type { StandInClock } from '../clock.js'
import type { CommandRecord } from '../commands/command-store.js'
import type { Faults } from '../faults.js'
import type { Gateway, GatewayCounts } from '../gateway/gateway.js'
import type { InteractionRecord } from '../interactions/interaction-store.js'
import type { JsonObject } from '../json.js'
import { pingsAnyone } from '../messages/mentions.js'
import { unfurlMessage } from '../messages/post-message.js'
import type { Platform } from '../platform.js'
import type { LoggedRequest, RestServer } from '../rest/rest-server.js'
import { StandInError } from '../stand-in-error.js'
import type { ChannelRecord } from '../world/records.js'
import { type MessageTarget, Person } from './person.js'
import { type SeenMessage, seenMessage } from './seen-message.js'
import { type UntilOptions, until } from './until.js'
import { WorldEditor } from './world-editor.js'

interface DiscordParts {
  readonly platform: Platform
  readonly gateway: Gateway
  readonly rest: RestServer
  readonly faults: Faults
  readonly origin: string
  readonly close: () => Promise<void>
}

/** What the bot did, in numbers. */
export interface Counts extends GatewayCounts {
  readonly requests: number
  /** 429s that the bot brought on itself. */
  readonly selfInflictedRateLimits: number
  /** 429s that were ordered. */
  readonly injectedRateLimits: number
  /** Other ordered faults of requests. */
  readonly injectedFaults: number
  /** 401, 403 and 429 answers. https://docs.discord.com/developers/topics/rate-limits#invalid-request-limit-aka-cloudflare-bans */
  readonly invalidRequests: number
}

/** A Discord on this machine: what tests hold in their hands. */
export class Discord {
  /** Options for discord.js's `Client`: `new Client({ intents, rest: discord.rest })`. */
  readonly rest: { readonly api: string; readonly cdn: string }
  readonly token: string
  readonly applicationId: string
  readonly clock: StandInClock
  /** Connections of the bot: `drop`, `close`, `reconnect`, `invalidate`, `zombify`. */
  readonly gateway: Gateway
  /** Faults of requests. */
  readonly faults: Faults
  /** Changes what there is while the bot runs. */
  readonly world: WorldEditor
  readonly #parts: DiscordParts

  constructor(parts: DiscordParts) {
    const { platform, origin } = parts
    this.#parts = parts
    this.rest = { api: `${origin}/api`, cdn: origin }
    this.token = platform.world.application.token
    this.applicationId = platform.world.application.id
    this.clock = platform.clock
    this.gateway = parts.gateway
    this.faults = parts.faults
    this.world = new WorldEditor(platform)
  }

  /** Somebody, by name or id. */
  user(idOrName: string): Person {
    return new Person(this.#parts.platform, this.#parts.platform.world.user(idOrName))
  }

  guildId(name: string): string {
    return this.#parts.platform.world.guild(name).id
  }

  channel(idOrName: string): Readonly<ChannelRecord> {
    return this.#parts.platform.world.channel(idOrName)
  }

  /** Every message, of one channel or of all, whoever sees it, deleted ones too; the oldest first. */
  messages(channelName?: string): SeenMessage[] {
    const { world } = this.#parts.platform
    const channelId = channelName === undefined ? undefined : world.channel(channelName).id
    return [...world.messages.values()]
      .filter((message) => channelId === undefined || message.channelId === channelId)
      .map((message) => seenMessage(this.#parts.platform, message))
  }

  /** The bot's messages that notified somebody. */
  get botPings(): SeenMessage[] {
    return this.messages().filter(({ fromBot, pings }) => fromBot && pingsAnyone(pings))
  }

  get interactions(): readonly Readonly<InteractionRecord>[] {
    return this.#parts.platform.interactions.all
  }

  /** The registered commands, global or of a guild. */
  commands(guildName?: string): readonly CommandRecord[] {
    return this.#parts.platform.commands.list(guildName === undefined ? undefined : this.guildId(guildName))
  }

  get requests(): readonly LoggedRequest[] {
    return this.#parts.rest.requests
  }

  get counts(): Counts {
    const { requests } = this
    const limited = requests.filter(({ status }) => status === 429)
    return {
      ...this.gateway.counts,
      requests: requests.length,
      selfInflictedRateLimits: limited.filter(({ injected }) => !injected).length,
      injectedRateLimits: limited.filter(({ injected }) => injected).length,
      injectedFaults: requests.filter(({ injected, status }) => injected && status !== 429).length,
      invalidRequests: requests.filter(({ status }) => [401, 403, 429].includes(status)).length,
    }
  }

  /** Adds to a message what Discord makes of the links in it. */
  unfurl(target: MessageTarget, embeds: readonly JsonObject[]): void {
    unfurlMessage(this.#parts.platform, typeof target === 'string' ? target : target.id, embeds)
  }

  /** Waits until `probe` gives something, and gives that. */
  until<Value>(probe: () => Value, options?: UntilOptions): Promise<NonNullable<Exclude<Value, false>>> {
    return until(probe, options)
  }

  /** Waits until a bot is connected and identified. */
  async ready(withinMs = 15_000): Promise<void> {
    await until(() => this.gateway.ready, { withinMs, what: 'a bot that is connected' })
  }

  /** Ends every connection; nothing is left open.
   * @throws {StandInError} If the stand-in itself failed at something.
   */
  async close(): Promise<void> {
    await this.#parts.close()
    const [cause] = this.#parts.rest.broken
    if (cause !== undefined) throw new StandInError(`The stand-in failed: ${String(cause)}`, { cause })
  }
}
