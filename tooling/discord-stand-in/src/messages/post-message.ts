import { MessageFlags, MessageType, PermissionFlagsBits } from 'discord-api-types/v10'
import type { JsonObject } from '../json.js'
import type { Platform } from '../platform.js'
import { hasAll, permissionsIn } from '../world/permissions.js'
import type {
  AttachmentRecord,
  ChannelRecord,
  MessageInteractionRecord,
  MessageRecord,
  MessageReferenceRecord,
  Pings,
} from '../world/records.js'
import { renderMember, renderUser } from '../world/render.js'
import { type AllowedMentions, mentionsIn, NO_PINGS, pingsOf } from './mentions.js'
import { renderMessage } from './render-message.js'

/** A message that was checked and may be written. */
export interface MessageDraft {
  readonly channel: ChannelRecord
  readonly authorId: string
  readonly content: string
  readonly embeds?: JsonObject[]
  readonly components?: JsonObject[]
  readonly attachments?: AttachmentRecord[]
  readonly flags?: number
  readonly nonce?: string | number | undefined
  readonly allowedMentions?: AllowedMentions | undefined
  readonly reference?: MessageReferenceRecord | undefined
  readonly interaction?: MessageInteractionRecord | undefined
  readonly ephemeralFor?: string | undefined
  readonly type?: MessageType
}

/** What an edit replaces; fields that are absent stay. */
export interface MessageEdit {
  readonly content?: string
  readonly embeds?: JsonObject[]
  readonly components?: JsonObject[]
  readonly attachments?: AttachmentRecord[]
  readonly flags?: number
  readonly allowedMentions?: AllowedMentions | undefined
}

/** Writes a message and tells the bot's sessions, unless only one person sees it. */
export function postMessage(platform: Platform, draft: MessageDraft): MessageRecord {
  const { world, clock, ids } = platform
  const message: MessageRecord = {
    id: ids.next(),
    channelId: draft.channel.id,
    authorId: draft.authorId,
    type: draft.type ?? (draft.reference === undefined ? MessageType.Default : MessageType.Reply),
    createdAtMs: clock.now(),
    nonce: draft.nonce,
    reference: draft.reference,
    interaction: draft.interaction,
    ephemeralFor: draft.ephemeralFor,
    content: draft.content,
    embeds: draft.embeds ?? [],
    components: draft.components ?? [],
    attachments: draft.attachments ?? [],
    flags: (draft.flags ?? 0) | (draft.ephemeralFor === undefined ? 0 : MessageFlags.Ephemeral),
    editedAtMs: undefined,
    history: [{ atMs: clock.now(), content: draft.content }],
    threadId: undefined,
    mentions: mentionsIn(draft.content, world, world.guilds.get(draft.channel.guildId ?? '')),
    pings: pingsFor(platform, draft.channel, draft.authorId, draft.content, draft),
    deleted: false,
  }
  world.messages.set(message.id, message)
  draft.channel.lastMessageId = message.id
  tell(platform, 'MESSAGE_CREATE', message)
  return message
}

/**
 * Changes a message. An edit is parsed with the edit's own `allowed_mentions`, whatever the message was made with:
 * https://docs.discord.com/developers/resources/message#edit-message
 */
export function editMessage(platform: Platform, message: MessageRecord, edit: MessageEdit): void {
  const channel = platform.world.channel(message.channelId)
  const wasLoading = (message.flags & MessageFlags.Loading) !== 0
  if (edit.content !== undefined) {
    message.content = edit.content
    message.history.push({ atMs: platform.clock.now(), content: edit.content })
    message.mentions = mentionsIn(
      edit.content,
      platform.world,
      platform.world.guilds.get(channel.guildId ?? ''),
    )
    // Counted as if the text were new: stricter than Discord, which notifies nobody of an edit.
    message.pings = union(
      message.pings,
      pingsFor(platform, channel, message.authorId, edit.content, { ...edit, reference: undefined }),
    )
  }
  message.embeds = edit.embeds ?? message.embeds
  message.components = edit.components ?? message.components
  message.attachments = edit.attachments ?? message.attachments
  message.flags = (edit.flags ?? message.flags) & ~MessageFlags.Loading
  if (!wasLoading) message.editedAtMs = platform.clock.now()
  tell(platform, 'MESSAGE_UPDATE', message)
}

/** Discord adds embeds to links in the background; the message does not count as edited. Suppressed ones stay away. */
export function unfurlMessage(platform: Platform, messageId: string, embeds: readonly JsonObject[]): void {
  const message = platform.world.messages.get(messageId)
  if (message === undefined || message.deleted) return
  if ((message.flags & MessageFlags.SuppressEmbeds) !== 0) return
  message.embeds = [...embeds]
  tell(platform, 'MESSAGE_UPDATE', message)
}

export function deleteMessage(platform: Platform, message: MessageRecord): void {
  message.deleted = true
  const channel = platform.world.channel(message.channelId)
  if (message.ephemeralFor !== undefined || !botSees(platform, channel)) return
  platform.dispatch({
    name: 'MESSAGE_DELETE',
    guildId: channel.guildId,
    data: {
      id: message.id,
      channel_id: channel.id,
      ...(channel.guildId !== undefined && { guild_id: channel.guildId }),
    },
  })
}

function pingsFor(
  platform: Platform,
  channel: ChannelRecord,
  authorId: string,
  content: string,
  options: Pick<MessageDraft, 'allowedMentions' | 'reference'>,
): Pings {
  const target = platform.world.messages.get(options.reference?.messageId ?? '')?.authorId
  return pingsOf(content, {
    world: platform.world,
    channel,
    permissions: permissionsIn(platform.world, channel, authorId, platform.clock.now()),
    allowed: options.allowedMentions,
    repliedTo: target === authorId ? undefined : target,
  })
}

function union(left: Pings = NO_PINGS, right: Pings = NO_PINGS): Pings {
  return {
    everyone: left.everyone || right.everyone,
    users: [...new Set([...left.users, ...right.users])],
    roles: [...new Set([...left.roles, ...right.roles])],
  }
}

function tell(platform: Platform, name: 'MESSAGE_CREATE' | 'MESSAGE_UPDATE', message: MessageRecord): void {
  const channel = platform.world.channel(message.channelId)
  if (message.ephemeralFor !== undefined || !botSees(platform, channel)) return
  platform.dispatch({ name, guildId: channel.guildId, data: gatewayMessage(platform, message, channel) })
}

/** A message with what the gateway adds. https://docs.discord.com/developers/events/gateway-events#message-create */
function gatewayMessage(platform: Platform, message: MessageRecord, channel: ChannelRecord): JsonObject {
  const { world, cdn, clock } = platform
  const rendered = { ...renderMessage(message, world, cdn), channel_type: channel.type }
  const guild = world.guilds.get(channel.guildId ?? '')
  if (guild === undefined) return rendered
  const member = guild.members.get(message.authorId)
  const mentions = message.mentions.users.map((id) => {
    const mentioned = guild.members.get(id)
    const user = renderUser(world.user(id))
    return mentioned === undefined ? user : { ...user, member: renderMember(mentioned, clock.now()) }
  })
  return {
    ...rendered,
    guild_id: guild.id,
    mentions,
    ...(member !== undefined && { member: renderMember(member, clock.now()) }),
  }
}

/** Whether the bot gets to hear of what happens in a channel. */
function botSees({ world, clock }: Platform, channel: ChannelRecord): boolean {
  if (channel.guildId === undefined) return channel.recipients.includes(world.botId)
  if (!world.hasBot(channel.guildId)) return false
  return hasAll(permissionsIn(world, channel, world.botId, clock.now()), PermissionFlagsBits.ViewChannel)
}
