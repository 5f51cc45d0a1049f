import { MessageFlags } from 'discord-api-types/v10'
import type { JsonObject } from '../json.js'
import { renderMessage } from '../messages/render-message.js'
import type { Platform } from '../platform.js'
import type { MessageRecord, Pings } from '../world/records.js'

export interface SeenAttachment {
  readonly id: string
  readonly filename: string
  /** The alt text. */
  readonly description: string | undefined
  readonly contentType: string
  /** A signed link to the stand-in's own file server. */
  readonly url: string
  readonly bytes: Uint8Array
}

/** A button or select of a message. */
export interface SeenComponent {
  readonly type: number
  readonly customId: string | undefined
  readonly label: string | undefined
  readonly url: string | undefined
  readonly disabled: boolean
}

/** A message as somebody sees it; a snapshot of the moment. */
export interface SeenMessage {
  readonly id: string
  readonly channelId: string
  readonly authorId: string
  readonly fromBot: boolean
  readonly content: string
  readonly embeds: readonly JsonObject[]
  readonly components: readonly SeenComponent[]
  readonly attachments: readonly SeenAttachment[]
  /** Whether only one person sees it. */
  readonly ephemeral: boolean
  /** Whether it says no more than that the app is thinking. */
  readonly loading: boolean
  readonly createdAtMs: number
  readonly editedAtMs: number | undefined
  /** Every text it had, the first one first. */
  readonly history: readonly { readonly atMs: number; readonly content: string }[]
  readonly replyTo: string | undefined
  readonly threadId: string | undefined
  /** Whom it notified, at any time of its life. */
  readonly pings: Pings
  readonly deleted: boolean
  /** The message in the API's own form. */
  readonly raw: JsonObject
}

export function seenMessage({ world, cdn }: Platform, message: MessageRecord): SeenMessage {
  const ephemeral = message.ephemeralFor !== undefined
  return {
    id: message.id,
    channelId: message.channelId,
    authorId: message.authorId,
    fromBot: message.authorId === world.botId,
    content: message.content,
    embeds: message.embeds,
    components: componentsOf(message.components),
    attachments: message.attachments.map((one) => ({
      id: one.id,
      filename: one.filename,
      description: one.description,
      contentType: one.contentType,
      url: String(cdn.render(one, message.channelId, ephemeral).url),
      bytes: one.bytes,
    })),
    ephemeral,
    loading: (message.flags & MessageFlags.Loading) !== 0,
    createdAtMs: message.createdAtMs,
    editedAtMs: message.editedAtMs,
    history: [...message.history],
    replyTo: message.reference?.messageId,
    threadId: message.threadId,
    pings: message.pings,
    deleted: message.deleted,
    raw: renderMessage(message, world, cdn),
  }
}

function componentsOf(rows: readonly JsonObject[]): SeenComponent[] {
  return rows
    .flatMap((row) => (Array.isArray(row.components) ? row.components : []))
    .map((one: JsonObject) => ({
      type: Number(one.type),
      customId: typeof one.custom_id === 'string' ? one.custom_id : undefined,
      label: typeof one.label === 'string' ? one.label : undefined,
      url: typeof one.url === 'string' ? one.url : undefined,
      disabled: one.disabled === true,
    }))
}
