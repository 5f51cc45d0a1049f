import {
  InteractionResponseType as Answer,
  InteractionType,
  MessageFlags,
  MessageType,
} from 'discord-api-types/v10'
import { checkSuggestions } from '../checks/command-options.js'
import { Form } from '../checks/form.js'
import { checkMessageBody } from '../checks/message-body.js'
import { checkModal } from '../checks/modal.js'
import type { InteractionRecord } from '../interactions/interaction-store.js'
import {
  interactionChannel,
  isInteractionMessage,
  messageInteraction,
} from '../interactions/message-interaction.js'
import type { JsonObject } from '../json.js'
import { attachmentsFrom, editFrom, requireContent } from '../messages/message-from-body.js'
import { editMessage, postMessage } from '../messages/post-message.js'
import { renderMessage } from '../messages/render-message.js'
import type { Platform } from '../platform.js'
import { type Call, NO_CONTENT, ok, param, type Reply, type Route } from '../rest/route.js'
import type { MessageRecord, MessageReferenceRecord } from '../world/records.js'
import { LIMITS } from './limits.js'

const { ApplicationCommand, ApplicationCommandAutocomplete, MessageComponent, ModalSubmit } = InteractionType

/** Answers that an interaction takes. https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-response-object-interaction-callback-type */
const ANSWERS: Partial<Record<InteractionType, readonly Answer[]>> = {
  [ApplicationCommand]: [
    Answer.ChannelMessageWithSource,
    Answer.DeferredChannelMessageWithSource,
    Answer.Modal,
  ],
  [MessageComponent]: [
    Answer.ChannelMessageWithSource,
    Answer.DeferredChannelMessageWithSource,
    Answer.DeferredMessageUpdate,
    Answer.UpdateMessage,
    Answer.Modal,
  ],
  [ApplicationCommandAutocomplete]: [Answer.ApplicationCommandAutocompleteResult],
  [ModalSubmit]: [Answer.ChannelMessageWithSource, Answer.DeferredChannelMessageWithSource],
}

export function interactionRoutes(platform: Platform): Route[] {
  return [
    {
      method: 'POST',
      path: '/interactions/:interaction/:token/callback',
      auth: 'token',
      limit: LIMITS.callbacks,
      handle: (call) => answer(platform, call),
    },
  ]
}

/** https://docs.discord.com/developers/interactions/receiving-and-responding#create-interaction-response */
function answer(platform: Platform, call: Call): Reply {
  const { interactions, clock } = platform
  const interaction = interactions.waiting(param(call, 'interaction'), param(call, 'token'))
  const form = Form.of(call.body ?? {})
  const type = form.field('type').choice(allowedAnswers(interaction), { required: true })
  form.finish()
  if (type === undefined) return NO_CONTENT
  const message = take(platform, interaction, type, form.field('data'), call)
  interaction.acknowledged = { type, atMs: clock.now() }
  return call.query.get('with_response') === 'true'
    ? ok(callback(platform, interaction, type, message))
    : NO_CONTENT
}

function allowedAnswers(interaction: InteractionRecord): readonly Answer[] {
  const answers = ANSWERS[interaction.type] ?? []
  const fromMessage = interaction.type === ModalSubmit && interaction.sourceMessageId !== undefined
  return fromMessage ? [...answers, Answer.DeferredMessageUpdate, Answer.UpdateMessage] : answers
}

function take(
  platform: Platform,
  interaction: InteractionRecord,
  type: Answer,
  data: Form,
  call: Call,
): MessageRecord | undefined {
  if (type === Answer.Modal) {
    data.object({ required: true })
    const modal = checkModal(data)
    data.finish()
    interaction.modal = modal
    return undefined
  }
  if (type === Answer.ApplicationCommandAutocompleteResult) {
    const suggestions = checkSuggestions(data)
    data.finish()
    interaction.suggestions = suggestions
    return undefined
  }
  if (type === Answer.DeferredMessageUpdate || type === Answer.UpdateMessage) {
    return update(platform, interaction, type === Answer.UpdateMessage ? data : undefined, call)
  }
  return respond(platform, interaction, type === Answer.DeferredChannelMessageWithSource, data, call)
}

/** Types 6 and 7: the message of the component stands for the answer. */
function update(
  platform: Platform,
  interaction: InteractionRecord,
  data: Form | undefined,
  call: Call,
): MessageRecord | undefined {
  const message = platform.world.messages.get(interaction.sourceMessageId ?? '')
  if (message !== undefined && !message.deleted && data !== undefined) {
    editMessage(platform, message, editFrom(platform, data, checkMessageBody(data), call.files, message))
  }
  interaction.originalMessageId = message?.id
  return message
}

/** Types 4 and 5: a message of its own, which may still be empty. */
function respond(
  platform: Platform,
  interaction: InteractionRecord,
  deferred: boolean,
  data: Form,
  call: Call,
): MessageRecord {
  const { world } = platform
  const body = checkMessageBody(data.absent ? Form.of({}) : data)
  const attachments = deferred ? [] : attachmentsFrom(platform, data, body, call.files)
  data.finish()
  const { content = '', embeds = [], components = [], flags = 0, allowedMentions } = body
  if (!deferred) requireContent({ content, embeds, components, attachments })
  const ephemeral = isEphemeral(interaction, flags)
  const message = postMessage(platform, {
    channel: interactionChannel(world, interaction),
    authorId: world.botId,
    type: answerType(interaction),
    reference: sourceOf(platform, interaction),
    content: deferred ? '' : content,
    ...(!deferred && { embeds, components, attachments }),
    flags: (flags & ~MessageFlags.Ephemeral) | (deferred ? MessageFlags.Loading : 0),
    allowedMentions,
    interaction: messageInteraction(interaction, undefined),
    ephemeralFor: ephemeral ? interaction.userId : undefined,
  })
  interaction.originalMessageId = message.id
  return message
}

function answerType(interaction: InteractionRecord): MessageType {
  if (interaction.type !== ApplicationCommand) return MessageType.Reply
  return interaction.targetMessageId === undefined
    ? MessageType.ChatInputCommand
    : MessageType.ContextMenuCommand
}

/** Answers to a component reply to its message. */
function sourceOf({ world }: Platform, interaction: InteractionRecord): MessageReferenceRecord | undefined {
  const source = world.messages.get(interaction.sourceMessageId ?? '')
  return source && { messageId: source.id, channelId: source.channelId, guildId: interaction.guildId }
}

export function isEphemeral(interaction: InteractionRecord, flags: number): boolean {
  return interaction.alwaysEphemeral || (flags & MessageFlags.Ephemeral) !== 0
}

/** https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-callback-interaction-callback-response-object */
function callback(
  { world, cdn }: Platform,
  interaction: InteractionRecord,
  type: Answer,
  message: MessageRecord | undefined,
): JsonObject {
  const own = message !== undefined && isInteractionMessage(message, interaction)
  return {
    interaction: {
      id: interaction.id,
      type: interaction.type,
      ...(message !== undefined && {
        response_message_id: message.id,
        response_message_loading: (message.flags & MessageFlags.Loading) !== 0,
        response_message_ephemeral: message.ephemeralFor !== undefined,
      }),
    },
    resource: {
      type,
      ...(message !== undefined &&
        (own || type === Answer.UpdateMessage) && { message: renderMessage(message, world, cdn) }),
    },
  }
}
