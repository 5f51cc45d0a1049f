import { CheckpointError } from '@longtake/core'
import { isObject } from './fields.js'
import { PatternRefusal, readSplitPattern, type SplitPattern } from './split-pattern.js'
import type { Json } from './tokenizer-parts.js'

/** Most steps of one kind, and deepest sequence; published tokenizers have up to 5 in one. */
const MAX_STEPS = 32
const MAX_DEPTH = 8
/** How many times longer replacements may make a text. */
const MAX_GROWTH = 64
/** Longest added token: each is looked for at every place of a text. */
const MAX_TOKEN_CHARACTERS = 512
/** Most added tokens: published tokenizers have some thousands at most. */
const MAX_ADDED_TOKENS = 1 << 16
/** Most tokens around a text. */
const MAX_FRAME = 64
const MAX_ID = 1 << 24
/** GPT-2's split, which `ByteLevel` brings along. */
export const GPT_2_PATTERN =
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"

/** The steps of a `tokenizer.json`, put in terms that the library and the reference mean the same by. */
export interface TokenizerSteps {
  readonly json: Json
  /** Expressions that texts are matched with. */
  readonly patterns: readonly SplitPattern[]
  /** How many times longer a text may get before it is cut. */
  readonly growth: number
}

/**
 * Checks what a `tokenizer.json` asks for, and rewrites what the library would do otherwise than the reference: which
 * characters are space, letters and digits; where pieces end; the final sigma; what `$` is in a replacement.
 *
 * @throws {CheckpointError} `CHECKPOINT_UNSUPPORTED` naming a step, an option or a pattern that is not run;
 *   `CHECKPOINT_INVALID` for what is no tokenizer.
 */
export function agreedSteps(tokenizer: Json): TokenizerSteps {
  const steps = new StepReader()
  checkModel(tokenizer)
  checkAddedTokens(tokenizer)
  checkFrame(tokenizer.post_processor)
  const json = {
    ...tokenizer,
    normalizer: sequence('normalizers', steps.read('normalizer', tokenizer.normalizer, NORMALIZERS)),
    pre_tokenizer: sequence(
      'pretokenizers',
      steps.read('pre_tokenizer', tokenizer.pre_tokenizer, PRE_TOKENIZERS),
    ),
    decoder: sequence('decoders', steps.read('decoder', tokenizer.decoder, DECODERS)),
  }
  return { json, patterns: steps.patterns, growth: steps.growth }
}

type Rewrite = (step: Json, reader: StepReader) => readonly Json[]
type Rewrites = Readonly<Record<string, Rewrite>>

const PARTS = { normalizer: 'normalizers', pre_tokenizer: 'pretokenizers', decoder: 'decoders' } as const

class StepReader {
  readonly patterns: SplitPattern[] = []
  growth = 1
  #count = 0
  #part: keyof typeof PARTS = 'normalizer'

  read(part: keyof typeof PARTS, step: unknown, rewrites: Rewrites, depth = 0): Json[] {
    this.#part = part
    if (step === null || step === undefined) return []
    if (!isObject(step) || typeof step.type !== 'string') throw invalid(`${part} must be a step with a type`)
    if (++this.#count > MAX_STEPS || depth > MAX_DEPTH)
      throw unsupported(`${part} has more than ${MAX_STEPS} steps, or deeper than ${MAX_DEPTH}`)
    if (step.type === 'Sequence') {
      const steps = step[PARTS[part]]
      if (!Array.isArray(steps)) throw invalid(`${part}: ${PARTS[part]} must be a list`)
      return steps.flatMap((inner) => this.read(part, inner, rewrites, depth + 1))
    }
    const rewrite = Object.hasOwn(rewrites, step.type) ? rewrites[step.type] : undefined
    if (rewrite === undefined) {
      const known = ['Sequence', ...Object.keys(rewrites)].join(', ')
      throw unsupported(`${part} ${JSON.stringify(step.type)} is not supported; known: ${known}`)
    }
    return [...rewrite(step, this)]
  }

  /** The pattern of a step, checked. */
  pattern(value: unknown): { Regex: string } | { String: string } {
    if (isObject(value) && typeof value.String === 'string' && value.String !== '')
      return { String: value.String }
    if (!isObject(value) || typeof value.Regex !== 'string')
      throw invalid(`${this.#part}: a pattern must have a String or a Regex`)
    return this.regex(value.Regex)
  }

  regex(source: string): { Regex: string } {
    try {
      const pattern = readSplitPattern(source)
      if (this.#part !== 'decoder') this.patterns.push(pattern)
      return { Regex: pattern.source }
    } catch (error) {
      if (!(error instanceof PatternRefusal)) throw error
      throw unsupported(`${this.#part}: the pattern ${shorten(source)} ${error.message}, and is not run`)
    }
  }

  word<const W extends string>(step: Json, field: string, words: readonly W[], fallback: W): W {
    const value = step[field] ?? fallback
    const found = words.find((word) => word === value)
    if (found !== undefined) return found
    throw unsupported(
      `${this.#part} ${step.type}: ${field} = ${shorten(JSON.stringify(value))} is not supported (known: ${words.join(', ')})`,
    )
  }

  text(step: Json, field: string, fallback?: string): string {
    const value = step[field] ?? fallback
    if (typeof value === 'string') return value
    throw invalid(`${this.#part} ${step.type}: ${field} must be a text`)
  }

  /** A replacement, in which nothing stands for something else. */
  content(step: Json): string {
    const content = this.text(step, 'content', '')
    this.grow(content.length)
    return content.replaceAll('$', '$$$$')
  }

  grow(characters: number): void {
    // Decoders see tokens, which are few and short.
    this.growth *= this.#part === 'decoder' ? 1 : Math.max(1, characters)
    if (this.growth > MAX_GROWTH || characters > MAX_GROWTH)
      throw unsupported(`${this.#part} makes texts more than ${MAX_GROWTH} times longer`)
  }
}

const asIs: Rewrite = ({ type }) => [{ type }]
const replace: Rewrite = (step, reader) => [
  { type: 'Replace', pattern: reader.pattern(step.pattern), content: reader.content(step) },
]

const NORMALIZERS: Rewrites = {
  NFC: asIs,
  NFD: asIs,
  NFKC: asIs,
  NFKD: asIs,
  StripAccents: asIs,
  // Letter by letter: a sigma at the end of a word is one like any other.
  Lowercase: () => [{ type: 'Replace', pattern: { String: 'Σ' }, content: 'σ' }, { type: 'Lowercase' }],
  Replace: replace,
  Prepend: (step, reader) => {
    const prepend = reader.text(step, 'prepend')
    reader.grow(1 + prepend.length)
    return [{ type: 'Prepend', prepend }]
  },
  Strip: (step, reader) => [
    ...(step.strip_left === false
      ? []
      : [{ type: 'Replace', pattern: reader.regex('\\A\\s+'), content: '' }]),
    ...(step.strip_right === false
      ? []
      : [{ type: 'Replace', pattern: reader.regex('\\s+\\z'), content: '' }]),
  ],
}

const matches = (pattern: Json): Json => ({ type: 'Split', pattern, behavior: 'Removed', invert: true })
const isolated = (pattern: Json): Json => ({ type: 'Split', pattern, behavior: 'Isolated', invert: false })

const PRE_TOKENIZERS: Rewrites = {
  Split: (step, reader) => {
    const behavior = reader.word(step, 'behavior', ['Isolated', 'Removed'], 'Isolated')
    const pattern = reader.pattern(step.pattern)
    // Whichever side is cut out, both stay.
    if (behavior === 'Isolated') return [isolated(pattern)]
    const escaped = 'String' in pattern ? reader.regex(escapePattern(pattern.String)) : pattern
    return [{ type: 'Split', pattern: escaped, behavior, invert: step.invert === true }]
  },
  ByteLevel: (step, reader) => [
    // Before the split, because it is a part of the first piece.
    ...(step.add_prefix_space === true
      ? [{ type: 'Replace', pattern: reader.regex('\\A(?! )'), content: ' ' }]
      : []),
    ...(step.use_regex === false ? [] : [isolated(reader.regex(GPT_2_PATTERN))]),
    { type: 'ByteLevel', add_prefix_space: false, use_regex: false },
  ],
  Metaspace: (step, reader) => {
    const replacement = reader.text(step, 'replacement', '▁')
    if ([...replacement].length !== 1)
      throw invalid('pre_tokenizer Metaspace: replacement must be one character')
    const fallback = step.add_prefix_space === false ? 'never' : 'always'
    const scheme = reader.word(step, 'prepend_scheme', ['always', 'first', 'never'], fallback)
    const mark = escapePattern(replacement)
    return [
      { type: 'Metaspace', replacement, prepend_scheme: scheme },
      ...(step.split === false ? [] : [isolated(reader.regex(`${mark}[^${mark}]*|[^${mark}]+`))]),
    ]
  },
  Whitespace: (_, reader) => [matches(reader.regex('\\w+|[^\\w\\s]+'))],
  WhitespaceSplit: (_, reader) => [matches(reader.regex('\\S+'))],
  Digits: (step, reader) => [isolated(reader.regex(step.individual_digits === true ? '\\p{N}' : '\\p{N}+'))],
  Punctuation: (step, reader) => {
    reader.word(step, 'behavior', ['Isolated'], 'Isolated')
    return [isolated(reader.regex('[!-/:-@\\[-`{-~\\p{P}]'))]
  },
}

const DECODERS: Rewrites = {
  ByteLevel: asIs,
  ByteFallback: asIs,
  Fuse: asIs,
  Replace: replace,
  Metaspace: (step, reader) => [{ type: 'Metaspace', replacement: reader.text(step, 'replacement', '▁') }],
  BPEDecoder: (step, reader) => [{ type: 'BPEDecoder', suffix: reader.text(step, 'suffix', '</w>') }],
  WordPiece: (step, reader) => [
    { type: 'WordPiece', prefix: reader.text(step, 'prefix', '##'), cleanup: step.cleanup !== false },
  ],
  Strip: (step, reader) => [
    {
      type: 'Strip',
      content: reader.text(step, 'content', ' '),
      start: stripped(step.start),
      stop: stripped(step.stop),
    },
  ],
}

function stripped(count: unknown): number {
  if (typeof count === 'number' && Number.isInteger(count) && count >= 0 && count <= MAX_TOKEN_CHARACTERS)
    return count
  if (count === undefined || count === null) return 0
  throw invalid(`decoder Strip: start and stop must be whole numbers up to ${MAX_TOKEN_CHARACTERS}`)
}

/** @throws {CheckpointError} Unless it is a vocabulary of words, or of byte pairs, as published families have them. */
function checkModel({ model }: Json): void {
  if (!isObject(model)) throw invalid('model must be an object')
  const { type = 'BPE', vocab, merges } = model
  if (type !== 'BPE' && type !== 'WordLevel')
    throw unsupported(`model ${JSON.stringify(type)} is not supported; known: BPE, WordLevel`)
  if (!isObject(vocab)) throw invalid('model: vocab must be an object of ids')
  for (const [token, id] of Object.entries(vocab)) checkId(token, id)
  if (type === 'BPE') {
    if (!Array.isArray(merges)) throw invalid('model: merges must be a list')
    if (model.continuing_subword_prefix)
      throw unsupported('model: continuing_subword_prefix is not supported')
    if (model.dropout) throw unsupported('model: dropout is not supported')
  }
}

function checkAddedTokens({ added_tokens: added }: Json): void {
  if (!Array.isArray(added)) throw invalid('added_tokens must be a list')
  if (added.length > MAX_ADDED_TOKENS)
    throw unsupported(`added_tokens has more than ${MAX_ADDED_TOKENS} entries`)
  for (const token of added) {
    if (!isObject(token) || typeof token.content !== 'string' || token.content === '')
      throw invalid('every entry of added_tokens must have a content and an id')
    const content = shorten(JSON.stringify(token.content))
    if (token.content.length > MAX_TOKEN_CHARACTERS)
      throw unsupported(`added_tokens: ${content} has more than ${MAX_TOKEN_CHARACTERS} characters`)
    if (token.single_word === true)
      throw unsupported(`added_tokens: single_word of ${content} is not supported`)
    checkId(token.content, token.id, 'added_tokens: ')
  }
}

/** @throws {CheckpointError} Unless tokens are put around a text, once. */
function checkFrame(processor: unknown, depth = 0): void {
  if (processor === null || processor === undefined) return
  if (!isObject(processor)) throw invalid('post_processor must be a step with a type')
  const { type, processors, single } = processor
  if (type === 'Sequence') {
    if (depth > 0 || !Array.isArray(processors) || processors.length > MAX_STEPS)
      throw unsupported(`post_processor Sequence must be one list of at most ${MAX_STEPS}`)
    for (const inner of processors) checkFrame(inner, depth + 1)
  } else if (type === 'TemplateProcessing') {
    const parts: readonly unknown[] = Array.isArray(single) ? single : []
    const texts = parts.filter((part) => isObject(part) && 'Sequence' in part)
    if (parts.length > MAX_FRAME || texts.length !== 1)
      throw unsupported(`post_processor: single must have the text once, and at most ${MAX_FRAME} parts`)
  } else if (type !== 'ByteLevel' && type !== 'RobertaProcessing' && type !== 'BertProcessing') {
    throw unsupported(`post_processor ${JSON.stringify(type)} is not supported`)
  }
}

function checkId(token: string, id: unknown, where = ''): void {
  if (typeof id === 'number' && Number.isInteger(id) && id >= 0 && id <= MAX_ID) return
  throw invalid(
    `${where}the id of ${shorten(JSON.stringify(token))} must be a whole number from 0 to ${MAX_ID}`,
  )
}

function sequence(name: string, steps: readonly Json[]): Json | null {
  return steps.length === 0 ? null : { type: 'Sequence', [name]: steps }
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/&-]/g, '\\$&')
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}

function invalid(reason: string): CheckpointError {
  return new CheckpointError('CHECKPOINT_INVALID', `tokenizer.json: ${reason}.`)
}

function unsupported(reason: string): CheckpointError {
  return new CheckpointError('CHECKPOINT_UNSUPPORTED', `tokenizer.json: ${reason}.`)
}
