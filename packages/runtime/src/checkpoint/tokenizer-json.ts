import { Tokenizer } from '@huggingface/tokenizers'
import { CheckpointError, EngineError } from '@longtake/core'
import { isObject } from './fields.js'
import { matchingWork } from './split-pattern.js'
import { type Json, type SpecialToken, type TokenizerParts, tokenText } from './tokenizer-parts.js'
import { agreedSteps, GPT_2_PATTERN, type TokenizerSteps } from './tokenizer-steps.js'

/** What is used of the library's class; its own types do not resolve under Node's rules. */
interface LibraryTokenizer {
  encode(text: string, options?: { add_special_tokens?: boolean }): { ids: (number | undefined)[] }
  decode(ids: number[], options?: { skip_special_tokens?: boolean }): string
  token_to_id(token: string): number | undefined
  id_to_token(id: number): string | undefined
  tokenize(text: string): string[]
  decoder: object | null
}

const LibraryTokenizer: new (tokenizer: Json, config: Json) => LibraryTokenizer = Tokenizer

/** Most tokens that a config lists once more as special. */
const MAX_ADDITIONAL_TOKENS = 4096
/** Most steps that matching a text's pieces may take: some seconds. */
const MAX_WORK = 5e8

/**
 * Reads `tokenizer.json`. Text that names no special tokens is encoded by copies of the tokenizer that lack them.
 *
 * @param placeholderId - The token that stands for the video, which only trusted text can name.
 * @param endIds - Tokens that end an answer: likewise, where they are added tokens.
 * @throws {CheckpointError} `CHECKPOINT_INVALID` if the files make no tokenizer; `CHECKPOINT_UNSUPPORTED` naming what is
 *   not read. Encoding throws `EngineError` `CONTEXT_TOO_LONG` for a text that would take too long to cut.
 */
export function readTokenizerJson(
  file: Json,
  config: Json,
  placeholderId?: number,
  endIds: readonly number[] = [],
): TokenizerParts {
  const steps = agreedSteps(file)
  const tokenizer = steps.json
  const settings = librarySettings(tokenizer, config)
  const bosToken = tokenText(config.bos_token)
  const eosToken = tokenText(config.eos_token)
  const named = [bosToken, eosToken, tokenText(config.pad_token)]
  const specials = findSpecials(tokenizer, named, placeholderId, endIds)
  // Some name their end token for what is unknown: from an untrusted text that must not come either.
  const unknown = named.includes(tokenText(settings.unk_token)) ? '' : tokenText(settings.unk_token)
  const plain = withoutSpecials(tokenizer, specials, unknown)
  const open = (json: Json): LibraryTokenizer => new LibraryTokenizer(json, settings)
  try {
    const [full, first, rest] = [open(tokenizer), open(plain), open(continuing(plain))]
    keepByteOrderMarks(full)
    const check = workCheck(steps)
    return {
      encoders: {
        first: (text) => encodeBare(first, check(text)),
        rest: (text) => encodeBare(rest, check(text)),
      },
      decode: (ids) => full.decode([...ids], { skip_special_tokens: true }),
      tokenOf: (id) => full.id_to_token(id),
      idOf: (token) => full.token_to_id(token),
      specials,
      unknownId: unknown === '' ? undefined : full.token_to_id(unknown),
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
  placeholderId: number | undefined,
  endIds: readonly number[],
): Map<string, SpecialToken> {
  const specials = new Map<string, SpecialToken>()
  const ends = new Set(endIds)
  for (const token of tokenizer.added_tokens as readonly Json[]) {
    const [id, content] = [token.id as number, token.content as string]
    const isReserved = id === placeholderId || ends.has(id) || named.includes(content)
    if (token.special !== true && !isReserved) continue
    specials.set(content, {
      id,
      content,
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

/** The library drops a mark that stands first in a run of bytes. */
function keepByteOrderMarks({ decoder }: LibraryTokenizer): void {
  const steps: unknown[] = [decoder]
  for (const step of steps) {
    const { decoders, text_decoder: bytes } = (step ?? {}) as { decoders?: unknown[]; text_decoder?: unknown }
    if (bytes !== undefined)
      Object.assign(step as object, { text_decoder: new TextDecoder('utf-8', { ignoreBOM: true }) })
    steps.push(...(decoders ?? []))
  }
}

/** A tokenizer that gives the pieces of a text as they are. */
const NO_STEPS = {
  ...{ added_tokens: [], normalizer: null, post_processor: null, decoder: null },
  model: { type: 'WordLevel', vocab: {} },
}

/** Patterns of Qwen2, Llama 3 and GPT-2: a run that one alternative tries for nothing is taken whole by the next. */
const LINEAR: ReadonlySet<string> = new Set(
  ['\\p{N}', '\\p{N}{1,3}']
    .map(
      (digits) =>
        `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`,
    )
    .concat(GPT_2_PATTERN),
)

/** Refuses a text on which the patterns of a tokenizer may run for long. */
function workCheck({ patterns, growth }: TokenizerSteps): (text: string) => string {
  const unknown = patterns.filter(({ source }) => !LINEAR.has(source))
  const open = unknown.flatMap(({ ways }) => ways.flatMap(({ runs }) => runs.filter((run) => run.open)))
  const finders = new Map(
    open.map(({ atom }) => {
      const pattern = { Regex: `${atom}+` }
      const split = { type: 'Split', pattern, behavior: 'Removed', invert: true }
      return [atom, new LibraryTokenizer({ ...NO_STEPS, pre_tokenizer: split }, {})]
    }),
  )
  return (text) => {
    const found = new Map([...finders].map(([atom, finder]) => [atom, finder.tokenize(text)]))
    const work = unknown.reduce(
      (sum, pattern) => sum + matchingWork(pattern, text, (atom) => found.get(atom) ?? []),
      0,
    )
    if (work * growth ** 2 <= MAX_WORK) return text
    throw new EngineError(
      'CONTEXT_TOO_LONG',
      `The checkpoint's tokenizer could take minutes to cut a text of ${text.length} characters with runs like these. Shorten it.`,
    )
  }
}

/**
 * Word-level vocabularies name their unknown token in the model, the library reads it from the config. Spaces before
 * full stops are dropped only where the config says so, or where words are all that a decoder has.
 */
function librarySettings(tokenizer: Json, config: Json): Json {
  const model = isObject(tokenizer.model) ? tokenizer.model : {}
  const unknown = tokenText(config.unk_token) || tokenText(model.unk_token)
  const cleanUp = config.clean_up_tokenization_spaces ?? tokenizer.decoder === null
  const flat: Record<string, unknown> = { ...config, clean_up_tokenization_spaces: cleanUp }
  // The library compares each with all others; those that are tokens at all are in the file too.
  flat.additional_special_tokens = additionalTokens(config.additional_special_tokens)
  for (const name of ['bos_token', 'eos_token', 'pad_token'])
    flat[name] = tokenText(config[name]) || undefined
  return { ...flat, unk_token: unknown === '' ? undefined : unknown }
}

function additionalTokens(listed: unknown): readonly string[] {
  if (!Array.isArray(listed)) return []
  return listed.slice(0, MAX_ADDITIONAL_TOKENS).map(tokenText)
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
