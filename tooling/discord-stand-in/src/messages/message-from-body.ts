import { MessageFlags } from 'discord-api-types/v10'
import type { AttachmentRequest } from '../checks/attachments.js'
import type { Form } from '../checks/form.js'
import type { MessageBody } from '../checks/message-body.js'
import type { Platform } from '../platform.js'
import { refusals } from '../rest/api-error.js'
import type { UploadedFile } from '../rest/route.js'
import type { AttachmentRecord, MessageRecord } from '../world/records.js'
import type { MessageEdit } from './post-message.js'

/** https://docs.discord.com/developers/reference#uploading-files */
const MOST_FILES = 10

/**
 * The files that a new or edited message ends up with. On an edit, `attachments` lists those that stay and the new
 * ones; without it the old ones stay. https://docs.discord.com/developers/reference#editing-message-attachments
 */
export function attachmentsFrom(
  platform: Platform,
  form: Form,
  body: MessageBody,
  files: readonly UploadedFile[],
  old: readonly AttachmentRecord[] = [],
): AttachmentRecord[] {
  const requests = body.attachments ?? []
  const kept = body.attachments === undefined ? [...old] : keptOf(form, requests, old, files)
  const added = files.map((file) => {
    const request = requests.find(({ id }) => id === file.number)
    return attachmentOf(platform, file, request)
  })
  if (kept.length + added.length > MOST_FILES) {
    form.field('attachments').refuse('BASE_TYPE_MAX_LENGTH', `Must be ${MOST_FILES} or fewer in length.`)
  }
  checkEmbedFiles(form, body, [...kept, ...added])
  return [...kept, ...added]
}

function keptOf(
  form: Form,
  requests: readonly AttachmentRequest[],
  old: readonly AttachmentRecord[],
  files: readonly UploadedFile[],
): AttachmentRecord[] {
  return requests.flatMap((request, index) => {
    const found = old.find(({ id }) => id === request.id)
    if (found !== undefined) return [{ ...found, description: request.description ?? found.description }]
    if (!files.some(({ number }) => number === request.id)) {
      form
        .field('attachments')
        .field(index)
        .field('id')
        .refuse('MESSAGE_ATTACHMENT_NOT_FOUND', `Attachment ${request.id} is not in this upload`)
    }
    return []
  })
}

function attachmentOf(
  { ids }: Platform,
  file: UploadedFile,
  request: AttachmentRequest | undefined,
): AttachmentRecord {
  return {
    id: ids.next(),
    filename: safeName(request?.filename ?? file.filename),
    contentType: file.contentType,
    bytes: file.bytes,
    description: request?.description,
    spoiler: request?.spoiler ?? false,
  }
}

/** Embeds may only show files that are there. */
function checkEmbedFiles(form: Form, body: MessageBody, attachments: readonly AttachmentRecord[]): void {
  const names = new Set(attachments.map(({ filename }) => filename))
  body.embeds?.forEach((embed, index) => {
    for (const part of ['image', 'thumbnail']) {
      const link = /^attachment:\/\/(.+)$/.exec(String(Reflect.get(Object(embed[part]), 'url')))?.[1]
      if (link !== undefined && !names.has(link)) {
        const place = form.field('embeds').field(index).field(part).field('url')
        place.refuse('EMBED_ATTACHMENT_NOT_FOUND', `Attachment ${link} is not in this message`)
      }
    }
  })
}

/** Discord keeps letters, digits, dots, dashes and underscores of a file's name. */
export function safeName(name: string): string {
  return name.replaceAll(/[^\p{L}\p{N}._-]+/gu, '_').replace(/^\.+/, '') || 'unknown'
}

/** What an edit's body changes.
 * @throws {ApiError} 50035 for a body with faults, 50006 if nothing would be left.
 */
export function editFrom(
  platform: Platform,
  form: Form,
  body: MessageBody,
  files: readonly UploadedFile[],
  message: MessageRecord,
): MessageEdit {
  const attachments = attachmentsFrom(platform, form, body, files, message.attachments)
  form.finish()
  const edit: MessageEdit = {
    ...(body.content !== undefined && { content: body.content }),
    ...(body.embeds !== undefined && { embeds: body.embeds }),
    ...(body.components !== undefined && { components: body.components }),
    attachments,
    ...(body.flags !== undefined && { flags: withSuppression(message.flags, body.flags) }),
    allowedMentions: body.allowedMentions,
  }
  requireContent({ ...message, ...edit })
  return edit
}

/** Of the flags an edit changes only whether links are shown with embeds. https://docs.discord.com/developers/resources/message#edit-message */
function withSuppression(flags: number, wanted: number): number {
  return (flags & ~MessageFlags.SuppressEmbeds) | (wanted & MessageFlags.SuppressEmbeds)
}

/** @throws {ApiError} 50006 for a message without anything in it. */
export function requireContent(
  message: Pick<MessageRecord, 'content' | 'embeds' | 'components' | 'attachments'>,
): void {
  const parts = [message.embeds, message.components, message.attachments]
  if (message.content === '' && parts.every((part) => part.length === 0)) throw refusals.emptyMessage()
}
