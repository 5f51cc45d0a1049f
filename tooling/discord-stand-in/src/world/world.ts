import { StandInError } from '../stand-in-error.js'
import type { ChannelRecord, GuildRecord, MessageRecord, UserRecord } from './records.js'

export interface ApplicationRecord {
  readonly id: string
  readonly name: string
  readonly ownerId: string
  readonly token: string
  /** Privileged intents that the developer portal has switched on, as a bit set. */
  readonly privilegedIntents: number
}

/** Everything that exists: people, guilds, channels, messages. */
export class World {
  readonly application: ApplicationRecord
  readonly users = new Map<string, UserRecord>()
  readonly guilds = new Map<string, GuildRecord>()
  readonly channels = new Map<string, ChannelRecord>()
  readonly messages = new Map<string, MessageRecord>()

  constructor(application: ApplicationRecord) {
    this.application = application
  }

  get botId(): string {
    return this.application.id
  }

  user(idOrName: string): UserRecord {
    return this.users.get(idOrName) ?? named('user', this.users, idOrName)
  }

  guild(idOrName: string): GuildRecord {
    return this.guilds.get(idOrName) ?? named('guild', this.guilds, idOrName)
  }

  channel(idOrName: string): ChannelRecord {
    return this.channels.get(idOrName) ?? named('channel', this.channels, idOrName)
  }

  /** Whether the app was added to the guild, so that its bot is a member. */
  hasBot(guildId: string | undefined): boolean {
    return guildId !== undefined && this.guilds.get(guildId)?.members.has(this.botId) === true
  }

  /** Messages of a channel that are still there, the oldest first. */
  messagesIn(channelId: string): MessageRecord[] {
    return [...this.messages.values()].filter((one) => one.channelId === channelId && !one.deleted)
  }

  channelsOf(guildId: string): ChannelRecord[] {
    return [...this.channels.values()].filter((channel) => channel.guildId === guildId)
  }

  directChannel(userId: string): ChannelRecord | undefined {
    return [...this.channels.values()].find(
      ({ recipients }) => recipients.includes(userId) && recipients.includes(this.botId),
    )
  }
}

function named<Value extends { readonly name: string }>(
  kind: string,
  all: ReadonlyMap<string, Value>,
  name: string,
): Value {
  const found = [...all.values()].find((one) => one.name === name)
  if (found === undefined) {
    const known = [...all.values()].map((one) => one.name).join(', ')
    throw new StandInError(`No ${kind} named ${name}; there are: ${known || 'none'}`)
  }
  return found
}
