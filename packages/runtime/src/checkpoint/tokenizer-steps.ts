import { isObject } from './fields.js'
import { PatternRefusal, readSplitPattern, type SplitPattern } from './split-pattern.js'
import {
  checkTokenizer,
  invalid,
  MAX_STEPS,
  MAX_TOKEN_CHARACTERS,
  shorten,
  unsupported,
} from './tokenizer-checks.js'
import type { Json } from './tokenizer-parts.js'

/** Deepest sequence of steps. */
const MAX_DEPTH = 8
/** How many times longer replacements may make a text. */
const MAX_GROWTH = 64
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
  checkTokenizer(tokenizer)
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

function sequence(name: string, steps: readonly Json[]): Json | null {
  return steps.length === 0 ? null : { type: 'Sequence', [name]: steps }
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/&-]/g, '\\$&')
}
