import type { SpecialToken, TokenizerParts } from './tokenizer-parts.js'

/** A piece of a prompt. Only trusted text, which comes from the checkpoint, may name special tokens. */
export interface TextPiece {
  readonly text: string
  readonly trusted: boolean
}

/** A stretch of text between special tokens, or one special token. */
type Section = { text: string } | { token: SpecialToken }

/**
 * A checkpoint's tokenizer in which only trusted text can become special tokens.
 *
 * Special tokens are found in trusted text here, and everything else is encoded by encoders that do not have them, so
 * a question that spells `</s>` or `<video>` is encoded as those characters.
 */
export class CheckpointTokenizer {
  readonly #parts: TokenizerParts
  readonly #specials: ReadonlyMap<string, SpecialToken>
  readonly #specialIds: ReadonlySet<number>
  readonly #pattern: RegExp | undefined
  /** The largest id that any text can become. */
  readonly largestId: number
  /** Names of special tokens for chat templates. */
  readonly bosToken: string
  readonly eosToken: string

  /** @param outside - A special token that is not of the vocabulary, such as a placeholder that the prompt alone has. */
  constructor(parts: TokenizerParts, outside?: SpecialToken) {
    this.#parts = parts
    this.#specials = new Map([...parts.specials, ...(outside ? [[outside.content, outside] as const] : [])])
    this.largestId = parts.largestId
    this.bosToken = parts.bosToken
    this.eosToken = parts.eosToken
    const ids = [...this.#specials.values()].map(({ id }) => id)
    this.#specialIds = new Set(ids.filter((id) => id !== parts.unknownId))
    const contents = [...this.#specials.keys()].sort((a, b) => b.length - a.length)
    this.#pattern = contents.length > 0 ? new RegExp(contents.map(escapePattern).join('|'), 'g') : undefined
  }

  /** The text of a token, or undefined where the vocabulary has no such id. */
  tokenOf(id: number): string | undefined {
    return this.#parts.tokenOf(id)
  }

  /** The id of a token's text, or undefined where the vocabulary has no such token. */
  idOf(token: string): number | undefined {
    return token === '' ? undefined : this.#parts.idOf(token)
  }

  /** The tokens that stand around every text, such as BOS. */
  get frame(): { prefix: readonly number[]; suffix: readonly number[] } {
    return this.#parts.frame
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
    const ids = sections.flatMap((section, index) => {
      if ('token' in section) return [section.token.id]
      const before = sections[index - 1]
      const starts = before === undefined || ('token' in before && before.token.restarts === true)
      return this.#encodePlain(section.text, starts)
    })
    const { prefix, suffix } = this.#parts.frame
    const framed = prefix.length > 0 && prefix.every((id, index) => ids[index] === id)
    return framed ? [...ids, ...suffix] : [...prefix, ...ids, ...suffix]
  }

  /** Text of generated tokens, special ones left out. */
  decode(ids: readonly number[]): string {
    if (ids.length === 0) return ''
    return this.#parts.decode(ids)
  }

  /** The plain copies cannot yield special ids by their rules; what slips through by an odd vocabulary is dropped. */
  #encodePlain(text: string, first: boolean): number[] {
    if (text === '') return []
    const encode = this.#parts.encoders[first ? 'first' : 'rest']
    return encode(wellFormed(text)).filter((id) => !this.#specialIds.has(id))
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
    if (section.token.lstrip && left !== undefined && 'text' in left)
      left.text = left.text.slice(0, textEnd(left.text))
    if (section.token.rstrip && right !== undefined && 'text' in right)
      right.text = right.text.replace(LEADING_SPACE, '')
  }
  return sections
}

/** Unicode's white space; the language's own takes a byte order mark for space, and a next line for none. */
const LEADING_SPACE = /^\p{White_Space}+/u
const SPACE = /\p{White_Space}/u

/** Where text ends but for white space; a pattern would try every run of it. */
function textEnd(text: string): number {
  let end = text.length
  while (end > 0 && SPACE.test(text.charAt(end - 1))) end--
  return end
}

/** Halves of surrogate pairs are no characters: they count as unknown ones, wherever text becomes bytes. */
function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\uFFFD')
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}
