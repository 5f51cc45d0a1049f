import type { APIActionRowComponent, APIComponentInMessageActionRow } from 'discord.js'

/** A file of a message. */
export interface DraftFile {
  readonly name: string
  readonly data: Uint8Array
  readonly contentType: string
  /** What a picture shows, for those who do not see it. */
  readonly description?: string
}

export type Buttons = readonly APIActionRowComponent<APIComponentInMessageActionRow>[]

/** A message as it should be. */
export interface Draft {
  /** Up to 2,000 characters. */
  readonly content: string
  readonly buttons: Buttons
  readonly files: readonly DraftFile[]
}

/** Nobody is ever pinged, whatever a text says. */
export const NO_MENTIONS = { parse: [], replied_user: false }

/** The body of a request that creates or edits a message; what it has besides goes. */
export function bodyOf(draft: Draft) {
  return {
    body: {
      content: draft.content,
      components: draft.buttons,
      allowed_mentions: NO_MENTIONS,
      attachments: draft.files.map(({ name, description }, id) => ({
        id,
        filename: name,
        ...(description !== undefined && { description: description.slice(0, 1024) }),
      })),
    },
    ...(draft.files.length > 0 && {
      files: draft.files.map(({ name, data, contentType }) => ({
        name,
        data: Buffer.from(data),
        contentType,
      })),
    }),
  }
}
