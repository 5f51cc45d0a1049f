import { CheckpointError } from '@longtake/core'
import { isObject } from './fields.js'
import { SentencePiece } from './sentence-piece.js'
import { readSentencePieceFile, type SentencePieceFile } from './sentence-piece-file.js'
import { type Json, type SpecialToken, type TokenizerParts, tokenText } from './tokenizer-parts.js'

/** Files beside `tokenizer.model`, as far as the folder has them. */
export interface SentencePieceSettings {
  /** `tokenizer_config.json`. */
  readonly config: Json
  /** `added_tokens.json`: ids by content. */
  readonly added: Json | undefined
}

interface AddedToken extends SpecialToken {
  readonly special: boolean
}

/** Ids of added tokens lie behind the pieces; more than this is no vocabulary. */
const MAX_ID = 1 << 24

/**
 * Reads `tokenizer.model` as Llama's tokenizer does: BOS in front unless `add_bos_token` is false, and, unless `legacy`
 * is false, a space in front of every stretch of text that follows a special token, not only of the first.
 *
 * Control pieces, the unknown piece and added tokens can be named by trusted text only.
 *
 * @throws {CheckpointError} `CHECKPOINT_INVALID` or `CHECKPOINT_UNSUPPORTED`, naming what is wrong.
 */
export function readSentencePiece(
  bytes: Uint8Array,
  { config, added }: SentencePieceSettings,
  placeholderId: number | undefined,
): TokenizerParts {
  const file = readSentencePieceFile(bytes)
  const bosToken = tokenText(config.bos_token) || file.bosPiece
  const eosToken = tokenText(config.eos_token) || file.eosPiece
  const tokens = addedTokens(config, added)
  const contents = new Map(file.pieces.map(({ text }, id) => [id, text]))
  for (const { id, content } of tokens) contents.set(id, content)
  const ids = new Map([...contents].map(([id, content]) => [content, id]))
  const named = new Set([bosToken, eosToken, tokenText(config.pad_token)])
  const specials = findSpecials(file, tokens, named, placeholderId)
  const pieces = new SentencePiece(file, new Set(specials.keys()))
  const legacy = config.legacy !== false
  const framing = (wanted: boolean, token: string): number[] => (wanted ? [requireId(ids, token)] : [])
  return {
    encoders: {
      first: (text) => pieces.encode(text, true),
      rest: (text) => pieces.encode(text, legacy),
    },
    decode: (list) => decode(list, pieces, tokens),
    tokenOf: (id) => contents.get(id),
    idOf: (token) => ids.get(token),
    specials,
    unknownId: file.pieces.findIndex(({ type }) => type === 'unknown'),
    frame: {
      prefix: framing(config.add_bos_token !== false, bosToken),
      suffix: framing(config.add_eos_token === true, eosToken),
    },
    largestId: [...contents.keys()].reduce((largest, id) => Math.max(largest, id), -1),
    bosToken,
    eosToken,
  }
}

function requireId(ids: ReadonlyMap<string, number>, token: string): number {
  const id = ids.get(token)
  if (id !== undefined) return id
  throw new CheckpointError(
    'CHECKPOINT_INVALID',
    `tokenizer.model has no piece ${JSON.stringify(token)}, which is to stand around every text.`,
  )
}

function findSpecials(
  { pieces }: SentencePieceFile,
  added: readonly AddedToken[],
  named: ReadonlySet<string>,
  placeholderId: number | undefined,
): Map<string, SpecialToken> {
  const specials = new Map<string, SpecialToken>()
  for (const [id, { text: content, type }] of pieces.entries()) {
    if (type === 'control' || type === 'unknown' || named.has(content) || id === placeholderId)
      specials.set(content, { id, content, lstrip: false, rstrip: false })
  }
  for (const token of added) specials.set(token.content, token)
  return specials
}

/** Added tokens that are not special are part of the text, between stretches of pieces. */
function decode(ids: readonly number[], pieces: SentencePiece, added: readonly AddedToken[]): string {
  const byId = new Map(added.map((token) => [token.id, token]))
  let text = ''
  let run: number[] = []
  for (const id of ids) {
    const token = byId.get(id)
    if (token === undefined) run.push(id)
    else if (!token.special) {
      text += pieces.decode(run) + token.content
      run = []
    }
  }
  return text + pieces.decode(run)
}

/** From `added_tokens_decoder` of newer configs and `added_tokens.json` of older ones. */
function addedTokens(config: Json, added: Json | undefined): AddedToken[] {
  const tokens: AddedToken[] = []
  for (const [content, id] of Object.entries(added ?? {})) {
    tokens.push({ id: requireTokenId(id, 'added_tokens.json', content), content, ...PLAIN })
  }
  const decoder = config.added_tokens_decoder ?? {}
  if (!isObject(decoder)) throw invalid('tokenizer_config.json: added_tokens_decoder must be an object')
  for (const [key, token] of Object.entries(decoder)) {
    const where = 'tokenizer_config.json: added_tokens_decoder'
    if (!isObject(token) || typeof token.content !== 'string')
      throw invalid(`${where}: ${key} has no content`)
    tokens.push({
      id: requireTokenId(/^\d+$/.test(key) ? Number(key) : key, where, token.content),
      content: token.content,
      lstrip: token.lstrip === true,
      rstrip: token.rstrip === true,
      special: token.special === true,
    })
  }
  return tokens
}

const PLAIN = { lstrip: false, rstrip: false, special: true } as const

function requireTokenId(id: unknown, where: string, content: string): number {
  if (content === '') throw invalid(`${where} has a token without text`)
  if (typeof id === 'number' && Number.isInteger(id) && id >= 0 && id <= MAX_ID) return id
  throw invalid(`${where}: the id of ${JSON.stringify(content)} must be a whole number from 0 to ${MAX_ID}`)
}

function invalid(reason: string): CheckpointError {
  return new CheckpointError('CHECKPOINT_INVALID', `${reason}.`)
}
