import { PermissionFlagsBits } from 'discord-api-types/v10'
import { Form } from '../checks/form.js'
import { checkMessageBody, type MessageBody } from '../checks/message-body.js'
import { readsContent } from '../gateway/intents.js'
import type { JsonObject } from '../json.js'
import { readableMessage } from '../messages/content-access.js'
import { attachmentsFrom, editFrom, requireContent } from '../messages/message-from-body.js'
import { deleteMessage, editMessage, postMessage } from '../messages/post-message.js'
import { renderMessage } from '../messages/render-message.js'
import type { Platform } from '../platform.js'
import { refusals } from '../rest/api-error.js'
import { type Call, NO_CONTENT, ok, param, type Reply, type Route } from '../rest/route.js'
import { compareIds } from '../snowflake.js'
import { hasAll } from '../world/permissions.js'
import type { ChannelRecord, MessageRecord, MessageReferenceRecord } from '../world/records.js'
import {
  botPermissions,
  publicMessage,
  requirePermissions,
  sendingPermission,
  takesMessages,
  visibleChannel,
} from './access.js'
import { LIMITS } from './limits.js'
import { wakeThread } from './thread-routes.js'

/** How long a nonce stands for the message that it came with. */
const NONCE_LIFETIME_MS = 5 * 60 * 1000

/** https://docs.discord.com/developers/resources/message */
export function messageRoutes(platform: Platform): Route[] {
  const many = '/channels/:channel/messages'
  const one = '/channels/:channel/messages/:message'
  const route = (
    method: Route['method'],
    path: string,
    limit: Route['limit'],
    handle: Route['handle'],
  ): Route => ({
    method,
    path,
    auth: 'bot',
    limit,
    handle,
  })
  return [
    route('GET', many, LIMITS.often, (call) => list(platform, call)),
    route('GET', one, LIMITS.often, (call) => get(platform, call)),
    route('POST', many, LIMITS.messages, (call) => create(platform, call)),
    route('PATCH', one, LIMITS.messages, (call) => edit(platform, call)),
    route('DELETE', one, LIMITS.deletes, (call) => remove(platform, call)),
    route('POST', '/channels/:channel/typing', LIMITS.messages, (call) => type(platform, call)),
  ]
}

function create(platform: Platform, call: Call): Reply {
  const channel = visibleChannel(platform, param(call, 'channel'))
  if (!takesMessages(channel)) throw refusals.wrongChannelType()
  requirePermissions(platform, channel, sendingPermission(channel))
  refuseClosed(platform, channel)
  const form = Form.of(call.body ?? {})
  const body = checkMessageBody(form)
  const again = body.enforceNonce ? sentWith(platform, channel, body.nonce) : undefined
  if (again !== undefined) return ok(shown(platform, again))
  const attachments = attachmentsFrom(platform, form, body, call.files)
  const reference = replyTarget(platform, channel, form, body)
  form.finish()
  if ((body.embeds ?? []).length > 0) requirePermissions(platform, channel, PermissionFlagsBits.EmbedLinks)
  if (attachments.length > 0) requirePermissions(platform, channel, PermissionFlagsBits.AttachFiles)
  const { content = '', embeds = [], components = [], flags = 0, nonce, allowedMentions } = body
  requireContent({ content, embeds, components, attachments })
  wakeThread(platform, channel)
  const message = postMessage(platform, {
    channel,
    authorId: platform.world.botId,
    content,
    embeds,
    components,
    attachments,
    flags,
    nonce,
    allowedMentions,
    reference,
  })
  return ok(shown(platform, message))
}

function refuseClosed(platform: Platform, channel: ChannelRecord): void {
  if (channel.thread?.locked) throw refusals.lockedThread()
  if (channel.guildId !== undefined) return
  const others = channel.recipients.filter((id) => id !== platform.world.botId)
  if (others.some((id) => !platform.world.user(id).takesDirectMessages)) throw refusals.closedDirectMessages()
}

/** The message that came with a nonce lately. https://docs.discord.com/developers/resources/message#create-message */
function sentWith(
  { world, clock }: Platform,
  channel: ChannelRecord,
  nonce: string | number | undefined,
): MessageRecord | undefined {
  if (nonce === undefined) return undefined
  return world
    .messagesIn(channel.id)
    .find(
      (message) =>
        message.authorId === world.botId &&
        message.nonce === nonce &&
        clock.now() - message.createdAtMs < NONCE_LIFETIME_MS,
    )
}

function replyTarget(
  platform: Platform,
  channel: ChannelRecord,
  form: Form,
  body: MessageBody,
): MessageReferenceRecord | undefined {
  if (body.reply === undefined) return undefined
  if (!hasAll(botPermissions(platform, channel), PermissionFlagsBits.ReadMessageHistory)) {
    throw refusals.cannotReadHistory()
  }
  const { messageId, required } = body.reply
  const target = platform.world.messages.get(messageId)
  const there = target !== undefined && !target.deleted && target.channelId === channel.id
  if (there && target.ephemeralFor === undefined) {
    return { messageId, channelId: channel.id, guildId: channel.guildId }
  }
  if (required) form.field('message_reference').refuse('MESSAGE_REFERENCE_UNKNOWN_MESSAGE', 'Unknown message')
  return undefined
}

function edit(platform: Platform, call: Call): Reply {
  const channel = visibleChannel(platform, param(call, 'channel'))
  const message = publicMessage(platform, channel, param(call, 'message'))
  if (message.authorId !== platform.world.botId) throw refusals.notAuthor()
  if (channel.thread?.archived) throw refusals.archivedThread()
  const form = Form.of(call.body ?? {})
  editMessage(platform, message, editFrom(platform, form, checkMessageBody(form), call.files, message))
  return ok(shown(platform, message))
}

function remove(platform: Platform, call: Call): Reply {
  const channel = visibleChannel(platform, param(call, 'channel'))
  const message = publicMessage(platform, channel, param(call, 'message'))
  if (message.authorId !== platform.world.botId) {
    requirePermissions(platform, channel, PermissionFlagsBits.ManageMessages)
  }
  deleteMessage(platform, message)
  return NO_CONTENT
}

function get(platform: Platform, call: Call): Reply {
  const channel = visibleChannel(platform, param(call, 'channel'))
  requirePermissions(platform, channel, PermissionFlagsBits.ReadMessageHistory)
  return ok(shown(platform, publicMessage(platform, channel, param(call, 'message'))))
}

/** https://docs.discord.com/developers/resources/message#get-channel-messages */
function list(platform: Platform, call: Call): Reply {
  const channel = visibleChannel(platform, param(call, 'channel'))
  const form = Form.of(Object.fromEntries(call.query))
  const limit = form.field('limit').integer({ min: 1, max: 100 }) ?? 50
  const [before, after, around] = ['before', 'after', 'around'].map((name) => form.field(name).snowflake())
  form.finish()
  if (!hasAll(botPermissions(platform, channel), PermissionFlagsBits.ReadMessageHistory)) return ok([])
  const all = platform.world
    .messagesIn(channel.id)
    .filter((message) => message.ephemeralFor === undefined)
    .sort((left, right) => compareIds(right.id, left.id))
  const shownOnes = selectPage(all, limit, { before, after, around })
  return ok(shownOnes.map((message) => shown(platform, message)))
}

interface Page {
  readonly before: string | undefined
  readonly after: string | undefined
  readonly around: string | undefined
}

/** A page of messages that are sorted from the newest to the oldest. */
function selectPage(all: readonly MessageRecord[], limit: number, page: Page): MessageRecord[] {
  const { before, after, around } = page
  if (around !== undefined) {
    const middle = all.findIndex(({ id }) => compareIds(id, around) <= 0)
    return all.slice(Math.max(0, middle - Math.floor(limit / 2))).slice(0, limit)
  }
  if (after !== undefined) return all.filter(({ id }) => compareIds(id, after) > 0).slice(-limit)
  return all.filter(({ id }) => before === undefined || compareIds(id, before) < 0).slice(0, limit)
}

function type(platform: Platform, call: Call): Reply {
  const channel = visibleChannel(platform, param(call, 'channel'))
  requirePermissions(platform, channel, sendingPermission(channel))
  return NO_CONTENT
}

/** A message as the bot may read it: the portal's switch for message content counts here too. */
function shown({ world, cdn }: Platform, message: MessageRecord): JsonObject {
  const rendered = renderMessage(message, world, cdn)
  if (readsContent(world.application.privilegedIntents)) return rendered
  return readableMessage(rendered, world.botId, world.channel(message.channelId).guildId !== undefined)
}
