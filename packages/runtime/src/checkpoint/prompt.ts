import { CheckpointError } from '@longtake/core'
import { isObject } from './fields.js'
import type { CheckpointTokenizer, TextPiece } from './tokenizer.js'

/** Stands for the question while a template is rendered; private-use characters that no template contains. */
const QUESTION = '\u{F0000}question\u{F0001}'

type Json = Readonly<Record<string, unknown>>

/** What one message came out as, or why it did not. */
export type Rendered = { readonly text: string } | { readonly failure: string }

/**
 * Renders a chat template for each of some contexts. A template is a program that came with the checkpoint, and may loop
 * for ever or make endless text: what is given here bounds both.
 */
export type RenderTemplate = (template: string, contexts: readonly object[]) => Promise<readonly Rendered[]>

/** A prompt around one question: text from the checkpoint before and after it. */
export interface PromptTemplate {
  readonly before: string
  readonly after: string
}

/** Token ids of a prompt, cut where the visual tokens go in. */
export interface PromptIds {
  readonly before: readonly number[]
  readonly after: readonly number[]
}

/** Where a checkpoint may keep its chat template. */
export interface PromptSources {
  /** `chat_template.jinja`. */
  readonly jinja: string | undefined
  /** `chat_template.json`. */
  readonly json: Json | undefined
  /** `tokenizer_config.json`. */
  readonly tokenizerConfig: Json
  /** The family's own prompt, with `{video}` and `{question}`. */
  readonly fallback: string
}

/**
 * Makes the prompt of a checkpoint: its chat template with one message of a video and a question, or else the
 * family's own prompt.
 *
 * @param placeholder - Text of the token that stands for the video.
 * @throws {CheckpointError} `CHECKPOINT_INVALID` if the template fails, or loses the video or the question;
 *   `CHECKPOINT_UNSUPPORTED` if it puts the question before the video.
 */
export async function makePrompt(
  sources: PromptSources,
  placeholder: string,
  tokenizer: CheckpointTokenizer,
  renderTemplate: RenderTemplate,
): Promise<PromptTemplate> {
  const template = findTemplate(sources)
  if (template === undefined) {
    return cutAtQuestion(
      sources.fallback.replace('{video}', placeholder).replace('{question}', QUESTION),
      placeholder,
    )
  }
  const question = { type: 'text', text: QUESTION }
  const [video, image, plain] = await renderTemplate(
    template,
    [[{ type: 'video' }, question], [{ type: 'image' }, question], `${placeholder}\n${QUESTION}`].map(
      (content) => ({
        messages: [{ role: 'user', content }],
        add_generation_prompt: true,
        bos_token: tokenizer.bosToken,
        eos_token: tokenizer.eosToken,
      }),
    ),
  )
  // Templates of image models leave out a video, but have the same place for an image.
  for (const rendered of [video, image]) {
    const text = textOf(rendered)
    if (text.includes(placeholder) && text.includes(QUESTION)) return cutAtQuestion(text, placeholder)
  }
  // Templates of text models know no content parts and want the placeholder in the text.
  return cutAtQuestion(textOf(plain), placeholder)
}

/** Encodes a prompt with its question; nothing that the question spells becomes a special token. */
export function encodePrompt(
  template: PromptTemplate,
  question: string,
  placeholderId: number,
  tokenizer: CheckpointTokenizer,
): PromptIds {
  const pieces: TextPiece[] = [
    { text: template.before, trusted: true },
    { text: question, trusted: false },
    { text: template.after, trusted: true },
  ]
  return cutAtPlaceholder(tokenizer.encode(pieces), placeholderId)
}

/** Cuts token ids at the one placeholder. */
export function cutAtPlaceholder(ids: readonly number[], placeholderId: number): PromptIds {
  const place = ids.indexOf(placeholderId)
  if (place < 0 || ids.indexOf(placeholderId, place + 1) >= 0) {
    throw new CheckpointError(
      'CHECKPOINT_INVALID',
      `The prompt must have the video's token ${placeholderId} exactly once.`,
    )
  }
  return { before: ids.slice(0, place), after: ids.slice(place + 1) }
}

function cutAtQuestion(text: string, placeholder: string): PromptTemplate {
  const [before, after, ...rest] = text.split(QUESTION)
  if (before === undefined || after === undefined || rest.length > 0) {
    throw invalid('does not put the question into the prompt exactly once')
  }
  if ((before + after).split(placeholder).length !== 2) {
    throw invalid(`does not put the video (${placeholder}) into the prompt exactly once`)
  }
  // Everything up to the video is taken in before there is a question.
  if (after.includes(placeholder)) {
    throw new CheckpointError(
      'CHECKPOINT_UNSUPPORTED',
      "The checkpoint's chat template puts the question before the video; only questions after it can be asked.",
    )
  }
  return { before, after }
}

function findTemplate({ jinja, json, tokenizerConfig }: PromptSources): string | undefined {
  const template = jinja ?? json?.chat_template ?? tokenizerConfig.chat_template
  if (template === undefined || template === null) return undefined
  if (typeof template === 'string') return template
  const named = Array.isArray(template) ? template.filter(isObject) : []
  const found = named.find(({ name }) => name === 'default') ?? named[0]
  if (typeof found?.template !== 'string') throw invalid('is neither text nor a list of named templates')
  return found.template
}

function textOf(rendered: Rendered | undefined): string {
  if (rendered !== undefined && 'text' in rendered) return rendered.text
  throw invalid(`cannot be rendered: ${rendered?.failure}`)
}

function invalid(reason: string): CheckpointError {
  return new CheckpointError('CHECKPOINT_INVALID', `The checkpoint's chat template ${reason}.`)
}
