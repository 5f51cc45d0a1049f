import { isObject } from './fields.js'

export type Json = Readonly<Record<string, unknown>>

/** A token that only trusted text can name. */
export interface SpecialToken {
  readonly id: number
  readonly content: string
  /** Whether the token swallows whitespace on its left, on its right. */
  readonly lstrip: boolean
  readonly rstrip: boolean
  /** Whether the text after it is encoded as if it were the first. */
  readonly restarts?: boolean
}

/** What a checkpoint's tokenizer is made of, whatever file it was read from. */
export interface TokenizerParts {
  /** Encodes text that names no special tokens: `first` at the start of a prompt, `rest` after a special token. */
  readonly encoders: Readonly<Record<'first' | 'rest', (text: string) => readonly number[]>>
  /** Text of tokens, special ones left out. */
  decode(ids: readonly number[]): string
  tokenOf(id: number): string | undefined
  idOf(token: string): number | undefined
  readonly specials: ReadonlyMap<string, SpecialToken>
  /** What text becomes that has no other token. */
  readonly unknownId: number | undefined
  /** The tokens that stand around every text, such as BOS. */
  readonly frame: { readonly prefix: readonly number[]; readonly suffix: readonly number[] }
  readonly largestId: number
  readonly bosToken: string
  readonly eosToken: string
}

/** Configs give a token as its text or as an object with its `content`. */
export function tokenText(value: unknown): string {
  if (typeof value === 'string') return value
  return isObject(value) && typeof value.content === 'string' ? value.content : ''
}
