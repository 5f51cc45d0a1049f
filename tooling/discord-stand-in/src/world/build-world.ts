import { ChannelType, GatewayIntentBits, type Locale, PermissionFlagsBits } from 'discord-api-types/v10'
import type { StandInClock } from '../clock.js'
import type { Snowflakes } from '../snowflake.js'
import { EVERYONE_PERMISSIONS } from './permissions.js'
import type { ChannelRecord, GuildRecord, OverwriteRecord, RoleRecord } from './records.js'
import { World } from './world.js'

export type PermissionName = keyof typeof PermissionFlagsBits
export type PrivilegedIntent = 'GuildMembers' | 'GuildPresences' | 'MessageContent'

export interface UserOptions {
  readonly name: string
  readonly displayName?: string
  readonly bot?: boolean
  readonly locale?: `${Locale}`
  /** Whether the person added the app to the own account; default no. */
  readonly installedApp?: boolean
  /** Default yes. */
  readonly takesDirectMessages?: boolean
}

export interface OverwriteOptions {
  /** Name of a role, `everyone`, name of a user, or `bot` for the app's own bot. */
  readonly for: string
  readonly allow?: readonly PermissionName[]
  readonly deny?: readonly PermissionName[]
}

export interface ChannelOptions {
  readonly name: string
  /** Default a text channel. */
  readonly type?: ChannelType.GuildText | ChannelType.GuildAnnouncement | ChannelType.GuildVoice
  readonly ageRestricted?: boolean
  readonly overwrites?: readonly OverwriteOptions[]
}

export interface GuildOptions {
  readonly name: string
  /** Name of the user who owns it; default the first member. */
  readonly owner?: string
  readonly locale?: `${Locale}`
  readonly roles?: readonly {
    readonly name: string
    readonly permissions?: readonly PermissionName[]
    readonly mentionable?: boolean
  }[]
  /** Names of users, or users with names of roles; default everybody. */
  readonly members?: readonly (string | { readonly user: string; readonly roles?: readonly string[] })[]
  readonly channels?: readonly ChannelOptions[]
  /** What everyone may do; default what a new guild allows. */
  readonly everyone?: readonly PermissionName[]
  /** Whether the app was added; default yes. */
  readonly bot?: boolean
  /** What the bot's own role adds to everyone's permissions. */
  readonly botPermissions?: readonly PermissionName[]
}

export interface WorldOptions {
  /** The bot's token; default one that the stand-in makes up. */
  readonly token?: string
  readonly applicationName?: string
  /** Privileged intents that are switched on in the developer portal; default all. */
  readonly privilegedIntents?: readonly PrivilegedIntent[]
  readonly users?: readonly UserOptions[]
  readonly guilds?: readonly GuildOptions[]
}

export function buildWorld(options: WorldOptions, ids: Snowflakes, clock: StandInClock): World {
  const applicationId = ids.next()
  const ownerId = ids.next()
  const privileged = options.privilegedIntents ?? ['GuildMembers', 'GuildPresences', 'MessageContent']
  const world = new World({
    id: applicationId,
    name: options.applicationName ?? 'Longtake',
    ownerId,
    token: options.token ?? `${Buffer.from(applicationId).toString('base64url')}.stand.in`,
    privilegedIntents: privileged.reduce((bits, name) => bits | GatewayIntentBits[name], 0),
  })
  addUser(world, applicationId, { name: world.application.name, bot: true })
  addUser(world, ownerId, { name: 'operator' })
  for (const user of options.users ?? []) addUser(world, ids.next(), user)
  for (const guild of options.guilds ?? []) addGuild(world, guild, ids, clock)
  return world
}

function addUser(world: World, id: string, options: UserOptions): void {
  world.users.set(id, {
    id,
    name: options.name,
    displayName: options.displayName ?? options.name,
    bot: options.bot ?? false,
    locale: options.locale ?? 'en-US',
    installedApp: options.installedApp ?? false,
    takesDirectMessages: options.takesDirectMessages ?? true,
  })
}

function addGuild(world: World, options: GuildOptions, ids: Snowflakes, clock: StandInClock): void {
  const people = [...world.users.values()].filter(({ bot, id }) => !bot && id !== world.application.ownerId)
  const members = (options.members ?? people.map(({ name }) => name)).map((one) =>
    typeof one === 'string' ? { user: one, roles: [] } : { user: one.user, roles: one.roles ?? [] },
  )
  const id = ids.next()
  const roles = guildRoles(options, id, ids)
  const guild: GuildRecord = {
    id,
    name: options.name,
    ownerId: world.user(options.owner ?? members[0]?.user ?? 'operator').id,
    locale: options.locale ?? 'en-US',
    roles: new Map(roles.map((role) => [role.id, role])),
    members: new Map(),
  }
  world.guilds.set(id, guild)
  for (const { user, roles: names } of members) {
    const held = roles.filter((role) => names.includes(role.name)).map((role) => role.id)
    addMember(guild, world.user(user).id, held, clock)
  }
  if (!guild.members.has(guild.ownerId)) addMember(guild, guild.ownerId, [], clock)
  if (options.bot ?? true) {
    const own = roleOf(world.application.name, roles.length, options.botPermissions ?? [], ids.next())
    guild.roles.set(own.id, { ...own, managed: true })
    addMember(guild, world.botId, [own.id], clock)
  }
  options.channels?.forEach((channel, position) => {
    const made = channelOf(world, guild, channel, position, ids.next())
    world.channels.set(made.id, made)
  })
}

function addMember(guild: GuildRecord, userId: string, roles: string[], clock: StandInClock): void {
  guild.members.set(userId, { userId, roles, nick: null, joinedAtMs: clock.now(), timedOutUntilMs: 0 })
}

function guildRoles(options: GuildOptions, guildId: string, ids: Snowflakes): RoleRecord[] {
  const everyone = options.everyone === undefined ? EVERYONE_PERMISSIONS : bitsOf(options.everyone)
  return [
    {
      id: guildId,
      name: '@everyone',
      permissions: everyone,
      position: 0,
      mentionable: false,
      managed: false,
    },
    ...(options.roles ?? []).map((role, index) => ({
      ...roleOf(role.name, index + 1, role.permissions ?? [], ids.next()),
      mentionable: role.mentionable ?? false,
    })),
  ]
}

function roleOf(
  name: string,
  position: number,
  permissions: readonly PermissionName[],
  id: string,
): RoleRecord {
  return { id, name, permissions: bitsOf(permissions), position, mentionable: false, managed: false }
}

function bitsOf(names: readonly PermissionName[]): bigint {
  return names.reduce((bits, name) => bits | PermissionFlagsBits[name], 0n)
}

export function channelOf(
  world: World,
  guild: GuildRecord,
  options: ChannelOptions,
  position: number,
  id: string,
): ChannelRecord {
  return {
    id,
    type: options.type ?? ChannelType.GuildText,
    guildId: guild.id,
    parentId: undefined,
    name: options.name,
    position,
    ageRestricted: options.ageRestricted ?? false,
    overwrites: (options.overwrites ?? []).map((one) => overwriteOf(world, guild, one)),
    recipients: [],
    thread: undefined,
    lastMessageId: null,
  }
}

/** An overwrite for a role, everyone, a person or the bot, found by name. */
export function overwriteOf(world: World, guild: GuildRecord, options: OverwriteOptions): OverwriteRecord {
  const allow = bitsOf(options.allow ?? [])
  const deny = bitsOf(options.deny ?? [])
  if (options.for === 'everyone') return { id: guild.id, type: 0, allow, deny }
  if (options.for === 'bot') return { id: world.botId, type: 1, allow, deny }
  const role = [...guild.roles.values()].find(({ name }) => name === options.for)
  if (role !== undefined) return { id: role.id, type: 0, allow, deny }
  return { id: world.user(options.for).id, type: 1, allow, deny }
}
