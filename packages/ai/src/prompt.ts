import type {
  LanguageModelV3CallOptions,
  LanguageModelV3FilePart,
  LanguageModelV3Message,
  LanguageModelV3Prompt,
  SharedV3Warning,
} from '@ai-sdk/provider'
import { InvalidOptionError } from '@longtake/core'

/** What a prompt asks, and about what. */
export interface Asked {
  readonly question: string
  /** One video, or pictures; of the latest message that has any. */
  readonly media: readonly LanguageModelV3FilePart[]
}

/** Settings of the AI SDK that say nothing to a video model here. */
const UNSUPPORTED = ['presencePenalty', 'frequencyPenalty', 'tools'] as const

/**
 * The question is the text of the last message; what was said before it is left out, as every question is answered from the
 * video alone.
 *
 * @throws {InvalidOptionError} If the last message is no text of the user's, or media are not one video or pictures.
 */
export function readPrompt(prompt: LanguageModelV3Prompt): Asked {
  const last = prompt.at(-1)
  const question = last === undefined ? '' : textOf(last).trim()
  if (last?.role !== 'user' || question === '')
    throw new InvalidOptionError('prompt', "text of the user's in its last message: the question", last?.role)
  const latest = prompt.findLast((message) => mediaOf(message).length > 0)
  return { question, media: latest === undefined ? [] : checkMedia(mediaOf(latest)) }
}

/** What of a call has no effect. */
export function warningsOf(options: LanguageModelV3CallOptions): SharedV3Warning[] {
  const warnings: SharedV3Warning[] = []
  const warn = (feature: string, details?: string): void => {
    warnings.push({ type: 'unsupported', feature, ...(details !== undefined && { details }) })
  }
  for (const name of UNSUPPORTED) {
    const value = options[name]
    if (value !== undefined && (!Array.isArray(value) || value.length > 0)) warn(name)
  }
  if (options.responseFormat?.type === 'json') warn('responseFormat', 'Answers are plain text.')
  if (options.prompt.some(({ role }) => role !== 'user'))
    warn(
      'history',
      'Every question is answered from the video alone: earlier messages and system text are not read.',
    )
  return warnings
}

function textOf({ content }: LanguageModelV3Message): string {
  if (typeof content === 'string') return content
  return content.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n')
}

function mediaOf({ role, content }: LanguageModelV3Message): LanguageModelV3FilePart[] {
  return role === 'user' ? content.filter((part) => part.type === 'file') : []
}

function checkMedia(parts: readonly LanguageModelV3FilePart[]): readonly LanguageModelV3FilePart[] {
  const other = parts.find(({ mediaType }) => !/^(video|image)\//i.test(mediaType))
  if (other !== undefined) throw new InvalidOptionError('mediaType', 'video/* or image/*', other.mediaType)
  if (parts.length > 1 && parts.some(({ mediaType }) => /^video\//i.test(mediaType)))
    throw new InvalidOptionError('prompt', 'one video, or pictures, in a message', `${parts.length} files`)
  return parts
}
