import { ApiError } from '../http/api-error.js'
import type { Message, Part } from './schema.js'

/** A video or pictures as a message names them. */
export type Media =
  | { readonly type: 'id'; readonly id: string }
  | { readonly type: 'urls'; readonly urls: readonly string[] }

export interface Conversation {
  readonly question: string
  /** What the question is about: of the latest message that has any. */
  readonly media: Media | undefined
}

const SPEAKERS = { system: 'System', developer: 'System', user: 'User', assistant: 'Assistant' } as const
/** More pictures than this are an album, and the runtime takes no more at once. */
const MOST_PICTURES = 64

/**
 * What a conversation asks: the text of its last message, about the video or pictures of the latest message that has any.
 *
 * @param withHistory - Whether what was said before is put in front of the question.
 * @throws {ApiError} 400.
 */
export function readConversation(
  messages: readonly Message[],
  withHistory: boolean,
  mostCharacters: number,
): Conversation {
  const last = messages.at(-1)
  if (last?.role !== 'user') {
    throw new ApiError(400, 'invalid_value', "The last message must be the user's: it is the question.", {
      param: 'messages',
    })
  }
  const texts = messages.map((message) => textOf(message))
  if (texts.reduce((sum, text) => sum + text.length, 0) > mostCharacters) {
    throw new ApiError(
      400,
      'context_length_exceeded',
      `The texts have more than ${mostCharacters} characters.`,
      {
        param: 'messages',
      },
    )
  }
  const asked = texts.at(-1)?.trim() ?? ''
  if (asked === '') {
    throw new ApiError(400, 'invalid_value', 'The last message has no text: ask something.', {
      param: 'messages',
    })
  }
  const said = messages.slice(0, -1).flatMap((message, index) => {
    const text = texts[index]?.trim() ?? ''
    return text === '' ? [] : [`${SPEAKERS[message.role]}: ${text}`]
  })
  const question = withHistory && said.length > 0 ? [...said, `User: ${asked}`].join('\n') : asked
  return {
    question,
    media: messages.reduce<Media | undefined>((known, it, at) => mediaOf(it, at) ?? known, undefined),
  }
}

function textOf({ content }: Message): string {
  if (typeof content === 'string') return content
  return (content ?? []).flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n')
}

function mediaOf({ content, role }: Message, at: number): Media | undefined {
  if (typeof content !== 'object' || content === null) return undefined
  const param = `messages[${at}].content`
  const parts = content.filter((part) => part.type !== 'text')
  if (parts.length === 0) return undefined
  if (role !== 'user')
    throw new ApiError(400, 'invalid_value', 'Only messages of the user may have media.', { param })
  const isPicture = (part: Part): boolean => part.type === 'image_url'
  if (parts.length > 1 && !parts.every(isPicture)) {
    throw new ApiError(
      400,
      'invalid_value',
      'A message may have one video, or pictures, not several videos or both.',
      {
        param,
      },
    )
  }
  if (parts.length > MOST_PICTURES) {
    throw new ApiError(400, 'invalid_value', `A message may have at most ${MOST_PICTURES} pictures.`, {
      param,
    })
  }
  const [first] = parts
  if (first?.type === 'file' && first.file.file_id !== undefined)
    return { type: 'id', id: first.file.file_id }
  return { type: 'urls', urls: parts.map((part) => urlOf(part, param)) }
}

function urlOf(part: Part, param: string): string {
  const url =
    part.type === 'video_url'
      ? part.video_url.url
      : part.type === 'image_url'
        ? part.image_url.url
        : part.type === 'input_video'
          ? (part.input_video ?? part.video_url)?.url
          : part.type === 'file'
            ? dataUri(part.file.file_data ?? '', param)
            : undefined
  if (url !== undefined) return url
  throw new ApiError(400, 'invalid_value', 'The part names no video.', { param })
}

/** OpenAI's clients send files as `data:` URIs. */
function dataUri(text: string, param: string): string {
  if (/^data:/i.test(text)) return text
  throw new ApiError(400, 'invalid_value', 'file.file_data: expected a data: URI', { param })
}
