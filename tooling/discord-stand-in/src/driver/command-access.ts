import { PermissionFlagsBits } from 'discord-api-types/v10'
import type { CommandRecord } from '../commands/command-store.js'
import type { JsonObject } from '../json.js'
import type { Platform } from '../platform.js'
import { StandInError } from '../stand-in-error.js'
import { hasAll, permissionsIn } from '../world/permissions.js'
import type { ChannelRecord, UserRecord } from '../world/records.js'

/**
 * A command as a client offers it to somebody in a channel, with who authorised it.
 * https://docs.discord.com/developers/interactions/application-commands#contexts
 * @throws {StandInError} Where the client would not offer it.
 */
export function offeredCommand(
  platform: Platform,
  user: UserRecord,
  channel: ChannelRecord,
  name: string,
  type: number,
): { readonly command: CommandRecord; readonly owners: JsonObject } {
  const command = platform.commands.named(name, type, channel.guildId)
  const refuse = (why: string) => new StandInError(`${user.name} is not offered ${name} there: ${why}`)
  if (command === undefined) throw refuse('it is not registered')
  const { contexts } = command
  const context = channel.guildId === undefined ? 1 : 0
  if (Array.isArray(contexts) && !contexts.includes(context)) throw refuse('not in this kind of channel')
  const owners = ownersOf(platform, user, channel, command.integration_types)
  if (Object.keys(owners).length === 0) throw refuse('the app is not installed for it')
  const permissions = permissionsIn(platform.world, channel, user.id, platform.clock.now())
  if (!hasAll(permissions, PermissionFlagsBits.ViewChannel)) throw refuse('the channel is hidden')
  if (!hasAll(permissions, PermissionFlagsBits.UseApplicationCommands)) throw refuse('no app commands here')
  const needed = command.default_member_permissions
  if (channel.guildId !== undefined && typeof needed === 'string') {
    const allowed = needed === '0' ? PermissionFlagsBits.Administrator : BigInt(needed)
    if (!hasAll(permissions, allowed)) throw refuse('it needs other permissions')
  }
  if (command.nsfw === true && !channel.ageRestricted) throw refuse('it is for age-restricted channels')
  return { command, owners }
}

/** https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-object-authorizing-integration-owners-object */
function ownersOf(
  { world }: Platform,
  user: UserRecord,
  channel: ChannelRecord,
  integrationTypes: unknown,
): JsonObject {
  const types: readonly unknown[] = Array.isArray(integrationTypes) ? integrationTypes : [0]
  const inGuild = channel.guildId !== undefined
  const installed = inGuild ? world.hasBot(channel.guildId) : true
  return {
    ...(types.includes(0) && installed && { 0: channel.guildId ?? '0' }),
    ...(types.includes(1) && user.installedApp && { 1: user.id }),
  }
}

/** Whether what the app answers is forced to be for the person alone. https://docs.discord.com/developers/topics/permissions#permissions-bitwise-permission-flags */
export function answersAlone(
  platform: Platform,
  user: UserRecord,
  channel: ChannelRecord,
  owners: JsonObject,
): boolean {
  if ('0' in owners || channel.guildId === undefined) return false
  const permissions = permissionsIn(platform.world, channel, user.id, platform.clock.now())
  return !hasAll(permissions, PermissionFlagsBits.UseExternalApps)
}
