import type { VideoRef } from '../store/question.js'

/** What is looked at of a message, named as Discord does. */
export interface LookedAt {
  readonly content?: string | undefined
  readonly attachments?: readonly AttachmentFields[] | undefined
  readonly embeds?: readonly EmbedFields[] | undefined
  /** Of a forwarded message. */
  readonly message_snapshots?: readonly { readonly message: LookedAt }[] | undefined
}

interface AttachmentFields {
  readonly url: string
  readonly filename?: string | undefined
  readonly content_type?: string | null | undefined
}

interface EmbedFields {
  readonly url?: string | null | undefined
  readonly video?: { readonly url?: string | null | undefined } | null | undefined
}

/** Longest link, as `openLink` takes it. */
const MOST_CHARACTERS = 8192
const VIDEO_FILE = /\.(?:mp4|m4v|webm|mov|mkv|ogv|avi|ts|m3u8|gif)$/i
const LINKS = /https?:\/\/[^\s<>]{1,8192}/gi
const ATTACHMENT_HOSTS = new Set(['cdn.discordapp.com', 'media.discordapp.net'])

/**
 * The video of a message: an attached one before a link to a file, before what Discord made a player for, before any link.
 * All of it comes from strangers, embeds too, and is only ever opened by the guarded way.
 *
 * @param isAnyLink - Whether a link counts that does not look like a video.
 */
export function findVideo(message: LookedAt, isAnyLink: boolean): VideoRef | undefined {
  const all = [message, ...(message.message_snapshots ?? []).map((snapshot) => snapshot.message)]
  const attachments = all.flatMap((it) => it.attachments ?? [])
  const attached = attachments.find(isVideo) ?? attachments.find(isPicture)
  if (attached !== undefined) return { type: 'attachment', url: attached.url }
  const links = all.flatMap(({ content }) => linksOf(content ?? ''))
  const embeds = all.flatMap((it) => it.embeds ?? [])
  const players = embeds.filter(({ video }) => video != null)
  const candidates = [
    ...links.filter((link) => VIDEO_FILE.test(new URL(link).pathname)),
    ...players.flatMap(({ video, url }) => [video?.url, url]),
    ...(isAnyLink ? [...links, ...embeds.map(({ url }) => url)] : []),
  ]
  for (const candidate of candidates) {
    const found = candidate == null ? undefined : linkRef(candidate)
    if (found !== undefined) return found
  }
  return undefined
}

/** A link as somebody typed it; `undefined` where it can be none. */
export function linkRef(text: string): VideoRef | undefined {
  const given = text.trim().replace(/^<(.*)>$/s, '$1')
  if (given.length > MOST_CHARACTERS || !/^https?:\/\//i.test(given) || !URL.canParse(given)) return undefined
  const url = new URL(given)
  const isAttachment = ATTACHMENT_HOSTS.has(url.hostname) && url.pathname.startsWith('/attachments/')
  return { type: isAttachment ? 'attachment' : 'link', url: url.href }
}

function linksOf(content: string): readonly string[] {
  return [...content.matchAll(LINKS)].map(([link]) => withoutEnd(link)).filter((link) => URL.canParse(link))
}

/** Signs at the end of a link belong to the sentence around it; a bracket only if none was opened in the link. */
function withoutEnd(link: string): string {
  const trimmed = link.replace(/[.,!?;:'"*_~|`\]}]+$/, '')
  if (!trimmed.endsWith(')') || trimmed.includes('(')) return trimmed
  return withoutEnd(trimmed.slice(0, -1))
}

function isVideo({ content_type, filename = '' }: AttachmentFields): boolean {
  return content_type?.startsWith('video/') === true || VIDEO_FILE.test(filename)
}

function isPicture({ content_type }: AttachmentFields): boolean {
  return content_type?.startsWith('image/') === true
}
