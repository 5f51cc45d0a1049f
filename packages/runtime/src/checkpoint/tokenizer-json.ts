import { Tokenizer } from '@huggingface/tokenizers'
import { CheckpointError } from '@longtake/core'
import { isObject } from './fields.js'
import { type Json, type SpecialToken, type TokenizerParts, tokenText } from './tokenizer-parts.js'

/** What is used of the library's class; its own types do not resolve under Node's rules. */
interface LibraryTokenizer {
  encode(text: string, options?: { add_special_tokens?: boolean }): { ids: (number | undefined)[] }
  decode(ids: number[], options?: { skip_special_tokens?: boolean }): string
  token_to_id(token: string): number | undefined
  id_to_token(id: number): string | undefined
}

const LibraryTokenizer: new (tokenizer: Json, config: Json) => LibraryTokenizer = Tokenizer

/**
 * Reads `tokenizer.json`. Text that names no special tokens is encoded by copies of the tokenizer that lack them.
 *
 * @throws {CheckpointError} `CHECKPOINT_INVALID` if the files make no tokenizer.
 */
export function readTokenizerJson(
  tokenizer: Json,
  config: Json,
  reserved: readonly number[],
): TokenizerParts {
  const settings = withUnknownToken(tokenizer, config)
  const bosToken = tokenText(config.bos_token)
  const eosToken = tokenText(config.eos_token)
  const specials = findSpecials(tokenizer, [bosToken, eosToken, tokenText(config.pad_token)], reserved)
  const plain = withoutSpecials(tokenizer, specials, tokenText(settings.unk_token))
  const open = (json: Json): LibraryTokenizer => new LibraryTokenizer(json, settings)
  try {
    const [full, first, rest] = [open(tokenizer), open(plain), open(continuing(plain))]
    return {
      encoders: { first: (text) => encodeBare(first, text), rest: (text) => encodeBare(rest, text) },
      decode: (ids) => full.decode([...ids], { skip_special_tokens: true }),
      tokenOf: (id) => full.id_to_token(id),
      idOf: (token) => full.token_to_id(token),
      specials,
      unknownId: full.token_to_id(tokenText(settings.unk_token)),
      frame: findFrame(full),
      largestId: largestId(tokenizer),
      bosToken,
      eosToken,
    }
  } catch (error) {
    const reason = (error as Error).message
    throw new CheckpointError('CHECKPOINT_INVALID', `tokenizer.json makes no tokenizer: ${reason}`, {
      cause: error,
    })
  }
}

function encodeBare(tokenizer: LibraryTokenizer, text: string): number[] {
  return tokenizer.encode(text, { add_special_tokens: false }).ids.filter((id) => id !== undefined)
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

function findSpecials(
  tokenizer: Json,
  named: readonly string[],
  reserved: readonly number[],
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
    if (token.special !== true && !reserved.includes(id) && !named.includes(token.content)) continue
    specials.set(token.content, {
      id,
      content: token.content,
      lstrip: token.lstrip === true,
      rstrip: token.rstrip === true,
    })
  }
  for (const [content, id] of vocabularyEntries(tokenizer)) {
    if (reserved.includes(id) || named.includes(content)) {
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

function invalid(reason: string): CheckpointError {
  return new CheckpointError('CHECKPOINT_INVALID', `tokenizer.json: ${reason}.`)
}
