import { MessageFlags, MessageType } from 'discord-api-types/v10'
import { Form } from '../checks/form.js'
import { checkMessageBody } from '../checks/message-body.js'
import type { InteractionRecord } from '../interactions/interaction-store.js'
import {
  interactionChannel,
  isInteractionMessage,
  messageInteraction,
} from '../interactions/message-interaction.js'
import { attachmentsFrom, editFrom, requireContent } from '../messages/message-from-body.js'
import { deleteMessage, editMessage, postMessage } from '../messages/post-message.js'
import { isLoading, renderMessage } from '../messages/render-message.js'
import type { Platform } from '../platform.js'
import { refusals } from '../rest/api-error.js'
import { type Call, NO_CONTENT, ok, param, type Reply, type Route } from '../rest/route.js'
import type { MessageRecord } from '../world/records.js'
import { isEphemeral } from './interaction-routes.js'
import { LIMITS } from './limits.js'

/** Followups of an app that only the person installed. https://docs.discord.com/developers/interactions/receiving-and-responding#create-followup-message */
const MOST_USER_INSTALL_FOLLOWUPS = 5

/** The interaction's own webhook. https://docs.discord.com/developers/interactions/receiving-and-responding#followup-messages */
export function webhookRoutes(platform: Platform): Route[] {
  const one = '/webhooks/:application/:token/messages/:message'
  const route = (method: Route['method'], path: string, handle: Route['handle']): Route => ({
    method,
    path,
    auth: 'token',
    limit: LIMITS.webhooks,
    handle,
  })
  return [
    route('POST', '/webhooks/:application/:token', (call) => followUp(platform, call)),
    route('GET', one, (call) => {
      const message = target(platform, opened(platform, call), param(call, 'message'))
      return ok(renderMessage(message, platform.world, platform.cdn))
    }),
    route('PATCH', one, (call) => change(platform, call)),
    route('DELETE', one, (call) => {
      deleteMessage(platform, target(platform, opened(platform, call), param(call, 'message')))
      return NO_CONTENT
    }),
  ]
}

function opened({ interactions, world }: Platform, call: Call): InteractionRecord {
  if (param(call, 'application') !== world.application.id) throw refusals.unknownWebhook()
  return interactions.open(param(call, 'token'))
}

/** A message that the token may touch: the first answer, or a followup by its id. */
function target({ world }: Platform, interaction: InteractionRecord, id: string): MessageRecord {
  const original = id === '@original' || id === interaction.originalMessageId
  const message = world.messages.get(original ? (interaction.originalMessageId ?? '') : id)
  if (message === undefined || message.deleted) throw refusals.unknownMessage()
  if (!original && !isInteractionMessage(message, interaction)) throw refusals.unknownMessage()
  return message
}

function change(platform: Platform, call: Call): Reply {
  const interaction = opened(platform, call)
  const message = target(platform, interaction, param(call, 'message'))
  const form = Form.of(call.body ?? {})
  editMessage(platform, message, editFrom(platform, form, checkMessageBody(form), call.files, message))
  return ok(renderMessage(message, platform.world, platform.cdn))
}

function followUp(platform: Platform, call: Call): Reply {
  const { world, cdn } = platform
  const interaction = opened(platform, call)
  const original = world.messages.get(interaction.originalMessageId ?? '')
  // Right after a deferral the first followup fills the waiting message.
  if (original !== undefined && !original.deleted && isLoading(original)) {
    return change(platform, { ...call, params: { ...call.params, message: '@original' } })
  }
  if (!('0' in interaction.owners) && interaction.followupIds.length >= MOST_USER_INSTALL_FOLLOWUPS) {
    throw refusals.followupsSpent()
  }
  const form = Form.of(call.body ?? {})
  const body = checkMessageBody(form)
  const attachments = attachmentsFrom(platform, form, body, call.files)
  form.finish()
  const { content = '', embeds = [], components = [], flags = 0, allowedMentions } = body
  requireContent({ content, embeds, components, attachments })
  const message = postMessage(platform, {
    channel: interactionChannel(world, interaction),
    authorId: world.botId,
    type: MessageType.Reply,
    reference: original && {
      messageId: original.id,
      channelId: original.channelId,
      guildId: interaction.guildId,
    },
    content,
    embeds,
    components,
    attachments,
    flags: flags & ~MessageFlags.Ephemeral,
    allowedMentions,
    interaction: messageInteraction(interaction, interaction.originalMessageId),
    ephemeralFor: isEphemeral(interaction, flags) ? interaction.userId : undefined,
  })
  interaction.followupIds.push(message.id)
  return ok(renderMessage(message, world, cdn))
}
