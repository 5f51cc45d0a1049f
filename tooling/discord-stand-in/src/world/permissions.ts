import { PermissionFlagsBits } from 'discord-api-types/v10'
import type { ChannelRecord, GuildRecord, MemberRecord } from './records.js'
import type { World } from './world.js'

const ALL = Object.values(PermissionFlagsBits).reduce((bits, bit) => bits | bit, 0n)

/** What somebody with a time-out keeps. https://docs.discord.com/developers/topics/permissions#permissions-for-timed-out-members */
const TIMED_OUT = PermissionFlagsBits.ViewChannel | PermissionFlagsBits.ReadMessageHistory

/** Denied along with sending. https://docs.discord.com/developers/topics/permissions#implicit-permissions */
const NEEDS_SENDING =
  PermissionFlagsBits.MentionEveryone |
  PermissionFlagsBits.SendTTSMessages |
  PermissionFlagsBits.AttachFiles |
  PermissionFlagsBits.EmbedLinks

/** What an app may do in direct messages. https://docs.discord.com/developers/interactions/receiving-and-responding */
const DIRECT =
  PermissionFlagsBits.ViewChannel |
  PermissionFlagsBits.SendMessages |
  PermissionFlagsBits.ReadMessageHistory |
  PermissionFlagsBits.EmbedLinks |
  PermissionFlagsBits.AttachFiles |
  PermissionFlagsBits.AddReactions |
  PermissionFlagsBits.UseExternalEmojis |
  PermissionFlagsBits.MentionEveryone |
  PermissionFlagsBits.UseApplicationCommands |
  PermissionFlagsBits.UseExternalApps

/** What a new guild allows to everyone, as far as it matters here. */
export const EVERYONE_PERMISSIONS =
  PermissionFlagsBits.ViewChannel |
  PermissionFlagsBits.SendMessages |
  PermissionFlagsBits.SendMessagesInThreads |
  PermissionFlagsBits.CreatePublicThreads |
  PermissionFlagsBits.EmbedLinks |
  PermissionFlagsBits.AttachFiles |
  PermissionFlagsBits.AddReactions |
  PermissionFlagsBits.UseExternalEmojis |
  PermissionFlagsBits.ReadMessageHistory |
  PermissionFlagsBits.UseApplicationCommands |
  PermissionFlagsBits.UseExternalApps

export function hasAll(permissions: bigint, wanted: bigint): boolean {
  return (permissions & wanted) === wanted
}

/**
 * Permissions of somebody in a channel; none for who is not there. A thread has those of the channel around it.
 * https://docs.discord.com/developers/topics/permissions#permission-overwrites
 */
export function permissionsIn(world: World, channel: ChannelRecord, userId: string, nowMs: number): bigint {
  if (channel.guildId === undefined) return channel.recipients.includes(userId) ? DIRECT : 0n
  const guild = world.guilds.get(channel.guildId)
  const member = guild?.members.get(userId)
  if (guild === undefined || member === undefined) return 0n
  const holder = channel.thread === undefined ? channel : world.channels.get(channel.parentId ?? '')
  if (holder === undefined) return 0n
  const base = guildPermissions(guild, member)
  if (base === ALL) return ALL
  return withImplied(overwritten(base, guild, holder, member), member, nowMs)
}

/** Permissions in the guild as a whole, before a channel's overwrites. */
function guildPermissions(guild: GuildRecord, member: MemberRecord): bigint {
  if (guild.ownerId === member.userId) return ALL
  const held = [guild.id, ...member.roles].reduce(
    (bits, id) => bits | (guild.roles.get(id)?.permissions ?? 0n),
    0n,
  )
  return hasAll(held, PermissionFlagsBits.Administrator) ? ALL : held
}

function overwritten(base: bigint, guild: GuildRecord, channel: ChannelRecord, member: MemberRecord): bigint {
  const everyone = channel.overwrites.filter(({ id }) => id === guild.id)
  const roles = channel.overwrites.filter(({ id, type }) => type === 0 && member.roles.includes(id))
  const own = channel.overwrites.filter(({ id, type }) => type === 1 && id === member.userId)
  return [everyone, roles, own].reduce((bits, level) => {
    const deny = level.reduce((all, one) => all | one.deny, 0n)
    const allow = level.reduce((all, one) => all | one.allow, 0n)
    return (bits & ~deny) | allow
  }, base)
}

function withImplied(permissions: bigint, member: MemberRecord, nowMs: number): bigint {
  if (!hasAll(permissions, PermissionFlagsBits.ViewChannel)) return 0n
  const sending = PermissionFlagsBits.SendMessages | PermissionFlagsBits.SendMessagesInThreads
  const sendable = (permissions & sending) === 0n ? permissions & ~NEEDS_SENDING : permissions
  return member.timedOutUntilMs > nowMs ? sendable & TIMED_OUT : sendable
}
