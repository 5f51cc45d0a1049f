import { createHmac, randomBytes } from 'node:crypto'
import type { StandInClock } from './clock.js'
import { type ImageFacts, imageFacts } from './image-facts.js'
import type { JsonObject } from './json.js'
import type { AttachmentRecord } from './world/records.js'

/** How long a signed link works. https://docs.discord.com/developers/reference#signed-attachment-cdn-urls */
const LINK_LIFETIME_MS = 24 * 60 * 60 * 1000

/** Files of messages, under links that are signed and expire. */
export class Cdn {
  readonly #clock: StandInClock
  readonly #secret = randomBytes(32)
  readonly #files = new Map<string, AttachmentRecord>()
  readonly #facts = new WeakMap<AttachmentRecord, ImageFacts>()
  readonly #origin: string

  constructor(clock: StandInClock, origin: string) {
    this.#clock = clock
    this.#origin = origin
  }

  /** Renders an attachment with a link that is signed now. https://docs.discord.com/developers/resources/message#attachment-object */
  render(attachment: AttachmentRecord, channelId: string, ephemeral: boolean): JsonObject {
    const path = this.#pathOf(attachment, channelId, ephemeral)
    this.#files.set(path, attachment)
    const url = `${this.#origin}${path}?${this.#signature(path)}`
    return {
      id: attachment.id,
      filename: attachment.filename,
      size: attachment.bytes.length,
      url,
      proxy_url: url,
      content_type: attachment.contentType,
      ...(attachment.description !== undefined && { description: attachment.description }),
      ...(ephemeral && { ephemeral: true }),
      ...this.#factsOf(attachment),
    }
  }

  /** The file behind a link, or undefined where there is none or the link is forged or past its time. */
  open(url: URL): AttachmentRecord | undefined {
    const file = this.#files.get(decodeURIComponent(url.pathname))
    const expiry = Number.parseInt(url.searchParams.get('ex') ?? '', 16) * 1000
    if (file === undefined || !(expiry > this.#clock.now())) return undefined
    const expected = this.#code(decodeURIComponent(url.pathname), url.searchParams.get('ex') ?? '')
    return url.searchParams.get('hm') === expected ? file : undefined
  }

  #pathOf(attachment: AttachmentRecord, channelId: string, ephemeral: boolean): string {
    const folder = ephemeral ? 'ephemeral-attachments' : 'attachments'
    return `/${folder}/${channelId}/${attachment.id}/${attachment.filename}`
  }

  #signature(path: string): string {
    const expiry = Math.floor((this.#clock.now() + LINK_LIFETIME_MS) / 1000).toString(16)
    const issued = Math.floor(this.#clock.now() / 1000).toString(16)
    return `ex=${expiry}&is=${issued}&hm=${this.#code(path, expiry)}`
  }

  #code(path: string, expiry: string): string {
    return createHmac('sha256', this.#secret).update(`${path}?${expiry}`).digest('hex')
  }

  #factsOf(attachment: AttachmentRecord): ImageFacts {
    const known = this.#facts.get(attachment) ?? imageFacts(attachment.bytes)
    this.#facts.set(attachment, known)
    return known
  }
}
