import type { Form } from './form.js'

/** https://docs.discord.com/developers/resources/message#attachment-object */
const DESCRIPTION_LENGTH = 1024
/** https://docs.discord.com/developers/reference#uploading-files */
const MOST_FILES = 10

/** One entry of `attachments`: a file of this upload by its number, or one that stays by its id. */
export interface AttachmentRequest {
  readonly id: string
  readonly filename: string | undefined
  readonly description: string | undefined
  readonly spoiler: boolean
}

export function checkAttachments(form: Form): AttachmentRequest[] {
  return form.list({ max: MOST_FILES }).map((entry) => {
    entry.object({ required: true })
    return {
      id: entry.field('id').snowflake({ required: true }) ?? '',
      filename: entry.field('filename').text({ max: 1024 }),
      description: entry.field('description').text({ max: DESCRIPTION_LENGTH }),
      spoiler: entry.field('is_spoiler').boolean() ?? false,
    }
  })
}
