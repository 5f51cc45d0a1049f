import type { JsonObject } from '../json.js'
import type { Platform } from '../platform.js'
import { permissionsIn } from '../world/permissions.js'
import type { GuildRecord } from '../world/records.js'
import { renderChannel, renderMember, renderUser } from '../world/render.js'
import type { InteractionRecord } from './interaction-store.js'

/** https://docs.discord.com/developers/reference#uploading-files */
const ATTACHMENT_BYTES = 10 * 1024 * 1024

/** What the bot hears of an interaction. https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-object-interaction-structure */
export function interactionPayload(
  platform: Platform,
  interaction: InteractionRecord,
  data: JsonObject,
  message: JsonObject | undefined,
): JsonObject {
  const { world, clock } = platform
  const channel = world.channel(interaction.channelId)
  const user = world.user(interaction.userId)
  const guild = world.guilds.get(interaction.guildId ?? '')
  const member = guild?.members.get(user.id)
  const permissions = (id: string) => permissionsIn(world, channel, id, clock.now()).toString()
  const botIsIn = guild === undefined || world.hasBot(guild.id)
  return {
    id: interaction.id,
    application_id: world.application.id,
    type: interaction.type,
    token: interaction.token,
    version: 1,
    data,
    channel_id: channel.id,
    channel: { ...renderChannel(channel, world), permissions: permissions(user.id) },
    locale: user.locale,
    entitlements: [],
    authorizing_integration_owners: interaction.owners,
    context: guild === undefined ? 1 : 0,
    attachment_size_limit: ATTACHMENT_BYTES,
    app_permissions: permissions(botIsIn ? world.botId : user.id),
    ...(message !== undefined && { message }),
    ...(guild === undefined ? { user: renderUser(user) } : guildFields(guild)),
    ...(member !== undefined && {
      member: {
        ...renderMember(member, clock.now()),
        user: renderUser(user),
        permissions: permissions(user.id),
      },
    }),
  }
}

function guildFields({ id, locale }: GuildRecord): JsonObject {
  return { guild_id: id, guild: { id, locale, features: [] }, guild_locale: locale }
}
