import { Tokenizer } from '@huggingface/tokenizers'
import { CheckpointError } from '@longtake/core'
import { isObject } from './fields.js'

/** A piece of a prompt. Only trusted text, which comes from the checkpoint, may name special tokens. */
export interface TextPiece {
  readonly text: string
  readonly trusted: boolean
}

type Json = Readonly<Record<string, unknown>>

interface SpecialToken {
  readonly id: number
  readonly content: string
  /** Whether the token swallows whitespace on its left, on its right. */
  readonly lstrip: boolean
  readonly rstrip: boolean
}

/** What is used of the library's class; its own types do not resolve under Node's rules. */
interface LibraryTokenizer {
  encode(text: string, options?: { add_special_tokens?: boolean }): { ids: (number | undefined)[] }
  decode(ids: number[], options?: { skip_special_tokens?: boolean }): string
  token_to_id(token: string): number | undefined
  id_to_token(id: number): string | undefined
}

const LibraryTokenizer: new (tokenizer: Json, config: Json) => LibraryTokenizer = Tokenizer

/** A stretch of text between special tokens, or one special token. */
type Section = { text: string } | { token: SpecialToken }

/**
 * A checkpoint's tokenizer in which only trusted text can become special tokens.
 *
 * Special tokens are found in trusted text here, and everything else is encoded by a copy of the tokenizer that
 * does not have them, so a question that spells `</s>` or `<video>` is encoded as those characters.
 */
export class CheckpointTokenizer {
  readonly #full: LibraryTokenizer
  readonly #plainFirst: LibraryTokenizer
  readonly #plainRest: LibraryTokenizer
  readonly #specials: ReadonlyMap<string, SpecialToken>
  readonly #specialIds: ReadonlySet<number>
  readonly #pattern: RegExp | undefined
  readonly #prefix: readonly number[]
  readonly #suffix: readonly number[]
  /** The largest id that any text can become. */
  readonly largestId: number
  /** Names of special tokens for chat templates. */
  readonly bosToken: string
  readonly eosToken: string

  /**
   * @param tokenizer - `tokenizer.json`.
   * @param config - `tokenizer_config.json`.
   * @param placeholderId - Token whose place the video takes; special whether or not the files say so. Undefined for
   *   a tokenizer of text alone.
   * @throws {CheckpointError} `CHECKPOINT_INVALID` if the files make no tokenizer.
   */
  constructor(tokenizer: Json, config: Json, placeholderId: number | undefined) {
    const settings = withUnknownToken(tokenizer, config)
    this.bosToken = tokenText(config.bos_token)
    this.eosToken = tokenText(config.eos_token)
    const named = [this.bosToken, this.eosToken, tokenText(config.pad_token)]
    this.#specials = findSpecials(tokenizer, named, placeholderId)
    const plain = withoutSpecials(tokenizer, this.#specials, tokenText(settings.unk_token))
    try {
      this.#full = new LibraryTokenizer(tokenizer, settings)
      this.#plainFirst = new LibraryTokenizer(plain, settings)
      this.#plainRest = new LibraryTokenizer(continuing(plain), settings)
      const frame = findFrame(this.#full)
      this.#prefix = frame.prefix
      this.#suffix = frame.suffix
    } catch (error) {
      const reason = (error as Error).message
      throw new CheckpointError('CHECKPOINT_INVALID', `tokenizer.json makes no tokenizer: ${reason}`, {
        cause: error,
      })
    }
    const unknownId = this.#full.token_to_id(tokenText(settings.unk_token))
    this.#specialIds = new Set(
      [...this.#specials.values()].map(({ id }) => id).filter((id) => id !== unknownId),
    )
    this.largestId = largestId(tokenizer)
    const contents = [...this.#specials.keys()].sort((a, b) => b.length - a.length)
    this.#pattern = contents.length > 0 ? new RegExp(contents.map(escapePattern).join('|'), 'g') : undefined
  }

  /** The text of a token, or undefined where the vocabulary has no such id. */
  tokenOf(id: number): string | undefined {
    return this.#full.id_to_token(id)
  }

  /** The id of a token's text, or undefined where the vocabulary has no such token. */
  idOf(token: string): number | undefined {
    return token === '' ? undefined : this.#full.token_to_id(token)
  }

  /** The tokens that stand around every text, such as BOS. */
  get frame(): { prefix: readonly number[]; suffix: readonly number[] } {
    return { prefix: this.#prefix, suffix: this.#suffix }
  }

  /** Encodes text that cannot name special tokens, with nothing around it. */
  encodeUntrusted(text: string): number[] {
    return this.#encodePlain(text, true)
  }

  /**
   * Encodes a prompt; the tokens that the checkpoint puts around every text (such as BOS) are added unless the
   * text already starts with them.
   */
  encode(pieces: readonly TextPiece[]): number[] {
    const sections = this.#split(pieces)
    const ids = sections.flatMap((section, index) =>
      'token' in section ? [section.token.id] : this.#encodePlain(section.text, index === 0),
    )
    const framed = this.#prefix.length > 0 && this.#prefix.every((id, index) => ids[index] === id)
    return framed ? [...ids, ...this.#suffix] : [...this.#prefix, ...ids, ...this.#suffix]
  }

  /** Text of generated tokens, special ones left out. */
  decode(ids: readonly number[]): string {
    if (ids.length === 0) return ''
    return this.#full.decode([...ids], { skip_special_tokens: true })
  }

  /** The plain copies cannot yield special ids by their rules; what slips through by an odd vocabulary is dropped. */
  #encodePlain(text: string, first: boolean): number[] {
    if (text === '') return []
    const tokenizer = first ? this.#plainFirst : this.#plainRest
    const { ids } = tokenizer.encode(text, { add_special_tokens: false })
    return ids.filter((id) => id !== undefined).filter((id) => !this.#specialIds.has(id))
  }

  #split(pieces: readonly TextPiece[]): Section[] {
    const sections: Section[] = []
    for (const { text, trusted } of pieces) {
      let start = 0
      for (const match of (trusted && this.#pattern && text.matchAll(this.#pattern)) || []) {
        appendText(sections, text.slice(start, match.index))
        const token = this.#specials.get(match[0])
        if (token !== undefined) sections.push({ token })
        start = match.index + match[0].length
      }
      appendText(sections, text.slice(start))
    }
    return stripAround(sections)
  }
}

/** The tokens that the checkpoint puts around every text, such as BOS: what a word is framed by. */
function findFrame(tokenizer: LibraryTokenizer): { prefix: number[]; suffix: number[] } {
  const bare = tokenizer.encode('a', { add_special_tokens: false }).ids
  const framed = tokenizer.encode('a').ids.filter((id) => id !== undefined)
  let start = 0
  while (start + bare.length < framed.length && bare.some((id, index) => framed[start + index] !== id))
    start++
  return { prefix: framed.slice(0, start), suffix: framed.slice(start + bare.length) }
}

function appendText(sections: Section[], text: string): void {
  if (text === '') return
  const last = sections.at(-1)
  if (last !== undefined && 'text' in last) last.text += text
  else sections.push({ text })
}

function stripAround(sections: Section[]): Section[] {
  for (const [index, section] of sections.entries()) {
    if (!('token' in section)) continue
    const [left, right] = [sections[index - 1], sections[index + 1]]
    if (section.token.lstrip && left !== undefined && 'text' in left) left.text = left.text.trimEnd()
    if (section.token.rstrip && right !== undefined && 'text' in right) right.text = right.text.trimStart()
  }
  return sections
}

function findSpecials(
  tokenizer: Json,
  named: readonly string[],
  placeholderId: number | undefined,
): Map<string, SpecialToken> {
  const added = tokenizer.added_tokens
  if (!Array.isArray(added)) throw invalid('added_tokens must be a list')
  const specials = new Map<string, SpecialToken>()
  for (const token of added) {
    if (
      !isObject(token) ||
      typeof token.content !== 'string' ||
      token.content === '' ||
      !Number.isSafeInteger(token.id)
    ) {
      throw invalid('every entry of added_tokens must have a content and an id')
    }
    const id = token.id as number
    if (token.special !== true && id !== placeholderId && !named.includes(token.content)) continue
    specials.set(token.content, {
      id,
      content: token.content,
      lstrip: token.lstrip === true,
      rstrip: token.rstrip === true,
    })
  }
  for (const [content, id] of vocabularyEntries(tokenizer)) {
    if (id === placeholderId || named.includes(content)) {
      if (!specials.has(content)) specials.set(content, { id, content, lstrip: false, rstrip: false })
    }
  }
  return specials
}

/** A copy whose rules cannot make a special token: neither as an added token nor as a word of the vocabulary. */
function withoutSpecials(
  tokenizer: Json,
  specials: ReadonlyMap<string, SpecialToken>,
  unknown: string,
): Json {
  const hidden = (content: string): boolean => specials.has(content) && content !== unknown
  const model = isObject(tokenizer.model) ? tokenizer.model : {}
  const { vocab } = model
  const plainVocab = Array.isArray(vocab)
    ? vocab.map((entry, id) =>
        Array.isArray(entry) && hidden(String(entry[0])) ? [`\u{10FFFD}${id}`, entry[1]] : entry,
      )
    : isObject(vocab)
      ? Object.fromEntries(Object.entries(vocab).filter(([content]) => !hidden(content)))
      : vocab
  const added = (tokenizer.added_tokens as readonly Json[]).filter(
    ({ content }) => !specials.has(content as string),
  )
  return { ...tokenizer, model: { ...model, vocab: plainVocab }, added_tokens: added }
}

/** The copy for text after a special token: a space is not put before it where the scheme says "first". */
function continuing(tokenizer: Json): Json {
  return { ...tokenizer, pre_tokenizer: continuingScheme(tokenizer.pre_tokenizer) }
}

function continuingScheme(step: unknown): unknown {
  if (!isObject(step)) return step
  if (Array.isArray(step.pretokenizers))
    return { ...step, pretokenizers: step.pretokenizers.map(continuingScheme) }
  return step.prepend_scheme === 'first' ? { ...step, prepend_scheme: 'never' } : step
}

/** Word-level vocabularies name their unknown token in the model, the library reads it from the config. */
function withUnknownToken(tokenizer: Json, config: Json): Json {
  const model = isObject(tokenizer.model) ? tokenizer.model : {}
  const unknown = tokenText(config.unk_token) || tokenText(model.unk_token)
  const flat: Record<string, unknown> = { ...config }
  for (const name of ['bos_token', 'eos_token', 'pad_token'])
    flat[name] = tokenText(config[name]) || undefined
  return { ...flat, unk_token: unknown === '' ? undefined : unknown }
}

function vocabularyEntries(tokenizer: Json): [string, number][] {
  const vocab = isObject(tokenizer.model) ? tokenizer.model.vocab : undefined
  if (Array.isArray(vocab))
    return vocab.map((entry, id) => [String(Array.isArray(entry) ? entry[0] : entry), id])
  return isObject(vocab) ? Object.entries(vocab).map(([content, id]) => [content, Number(id)]) : []
}

/** Over the vocabulary and the added tokens. */
function largestId(tokenizer: Json): number {
  const added = (tokenizer.added_tokens as readonly Json[]).map(({ id }) => Number(id))
  const ids = [...vocabularyEntries(tokenizer).map(([, id]) => id), ...added]
  return ids.reduce((largest, id) => Math.max(largest, id), -1)
}

/** Configs give a token as its text or as an object with its `content`. */
function tokenText(value: unknown): string {
  if (typeof value === 'string') return value
  return isObject(value) && typeof value.content === 'string' ? value.content : ''
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}

function invalid(reason: string): CheckpointError {
  return new CheckpointError('CHECKPOINT_INVALID', `tokenizer.json: ${reason}.`)
}
