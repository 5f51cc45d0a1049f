import { ChannelType, PermissionFlagsBits } from 'discord-api-types/v10'
import type { Platform } from '../platform.js'
import { refusals } from '../rest/api-error.js'
import { hasAll, permissionsIn } from '../world/permissions.js'
import type { ChannelRecord, GuildRecord, MessageRecord } from '../world/records.js'

/** What the bot may do in a channel. */
export function botPermissions({ world, clock }: Platform, channel: ChannelRecord): bigint {
  return permissionsIn(world, channel, world.botId, clock.now())
}

/** A channel that the bot may see.
 * @throws {ApiError} 10003 if there is none, 50001 if the bot may not see it.
 */
export function visibleChannel(platform: Platform, id: string): ChannelRecord {
  const channel = platform.world.channels.get(id)
  if (channel === undefined) throw refusals.unknownChannel()
  if (!hasAll(botPermissions(platform, channel), PermissionFlagsBits.ViewChannel)) {
    throw refusals.missingAccess()
  }
  return channel
}

/** @throws {ApiError} 50013 unless the bot may do all of it. */
export function requirePermissions(platform: Platform, channel: ChannelRecord, wanted: bigint): void {
  if (!hasAll(botPermissions(platform, channel), wanted)) throw refusals.missingPermissions()
}

/** A guild that the bot is in.
 * @throws {ApiError} 10004 if there is none, 50001 if the bot is not in it.
 */
export function botGuild(platform: Platform, id: string): GuildRecord {
  const guild = platform.world.guilds.get(id)
  if (guild === undefined) throw refusals.unknownGuild()
  if (!platform.world.hasBot(id)) throw refusals.missingAccess()
  return guild
}

/** A message of a channel that others see too.
 * @throws {ApiError} 10008 if there is none.
 */
export function publicMessage(platform: Platform, channel: ChannelRecord, id: string): MessageRecord {
  const message = platform.world.messages.get(id)
  const there = message !== undefined && !message.deleted && message.ephemeralFor === undefined
  if (!there || message.channelId !== channel.id) throw refusals.unknownMessage()
  return message
}

export function isThread(channel: ChannelRecord): boolean {
  return channel.thread !== undefined
}

/** The permission that sending needs here. https://docs.discord.com/developers/topics/threads#permissions */
export function sendingPermission(channel: ChannelRecord): bigint {
  return isThread(channel) ? PermissionFlagsBits.SendMessagesInThreads : PermissionFlagsBits.SendMessages
}

/** Kinds of channels that hold messages. */
export function takesMessages({ type }: ChannelRecord): boolean {
  return type !== ChannelType.GuildCategory && type !== ChannelType.GuildForum
}
