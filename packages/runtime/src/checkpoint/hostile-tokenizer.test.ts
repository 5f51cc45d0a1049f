import { afterEach, describe, expect, test } from 'vitest'
import { byteTokenizer, clipTokenizer } from '../../test/published-tokenizers.js'
import { type Json, makeCheckpoint, writeCheckpoint } from '../../test/random-checkpoint.js'
import { openCheckpoint } from './open-checkpoint.js'
import { readTokenizerJson } from './tokenizer-json.js'

const { json, config } = byteTokenizer('llama3')
const TEXT = { Sequence: { id: 'A', type_id: 0 } }
const split = (source: string): Json => ({
  type: 'Split',
  pattern: { Regex: source },
  behavior: 'Isolated',
  invert: false,
})
const level = { type: 'ByteLevel', add_prefix_space: false, use_regex: false }
const withPattern = (source: string): Json => ({
  ...json,
  pre_tokenizer: { type: 'Sequence', pretokenizers: [split(source), level] },
})
const encode = (file: Json, text: string): readonly number[] =>
  readTokenizerJson(file, config).encoders.first(text)
const unsupported = (part: string) =>
  expect.objectContaining({ code: 'CHECKPOINT_UNSUPPORTED', message: expect.stringContaining(part) })

describe('a pattern that could run for ever is refused', () => {
  test.each([
    ['(a+)+$', 'repeats a group'],
    ['(a|a)*b', 'repeats a group'],
    ['(?:a?){30}a{30}', 'repeats a group'],
    ['(?:\\w*)*x', 'repeats a group'],
    ['(?:a|b){2}', 'repeats a group'],
    ['\\s*\\s*\\s*x', 'open repetitions'],
    ['(?=\\s*\\s*)\\s*x', 'open repetitions'],
    ['(?:a|a)'.repeat(40), 'ways'],
    ['(?:a|b)?'.repeat(40), 'ways'],
    ['a?'.repeat(40), 'ways'],
    ['(a)\\1+', '\\1'],
    ['(?<name>a)\\k<name>', 'unknown kind'],
    ['(?>a+)b', 'unknown kind'],
    ['(?m)^a', 'unknown kind'],
    ['a**', 'repeated'],
    ['*a', 'nothing'],
    ['[a', 'not closed'],
    ['(a', 'not closed'],
    ['a)', 'not open'],
    ['a{5,2}', '{5,2}'],
    [`${'(?:'.repeat(50)}a${')'.repeat(50)}`, 'deeper'],
    ['x'.repeat(5000), '2000 characters'],
    ['', 'empty'],
  ])('%s', (source, part) => {
    expect(() => encode(withPattern(source), 'a')).toThrow(unsupported(part))
    const normalizer = { type: 'Replace', pattern: { Regex: source }, content: '' }
    expect(() => encode({ ...json, normalizer }, 'a')).toThrow(unsupported(part))
  })

  test('or used on a text for which it takes too long', () => {
    const file = withPattern('\\s*\\s*x')
    expect(encode(file, ' a  x b ').length).toBeGreaterThan(0)
    expect(() => encode(file, ' '.repeat(5000))).toThrow(
      expect.objectContaining({ code: 'CONTEXT_TOO_LONG', message: expect.stringContaining('5000') }),
    )
  })
})

test.each([
  [
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+",
  ],
  [
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  ],
  ["'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"],
  [
    '[!"#$%&\'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+',
  ],
])('a pattern of a published model is run: %s', (source) => {
  const text = "I'm here,  we'LL see 12345 \n\n things… 视频 HELLOworld x_1"
  const file = withPattern(source)
  expect(readTokenizerJson(file, config).decode(encode(file, text))).toBe(text)
})

test('long runs of anything are cut in time by the published patterns', () => {
  const runs = ['a', ' ', '\n', '-', '1', '汉', ' \n'].map((part) => part.repeat(30_000 / part.length))
  for (const file of [json, byteTokenizer('qwen2').json, byteTokenizer('gpt2').json]) {
    for (const run of runs)
      expect(readTokenizerJson(file, config).decode(encode(file, `${run}x`))).toBe(`${run}x`)
  }
  const clip = clipTokenizer()
  for (const run of runs)
    expect(() => readTokenizerJson(clip.json, clip.config).encoders.first(run)).not.toThrow()
})

test.each<[string, Json, string]>([
  [
    'replacements that double a text again and again',
    {
      normalizer: {
        type: 'Sequence',
        normalizers: Array.from({ length: 30 }, () => ({
          type: 'Replace',
          pattern: { String: 'a' },
          content: 'aa',
        })),
      },
    },
    'times longer',
  ],
  [
    'a long replacement',
    { normalizer: { type: 'Replace', pattern: { String: 'a' }, content: 'b'.repeat(1e6) } },
    'times longer',
  ],
  [
    'a hundred steps',
    { normalizer: { type: 'Sequence', normalizers: Array.from({ length: 100 }, () => ({ type: 'NFC' })) } },
    'steps',
  ],
  ['pieces of no length', { pre_tokenizer: { type: 'FixedLength', length: 0 } }, 'FixedLength'],
  ['a step that nobody knows', { pre_tokenizer: { type: 'Nonsense' } }, 'Nonsense'],
  ['a step by the name of a property', { normalizer: { type: 'constructor' } }, 'constructor'],
  ['a character map', { normalizer: { type: 'Precompiled', precompiled_charsmap: 'AA==' } }, 'Precompiled'],
  [
    'another way to split',
    { pre_tokenizer: { ...split('a'), behavior: 'MergedWithPrevious' } },
    'MergedWithPrevious',
  ],
  ['another model', { model: { type: 'Unigram', vocab: [['a', 0]], unk_id: 0 } }, 'Unigram'],
  ['chance', { model: { ...(json.model as Json), dropout: 0.5 } }, 'dropout'],
  ['an endless added token', { added_tokens: [{ id: 1, content: 'a'.repeat(1e5) }] }, 'added_tokens'],
  [
    'a text put into itself again and again',
    {
      post_processor: {
        type: 'Sequence',
        processors: Array.from({ length: 30 }, () => ({
          type: 'TemplateProcessing',
          single: [TEXT, TEXT],
          special_tokens: {},
        })),
      },
    },
    'post_processor',
  ],
  [
    'a million tokens around a text',
    {
      post_processor: {
        type: 'TemplateProcessing',
        single: [TEXT, ...Array.from({ length: 1e6 }, () => ({ SpecialToken: { id: 'a', type_id: 0 } }))],
        special_tokens: {},
      },
    },
    'post_processor',
  ],
  [
    'a hundred thousand added tokens',
    { added_tokens: Array.from({ length: 1e5 }, (_, id) => ({ id, content: `<${id}>` })) },
    'added_tokens',
  ],
  [
    'a token that must be a word',
    { added_tokens: [{ id: 1, content: 'ab', single_word: true }] },
    'single_word',
  ],
  ['another post-processor', { post_processor: { type: 'Nonsense' } }, 'Nonsense'],
])('%s: refused by name', (_, change, part) => {
  expect(() => encode({ ...json, ...change }, 'a')).toThrow(unsupported(part))
})

test('a million additional special tokens are read in time', () => {
  const additional_special_tokens = Array.from({ length: 1e6 }, (_, id) => `<${id}>`)
  const { encoders, decode } = readTokenizerJson(json, { ...config, additional_special_tokens })
  expect(decode(encoders.first('abc'))).toBe('abc')
})

test('a dollar sign in a replacement is a dollar sign', () => {
  const normalizer = { type: 'Replace', pattern: { String: 'b' }, content: '$&$`$$' }
  const { encoders, decode } = readTokenizerJson({ ...json, normalizer }, config)
  expect(decode(encoders.first('abc'))).toBe('a$&$`$$c')
})

describe('a chat template', () => {
  const undo: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const remove of undo.splice(0)) await remove()
  })

  async function open(template: string): Promise<readonly number[]> {
    const made = makeCheckpoint()
    made.files['chat_template.jinja'] = template
    const { folder, remove } = await writeCheckpoint(made)
    undo.push(remove)
    const checkpoint = await openCheckpoint(folder)
    undo.push(() => checkpoint.close())
    return checkpoint.encodeQuestion('what').after
  }

  const GOOD = 'USER: <video> {{ messages[0].content[1].text }}'

  test.each([
    [
      'loops for ever',
      '{% for a in range(99999) %}{% for b in range(99999) %}{% set c = a * b %}{% endfor %}{% endfor %}',
      'longer than',
    ],
    [
      'doubles a text again and again',
      "{% set ns = namespace(s='aa') %}{% for i in range(60) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ ns.s }}",
      'cannot be rendered',
    ],
    [
      'makes a list of a thousand million numbers',
      '{% for a in range(1000000000) %}{% endfor %}',
      'cannot be rendered',
    ],
    ['writes a long text', "{{ range(30000) | join(' word ') }}", 'characters'],
    ['calls itself', '{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}', 'cannot be rendered'],
    ['is longer than any', `{# ${'x'.repeat(300_000)} #}`, 'characters'],
  ])('that %s is refused, and the process goes on', async (_, attack, part) => {
    await expect(open(attack + GOOD)).rejects.toThrow(
      expect.objectContaining({
        code: 'CHECKPOINT_INVALID',
        message: expect.stringMatching(new RegExp(`template.*${part}`)),
      }),
    )
    expect((await open(GOOD)).length).toBeGreaterThan(0)
  })
})
