import { MessageFlags, MessageType } from 'discord-api-types/v10'
import type { Cdn } from '../cdn.js'
import { isObject, type JsonObject, objectsIn } from '../json.js'
import type { MessageInteractionRecord, MessageRecord } from '../world/records.js'
import { renderChannel, renderUser } from '../world/render.js'
import type { World } from '../world/world.js'

/** https://docs.discord.com/developers/resources/message#message-object */
export function renderMessage(message: MessageRecord, world: World, cdn: Cdn): JsonObject {
  const ephemeral = message.ephemeralFor !== undefined
  const files = message.attachments.map(
    (one) => [one, cdn.render(one, message.channelId, ephemeral)] as const,
  )
  const linked = new Map(files.map(([one, rendered]) => [`attachment://${one.filename}`, rendered]))
  const shown = new Set(
    [...linked.keys()].filter((link) => JSON.stringify(message.embeds).includes(`"${link}"`)),
  )
  return {
    id: message.id,
    channel_id: message.channelId,
    type: message.type,
    author: renderUser(world.user(message.authorId)),
    content: message.content,
    timestamp: new Date(message.createdAtMs).toISOString(),
    edited_timestamp: message.editedAtMs === undefined ? null : new Date(message.editedAtMs).toISOString(),
    tts: false,
    mention_everyone: message.mentions.everyone,
    mentions: message.mentions.users.map((id) => renderUser(world.user(id))),
    mention_roles: message.mentions.roles,
    // Files that an embed shows are not listed a second time.
    attachments: files.filter(([one]) => !shown.has(`attachment://${one.filename}`)).map(([, file]) => file),
    embeds: message.embeds.map((embed) => withFiles(embed, linked)),
    components: message.components,
    flags: message.flags,
    pinned: false,
    ...(message.nonce !== undefined && { nonce: message.nonce }),
    ...webhookFields(message, world),
    ...referenceFields(message, world, cdn),
    ...threadFields(message, world),
  }
}

/** Replaces `attachment://` links of an embed by the files' own. https://docs.discord.com/developers/reference#uploading-files */
function withFiles(value: JsonObject, files: ReadonlyMap<string, JsonObject>): JsonObject {
  const entries = Object.entries(value).map(([key, field]): [string, unknown] => {
    const file = key === 'url' && typeof field === 'string' ? files.get(field) : undefined
    if (file !== undefined) return [key, file.url]
    if (Array.isArray(field)) return [key, objectsIn(field).map((one) => withFiles(one, files))]
    return [key, isObject(field) ? withFiles(field, files) : field]
  })
  return Object.fromEntries(entries)
}

function webhookFields(message: MessageRecord, world: World): JsonObject {
  if (message.interaction === undefined) return {}
  return {
    application_id: world.application.id,
    webhook_id: world.application.id,
    interaction_metadata: interactionMetadata(message.interaction, world),
  }
}

/** https://docs.discord.com/developers/resources/message#message-interaction-metadata-object */
function interactionMetadata(interaction: MessageInteractionRecord, world: World): JsonObject {
  return {
    id: interaction.id,
    type: interaction.type,
    ...(interaction.name !== undefined && { name: interaction.name }),
    user: renderUser(world.user(interaction.userId)),
    authorizing_integration_owners: interaction.owners,
    ...(interaction.originalMessageId !== undefined && {
      original_response_message_id: interaction.originalMessageId,
    }),
    ...(interaction.targetMessageId !== undefined && { target_message_id: interaction.targetMessageId }),
  }
}

function referenceFields(message: MessageRecord, world: World, cdn: Cdn): JsonObject {
  const { reference } = message
  if (reference === undefined) return {}
  const target = world.messages.get(reference.messageId)
  const shared = {
    message_reference: {
      type: 0,
      message_id: reference.messageId,
      channel_id: reference.channelId,
      ...(reference.guildId !== undefined && { guild_id: reference.guildId }),
    },
  }
  if (message.type !== MessageType.Reply) return shared
  const gone = target === undefined || target.deleted
  // Only one level is given: a reply inside the reply keeps its reference alone.
  return {
    ...shared,
    referenced_message: gone ? null : renderMessage({ ...target, reference: undefined }, world, cdn),
  }
}

function threadFields(message: MessageRecord, world: World): JsonObject {
  const thread = message.threadId === undefined ? undefined : world.channels.get(message.threadId)
  return thread === undefined ? {} : { thread: renderChannel(thread, world) }
}

/** What the app sees of a text that it may not read. https://docs.discord.com/developers/events/gateway#message-content-intent */
export function withoutContent(message: JsonObject): JsonObject {
  return { ...message, content: '', embeds: [], attachments: [], components: [] }
}

export function isLoading(message: MessageRecord): boolean {
  return (message.flags & MessageFlags.Loading) !== 0
}
