import { PermissionFlagsBits } from 'discord-api-types/v10'
import type { ChannelRecord, GuildRecord, Pings } from '../world/records.js'
import type { World } from '../world/world.js'

/** https://docs.discord.com/developers/resources/message#allowed-mentions-object */
export interface AllowedMentions {
  readonly parse?: readonly string[]
  readonly users?: readonly string[]
  readonly roles?: readonly string[]
  readonly replied_user?: boolean
}

export interface MentionContext {
  readonly world: World
  readonly channel: ChannelRecord
  /** What the author may do there. */
  readonly permissions: bigint
  readonly allowed: AllowedMentions | undefined
  /** Author of the message that this one replies to. */
  readonly repliedTo: string | undefined
}

export const NO_PINGS: Pings = { everyone: false, users: [], roles: [] }

/**
 * Whom a text names. Text in code blocks counts too: stricter than Discord's clients, because it is undocumented there.
 * https://docs.discord.com/developers/reference#message-formatting
 */
export function mentionsIn(content: string, world: World, guild: GuildRecord | undefined): Pings {
  const ids = (pattern: RegExp) => [...new Set([...content.matchAll(pattern)].map((match) => match[1] ?? ''))]
  return {
    everyone: /@(everyone|here)/.test(content),
    users: ids(/<@!?(\d{1,20})>/g).filter((id) => world.users.has(id)),
    roles: ids(/<@&(\d{1,20})>/g).filter((id) => guild?.roles.has(id) === true && id !== guild.id),
  }
}

/**
 * Whom a text notifies, after `allowed_mentions`: absent it allows everything, and the replied author is notified
 * unless it says otherwise. Everyone, and roles that are not mentionable, need Mention Everyone.
 */
export function pingsOf(content: string, context: MentionContext): Pings {
  const { world, channel, allowed, repliedTo } = context
  const guild = world.guilds.get(channel.guildId ?? '')
  const named = mentionsIn(content, world, guild)
  const mayEveryone = (context.permissions & PermissionFlagsBits.MentionEveryone) !== 0n
  const lets = (kind: 'users' | 'roles', id: string) =>
    allowed === undefined || allowed.parse?.includes(kind) === true || allowed[kind]?.includes(id) === true
  const users = named.users.filter((id) => lets('users', id))
  // With `allowed_mentions` given, the replied author has to be asked for.
  const answered = repliedTo !== undefined && (allowed === undefined || allowed.replied_user === true)
  if (answered && !users.includes(repliedTo)) users.push(repliedTo)
  return {
    everyone:
      named.everyone && mayEveryone && (allowed === undefined || !!allowed.parse?.includes('everyone')),
    users,
    roles: named.roles.filter(
      (id) => lets('roles', id) && (mayEveryone || guild?.roles.get(id)?.mentionable === true),
    ),
  }
}

export function pingsAnyone(pings: Pings): boolean {
  return pings.everyone || pings.users.length > 0 || pings.roles.length > 0
}
