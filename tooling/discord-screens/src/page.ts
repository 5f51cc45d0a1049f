import { parseMarkdown, type SeenMessage, shownText } from '@longtake/discord-stand-in'
import { contentHtml, escapeHtml, type Names } from './html.js'
import { STYLE } from './style.js'

/** Some messages, as one person sees them. */
export interface Scene {
  /** Of the picture. */
  readonly name: string
  readonly messages: readonly SeenMessage[]
  readonly names: Names
}

/** What is read of a message in the API's own form. */
interface Raw {
  readonly author: { readonly id: string; readonly bot?: boolean }
  readonly interaction_metadata?: { readonly name?: string; readonly user: { readonly id: string } }
  readonly referenced_message?: { readonly author: { readonly id: string }; readonly content: string } | null
  readonly components: readonly {
    readonly components: readonly { readonly label?: string; readonly style?: number }[]
  }[]
}

/** When the first message of every scene is said to have been written. */
const START_MINUTES = 14 * 60 + 2
/** https://docs.discord.com/developers/components/reference#button-button-styles */
const BUTTON_STYLES = ['', 'primary', 'secondary', 'success', 'danger', 'secondary']
const AVATARS = ['#5b6ee1', '#3aa076', '#c2577a', '#c98a2b']
const EYE =
  '<svg viewBox="0 0 16 16" width="14" height="14"><path d="M1 8c3-6 11-6 14 0-3 6-11 6-14 0z" fill="currentColor"/><circle cx="8" cy="8" r="2.6" fill="#2b2d31"/></svg>'

/** A page with the messages, in the look of Discord's dark theme. */
export function pageOf({ messages, names }: Scene): string {
  const startMs = messages[0]?.createdAtMs ?? 0
  const people = [...new Set(messages.map(({ raw }) => rawOf(raw).author.id))]
  const rows = messages.map((message) => row(message, names, timeOf(message.createdAtMs - startMs), people))
  return `<!doctype html><meta charset="utf-8"><style>${STYLE}</style><body>${rows.join('')}</body>`
}

function row(message: SeenMessage, names: Names, time: string, people: readonly string[]): string {
  const raw = rawOf(message.raw)
  const { author } = raw
  const name = names.get(author.id) ?? ''
  const color = author.bot ? '#23a55a' : AVATARS[people.indexOf(author.id) % AVATARS.length]
  const edited = message.editedAtMs === undefined || author.bot ? '' : '<span class="edited">(edited)</span>'
  const parts = [
    contentHtml(message.content, names),
    edited,
    ...message.attachments.map(attachment),
    buttons(raw),
    message.ephemeral ? `<div class="alone">${EYE} Only you can see this · <a>Dismiss message</a></div>` : '',
  ]
  return `<div class="message${message.ephemeral ? ' ephemeral' : ''}">${above(raw, names)}
    <div class="avatar" style="background:${color}">${escapeHtml(name.slice(0, 1))}</div>
    <div class="right"><div class="head"><b class="${author.bot ? 'bot' : ''}">${escapeHtml(name)}</b>${
      author.bot ? '<span class="badge">APP</span>' : ''
    }<time>${time}</time></div>${parts.join('')}</div></div>`
}

/** The line that says what a message answers. */
function above({ interaction_metadata, referenced_message }: Raw, names: Names): string {
  if (interaction_metadata?.name !== undefined) {
    const user = escapeHtml(names.get(interaction_metadata.user.id) ?? '')
    const command = escapeHtml(interaction_metadata.name)
    return `<div class="above"><i></i><b>${user}</b> used <a>/${command}</a></div>`
  }
  if (referenced_message == null) return ''
  const text = shownText(parseMarkdown(referenced_message.content))
  const user = escapeHtml(names.get(referenced_message.author.id) ?? '')
  return `<div class="above"><i></i><b>${user}</b> <span>${escapeHtml(text.replaceAll('\n', ' '))}</span></div>`
}

function attachment({ filename, contentType, bytes }: SeenMessage['attachments'][number]): string {
  if (contentType.startsWith('image/')) {
    const data = Buffer.from(bytes).toString('base64')
    return `<img src="data:${contentType};base64,${data}" alt="">`
  }
  const size = `${(bytes.length / 1000).toFixed(1)} kB`
  return `<div class="file"><b><a>${escapeHtml(filename)}</a></b><small>${size}</small></div>`
}

function buttons({ components }: Raw): string {
  const shown = components.map(
    (one) =>
      `<div class="buttons">${one.components
        .map(
          ({ label = '', style = 2 }) =>
            `<span class="button ${BUTTON_STYLES[style]}">${escapeHtml(label)}</span>`,
        )
        .join('')}</div>`,
  )
  return shown.join('')
}

function timeOf(afterMs: number): string {
  const minutes = START_MINUTES + Math.floor(afterMs / 60_000)
  return `Today at ${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}`
}

/** The stand-in renders messages as the API does. */
function rawOf(raw: SeenMessage['raw']): Raw {
  return raw as unknown as Raw
}
