import { safeName } from '../messages/message-from-body.js'
import type { Platform } from '../platform.js'
import type { AttachmentRecord } from '../world/records.js'

/** A file that a person adds to a message or an option. */
export interface Upload {
  readonly name: string
  readonly bytes: Uint8Array
  /** Default by the name's ending. */
  readonly contentType?: string
  readonly description?: string
}

const TYPES: Readonly<Record<string, string>> = {
  mp4: 'video/mp4',
  webm: 'video/webm',
  mov: 'video/quicktime',
  mkv: 'video/x-matroska',
  png: 'image/png',
  jpg: 'image/jpeg',
  gif: 'image/gif',
  txt: 'text/plain; charset=utf-8',
}

export function attachmentFrom({ ids }: Platform, upload: Upload): AttachmentRecord {
  const ending = /\.([^.]+)$/.exec(upload.name)?.[1]?.toLowerCase() ?? ''
  return {
    id: ids.next(),
    filename: safeName(upload.name),
    contentType: upload.contentType ?? TYPES[ending] ?? 'application/octet-stream',
    bytes: upload.bytes,
    description: upload.description,
    spoiler: false,
  }
}
