import { type PermissionFlagsBits, PermissionsBitField } from 'discord.js'
import { NEEDED_PERMISSIONS, type NeededPermission } from '../commands/invite.js'
import type { GuildSettings } from '../store/settings.js'
import { RefusedError } from './refused-error.js'

/** A channel, and who asks in it. */
export interface AskedPlace {
  readonly isThread: boolean
  /** The channel, the one a thread is in, and the category; a list of channels may name any of them. */
  readonly channelIds: readonly (string | null)[]
  readonly roleIds: readonly string[]
  /** What the bot may do there. */
  readonly own: Readonly<PermissionsBitField>
  /** Whether the asker may manage the server. */
  readonly isManager: boolean
}

/** Names of what the bot lacks in a channel to answer there. */
export function missingPermissions(own: Readonly<PermissionsBitField>, isThread: boolean): readonly string[] {
  return (Object.keys(NEEDED_PERMISSIONS) as NeededPermission[])
    .filter((name) => name !== (isThread ? 'SendMessages' : 'SendMessagesInThreads'))
    .filter((name: keyof typeof PermissionFlagsBits) => !own.has(PermissionsBitField.Flags[name]))
    .map((name) => NEEDED_PERMISSIONS[name])
}

/**
 * Checks that somebody may ask in a channel of a server, and that the bot may answer there.
 *
 * @throws {RefusedError}
 */
export function requirePlace(place: AskedPlace, settings: GuildSettings): void {
  const missing = missingPermissions(place.own, place.isThread)
  if (missing.length > 0) throw new RefusedError('permissions', missing.join(', '))
  const { channels, roles } = settings
  if (channels.length > 0 && !place.channelIds.some((id) => id !== null && channels.includes(id)))
    throw new RefusedError('channel')
  if (roles.length > 0 && !place.isManager && !place.roleIds.some((id) => roles.includes(id)))
    throw new RefusedError('role')
}
