import { MessageFlags } from 'discord-api-types/v10'
import type { JsonObject } from '../json.js'
import type { AllowedMentions } from '../messages/mentions.js'
import { checkAllowedMentions } from './allowed-mentions.js'
import { type AttachmentRequest, checkAttachments } from './attachments.js'
import { checkComponents } from './components.js'
import { checkEmbeds } from './embeds.js'
import type { Form } from './form.js'

/** https://docs.discord.com/developers/resources/message#create-message */
const CONTENT_LENGTH = 2000
const NONCE_LENGTH = 25

const SETTABLE_FLAGS =
  MessageFlags.SuppressEmbeds |
  MessageFlags.SuppressNotifications |
  MessageFlags.Ephemeral |
  MessageFlags.IsComponentsV2

/** What a body says of a message. Fields are absent where the body left them out; `null` empties them. */
export interface MessageBody {
  readonly content?: string
  readonly embeds?: JsonObject[]
  readonly components?: JsonObject[]
  readonly allowedMentions?: AllowedMentions | undefined
  readonly attachments?: AttachmentRequest[]
  readonly flags: number | undefined
  readonly nonce: string | number | undefined
  readonly enforceNonce: boolean
  readonly reply: { readonly messageId: string; readonly required: boolean } | undefined
}

/** Reads and checks everything that new and edited messages have in common. */
export function checkMessageBody(form: Form): MessageBody {
  form.object({ required: true })
  const part = (name: string) => form.field(name)
  const content = part('content').text({ max: CONTENT_LENGTH }) ?? ''
  const flags = checkFlags(part('flags'))
  part('tts').boolean()
  return {
    ...(part('content').given && { content }),
    ...(part('embeds').given && { embeds: checkEmbeds(part('embeds')) }),
    ...(part('components').given && { components: checkComponents(part('components')) }),
    ...(part('attachments').given && { attachments: checkAttachments(part('attachments')) }),
    allowedMentions: checkAllowedMentions(part('allowed_mentions')),
    flags,
    nonce: checkNonce(part('nonce')),
    enforceNonce: part('enforce_nonce').boolean() ?? false,
    reply: checkReply(part('message_reference')),
  }
}

function checkFlags(form: Form): number | undefined {
  const flags = form.integer({ min: 0 })
  if (flags === undefined) return undefined
  if (flags & MessageFlags.IsComponentsV2) {
    form.refuse('STAND_IN_UNSUPPORTED', 'The stand-in does not know the layout components of version 2')
  }
  return flags & SETTABLE_FLAGS
}

function checkNonce(form: Form): string | number | undefined {
  if (form.absent || typeof form.value === 'number') return form.integer()
  return form.text({ max: NONCE_LENGTH })
}

/** https://docs.discord.com/developers/resources/message#message-reference-structure */
function checkReply(form: Form): MessageBody['reply'] {
  if (!form.object()) return undefined
  const messageId = form.field('message_id').snowflake({ required: true })
  form.field('type').choice([0])
  const required = form.field('fail_if_not_exists').boolean() ?? true
  return messageId === undefined ? undefined : { messageId, required }
}
