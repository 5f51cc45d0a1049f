import { ApplicationFlags, GatewayIntentBits } from 'discord-api-types/v10'
import type { JsonObject } from '../json.js'
import type { ChannelRecord, GuildRecord, MemberRecord, RoleRecord, UserRecord } from './records.js'
import type { World } from './world.js'

/** https://docs.discord.com/developers/resources/user#user-object */
export function renderUser(user: UserRecord): JsonObject {
  return {
    id: user.id,
    username: user.name,
    global_name: user.bot ? null : user.displayName,
    discriminator: user.bot ? '0001' : '0',
    avatar: null,
    bot: user.bot,
    public_flags: 0,
  }
}

/** https://docs.discord.com/developers/resources/guild#guild-member-object */
export function renderMember(member: MemberRecord, nowMs: number): JsonObject {
  return {
    nick: member.nick,
    avatar: null,
    roles: member.roles,
    joined_at: new Date(member.joinedAtMs).toISOString(),
    premium_since: null,
    deaf: false,
    mute: false,
    flags: 0,
    pending: false,
    communication_disabled_until:
      member.timedOutUntilMs > nowMs ? new Date(member.timedOutUntilMs).toISOString() : null,
  }
}

/** https://docs.discord.com/developers/topics/permissions#role-object */
export function renderRole(role: RoleRecord): JsonObject {
  return {
    id: role.id,
    name: role.name,
    color: 0,
    colors: { primary_color: 0, secondary_color: null, tertiary_color: null },
    hoist: false,
    position: role.position,
    permissions: role.permissions.toString(),
    managed: role.managed,
    mentionable: role.mentionable,
    flags: 0,
  }
}

/** https://docs.discord.com/developers/resources/channel#channel-object */
export function renderChannel(channel: ChannelRecord, world: World): JsonObject {
  const shared = { id: channel.id, type: channel.type, last_message_id: channel.lastMessageId, flags: 0 }
  if (channel.guildId === undefined) {
    const others = channel.recipients.filter((id) => id !== world.botId)
    return { ...shared, recipients: others.map((id) => renderUser(world.user(id))) }
  }
  const placed = {
    ...shared,
    guild_id: channel.guildId,
    parent_id: channel.parentId ?? null,
    name: channel.name,
    rate_limit_per_user: 0,
  }
  if (channel.thread !== undefined) return { ...placed, ...threadFields(channel, world) }
  return {
    ...placed,
    position: channel.position,
    nsfw: channel.ageRestricted,
    topic: null,
    permission_overwrites: channel.overwrites.map(({ id, type, allow, deny }) => ({
      id,
      type,
      allow: allow.toString(),
      deny: deny.toString(),
    })),
  }
}

/** https://docs.discord.com/developers/topics/threads#thread-fields */
function threadFields(channel: ChannelRecord, world: World): JsonObject {
  const { thread } = channel
  if (thread === undefined) return {}
  const createdAt = new Date(thread.createdAtMs).toISOString()
  const messages = world.messagesIn(channel.id).length
  return {
    owner_id: thread.ownerId,
    message_count: messages,
    total_message_sent: messages,
    member_count: thread.members.size,
    thread_metadata: {
      archived: thread.archived,
      locked: thread.locked,
      auto_archive_duration: thread.autoArchiveMinutes,
      archive_timestamp: createdAt,
      create_timestamp: createdAt,
    },
    ...(thread.members.has(world.botId) && {
      member: { id: channel.id, user_id: world.botId, join_timestamp: createdAt, flags: 0 },
    }),
  }
}

/** https://docs.discord.com/developers/resources/guild#guild-object */
export function renderGuild(guild: GuildRecord): JsonObject {
  return {
    id: guild.id,
    name: guild.name,
    icon: null,
    splash: null,
    discovery_splash: null,
    banner: null,
    description: null,
    owner_id: guild.ownerId,
    afk_channel_id: null,
    afk_timeout: 300,
    verification_level: 0,
    default_message_notifications: 0,
    explicit_content_filter: 0,
    mfa_level: 0,
    nsfw_level: 0,
    premium_tier: 0,
    premium_subscription_count: 0,
    premium_progress_bar_enabled: false,
    preferred_locale: guild.locale,
    system_channel_id: null,
    system_channel_flags: 0,
    rules_channel_id: null,
    public_updates_channel_id: null,
    safety_alerts_channel_id: null,
    application_id: null,
    vanity_url_code: null,
    features: [],
    emojis: [],
    stickers: [],
    roles: [...guild.roles.values()].map(renderRole),
  }
}

/** https://docs.discord.com/developers/events/gateway-events#guild-create */
export function renderGuildCreate(guild: GuildRecord, world: World, nowMs: number): JsonObject {
  const channels = world.channelsOf(guild.id)
  const members = [...guild.members.values()]
  return {
    ...renderGuild(guild),
    joined_at: new Date(guild.members.get(world.botId)?.joinedAtMs ?? nowMs).toISOString(),
    large: false,
    unavailable: false,
    member_count: members.length,
    members: members.map((one) => ({
      ...renderMember(one, nowMs),
      user: renderUser(world.user(one.userId)),
    })),
    channels: channels
      .filter(({ thread }) => thread === undefined)
      .map((channel) => renderChannel(channel, world)),
    threads: channels
      .filter(({ thread }) => thread !== undefined && !thread.archived)
      .map((channel) => renderChannel(channel, world)),
    voice_states: [],
    presences: [],
    stage_instances: [],
    guild_scheduled_events: [],
    soundboard_sounds: [],
  }
}

/** https://docs.discord.com/developers/resources/application#application-object */
export function renderApplication(world: World): JsonObject {
  const { application } = world
  return {
    id: application.id,
    name: application.name,
    icon: null,
    description: '',
    bot_public: true,
    bot_require_code_grant: false,
    bot: renderUser(world.user(world.botId)),
    owner: renderUser(world.user(application.ownerId)),
    team: null,
    verify_key: '0'.repeat(64),
    flags: applicationFlags(application.privilegedIntents),
    approximate_guild_count: [...world.guilds.keys()].filter((id) => world.hasBot(id)).length,
    approximate_user_install_count: [...world.users.values()].filter((one) => one.installedApp).length,
    integration_types_config: {
      0: { oauth2_install_params: { scopes: ['applications.commands', 'bot'], permissions: '0' } },
      1: { oauth2_install_params: { scopes: ['applications.commands'], permissions: '0' } },
    },
  }
}

/** Bots in fewer than 100 servers carry the "limited" flags. https://docs.discord.com/developers/resources/application#application-object-application-flags */
export function applicationFlags(privilegedIntents: number): number {
  const limited: readonly (readonly [number, number])[] = [
    [GatewayIntentBits.GuildPresences, ApplicationFlags.GatewayPresenceLimited],
    [GatewayIntentBits.GuildMembers, ApplicationFlags.GatewayGuildMembersLimited],
    [GatewayIntentBits.MessageContent, ApplicationFlags.GatewayMessageContentLimited],
  ]
  return limited.reduce((flags, [intent, flag]) => (privilegedIntents & intent ? flags | flag : flags), 0)
}
