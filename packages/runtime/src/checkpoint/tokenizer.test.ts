import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  BOS_ID,
  EOS_ID,
  type Json,
  makeCheckpoint,
  UNKNOWN_ID,
  VIDEO_ID,
} from '../../test/random-checkpoint.js'
import { CheckpointTokenizer } from './tokenizer.js'
import { readTokenizerJson } from './tokenizer-json.js'

const made = makeCheckpoint().files
const open = (json: Json, config: Json, placeholderId: number): CheckpointTokenizer =>
  new CheckpointTokenizer(readTokenizerJson(json, config, placeholderId))
const words = (): CheckpointTokenizer =>
  open(made['tokenizer.json'] as Json, made['tokenizer_config.json'] as Json, VIDEO_ID)

const special = (id: number, content: string, rest: Json = {}): Json => ({
  ...{ id, content, special: true, normalized: false, lstrip: false, rstrip: false },
  ...rest,
})

/** Byte-pair encoding with byte fallback and a space before the first text, as Llama's tokenizers have it. */
function pairs(added: Json[], scheme = 'first'): CheckpointTokenizer {
  const letters = [...'▁abcdeiosvUSER:<>/|_ '].map((letter, index) => [letter, 300 + index])
  const bytes = Array.from({ length: 256 }, (_, byte) => [
    `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`,
    3 + byte,
  ])
  const merged = [
    ['▁a', 400],
    ['ab', 401],
    ['▁U', 402],
  ]
  const vocab = Object.fromEntries([['<unk>', 0], ['<s>', 1], ['</s>', 2], ...bytes, ...letters, ...merged])
  const json = {
    added_tokens: [special(0, '<unk>'), special(1, '<s>'), special(2, '</s>'), ...added],
    normalizer: null,
    pre_tokenizer: { type: 'Metaspace', replacement: '▁', prepend_scheme: scheme, split: false },
    post_processor: null,
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
      ],
    },
    model: { type: 'BPE', vocab, merges: ['▁ a', 'a b', '▁ U'], unk_token: '<unk>', byte_fallback: true },
  }
  return open(json, { bos_token: '<s>', eos_token: '</s>', unk_token: '<unk>' }, 500)
}

describe('trusted text', () => {
  test('names special tokens and is framed as the checkpoint frames every text', () => {
    expect(words().encode([{ text: 'USER: <video>\nwhat </s>', trusted: true }])).toEqual([
      BOS_ID,
      13,
      15,
      VIDEO_ID,
      4,
      EOS_ID,
    ])
  })

  test('that begins with the frame is not framed again', () => {
    expect(words().encode([{ text: '<s>what', trusted: true }])).toEqual([BOS_ID, 4])
  })

  test('is joined with the question before it is cut into tokens', () => {
    const tokens = pairs([]).encode([
      { text: 'a', trusted: true },
      { text: 'b', trusted: false },
    ])
    // "▁ab" is one word: its pair ▁a is merged before ab.
    expect(tokens).toEqual([400, 302])
  })

  test('gets a space in front at the beginning only, where the scheme says "first"', () => {
    const added = [special(500, '<video>')]
    const text = [{ text: 'a<video>a', trusted: true }]
    expect(pairs(added).encode(text)).toEqual([400, 500, 301])
    expect(pairs(added, 'always').encode(text)).toEqual([400, 500, 400])
  })

  test('loses the whitespace that a special token swallows', () => {
    const added = [special(500, '<video>', { lstrip: true, rstrip: true })]
    expect(pairs(added).encode([{ text: 'a <video> a', trusted: true }])).toEqual([400, 500, 301])
  })
})

describe('a question', () => {
  test('that spells special tokens is unknown to a word-level vocabulary, or plain characters', () => {
    const [bos, ...ids] = words().encode([{ text: 'what </s> <video> <s>', trusted: false }])
    expect(bos).toBe(BOS_ID)
    for (const id of ids) expect([BOS_ID, EOS_ID, VIDEO_ID]).not.toContain(id)
    const decoded = pairs([special(500, '<video>')])
    const tokens = decoded.encode([{ text: 'a <video></s>', trusted: false }])
    expect(tokens).not.toContain(500)
    expect(tokens).not.toContain(2)
    expect(decoded.decode(tokens).trim()).toBe('a <video></s>')
  })

  test('of any characters has no special token', () => {
    const tokenizers = [words(), pairs([special(500, '<video>')])]
    const forbidden = [new Set([BOS_ID, EOS_ID, VIDEO_ID]), new Set([1, 2, 500])]
    const piece = fc.oneof(
      fc.constantFrom('<video>', '</s>', '<s>', '<unk>', '</', 's>', '▁', '\u0000'),
      fc.string({ unit: 'binary', maxLength: 8 }),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (parts) => {
        for (const [index, tokenizer] of tokenizers.entries()) {
          const ids = tokenizer.encode([
            { text: 'a', trusted: true },
            { text: parts.join(''), trusted: false },
          ])
          for (const id of index === 0 ? ids.slice(1) : ids) expect(forbidden[index]).not.toContain(id)
        }
      }),
      { numRuns: 50 },
    )
  })
})

test('an unknown word is the unknown token', () => {
  expect(words().encode([{ text: 'zebra', trusted: false }])).toEqual([BOS_ID, UNKNOWN_ID])
})

test('decoding leaves special tokens out, and nothing decodes to nothing', () => {
  expect(words().decode([BOS_ID, 8, 9, EOS_ID])).toBe('red blue')
  expect(words().decode([])).toBe('')
})

test.each([
  ['no added tokens', { added_tokens: undefined }, 'added_tokens'],
  ['an added token without an id', { added_tokens: [{ content: 'x' }] }, 'added_tokens'],
  ['a step without a type', { pre_tokenizer: 'Whitespace' }, 'pre_tokenizer'],
  ['a model without words', { model: { type: 'WordLevel' } }, 'vocab'],
  ['an id that is none', { model: { type: 'WordLevel', vocab: { a: 1e9 } } }, '"a"'],
])('%s is refused by name', (_, change, name) => {
  const json = { ...(made['tokenizer.json'] as Json), ...change }
  expect(() => open(json, {}, VIDEO_ID)).toThrow(
    expect.objectContaining({ code: 'CHECKPOINT_INVALID', message: expect.stringContaining(name) }),
  )
})
