import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { byteTokenizer, llamaTokenizer } from '../../test/published-tokenizers.js'
import { CheckpointTokenizer } from '../checkpoint/tokenizer.js'
import { readTokenizerJson } from '../checkpoint/tokenizer-json.js'
import { TextStream } from './text-stream.js'

/** Tokens are indices of these words; decoding joins them with spaces, as word-level tokenizers do. */
const WORDS = ['the', 'red', 'square', 'STOP', 'ST', 'OP']
const words = (ids: readonly number[]): string => ids.map((id) => WORDS[id]).join(' ')
/** Tokens are bytes of UTF-8. */
const bytes = (ids: readonly number[]): string =>
  new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(ids))

const pieces = (stream: TextStream, ids: Iterable<number>): string[] => [
  ...Array.from(ids, (id) => stream.push(id)),
  stream.end(),
]

test('pieces come as they are certain and join to the whole', () => {
  expect(pieces(new TextStream(words), [0, 1, 2])).toEqual(['the', ' red', ' square', ''])
})

test('no piece ends inside a character', () => {
  const stream = new TextStream(bytes)
  expect(pieces(stream, new TextEncoder().encode('é→😀'))).toEqual([
    '',
    'é',
    '',
    '',
    '→',
    '',
    '',
    '',
    '😀',
    '',
  ])
})

test('tokens without text leave no trace', () => {
  const skipping = (ids: readonly number[]): string => words(ids.filter((id) => id >= 0))
  expect(pieces(new TextStream(skipping), [-1, 0, -1, -1, 1]).join('|')).toBe('|the||| red|')
})

test('whitespace at both ends is dropped, and kept in between', () => {
  expect(pieces(new TextStream(bytes), new TextEncoder().encode('  a  b ')).join('')).toBe('a  b')
})

describe('a stop string', () => {
  test('ends the answer and is not part of it', () => {
    const stream = new TextStream(words, ['STOP'])
    expect(pieces(stream, [0, 3, 1])).toEqual(['the', '', '', ''])
    expect(stream.stopped).toBe(true)
  })

  test('is found across tokens, and its beginning is given when it turns out to be none', () => {
    const stop = new TextStream(words, ['ST OP'])
    expect(pieces(stop, [1, 4, 5]).join('')).toBe('red')
    expect(stop.stopped).toBe(true)
    const none = new TextStream(words, ['ST OP'])
    expect(pieces(none, [1, 4, 1])).toEqual(['red', '', ' ST red', ''])
    expect(none.stopped).toBe(false)
  })

  test('that never comes whole is given at the end', () => {
    expect(pieces(new TextStream(words, ['ST OP']), [4])).toEqual(['', 'ST'])
  })
})

test('of several stop strings the one that is complete first ends the answer, however the text is cut', () => {
  const parts = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'c', ' ', 'é', '😀'), maxLength: 4 }), {
    maxLength: 8,
  })
  const stops = fc.array(
    fc.string({ unit: fc.constantFrom('a', 'b', 'c', ' ', 'é'), minLength: 1, maxLength: 3 }),
    {
      maxLength: 3,
    },
  )
  fc.assert(
    fc.property(parts, stops, (tokens, ends) => {
      const stream = new TextStream((ids) => ids.map((id) => tokens[id]).join(''), ends)
      const given = pieces(stream, tokens.keys())
      const expected = beforeFirstStop(tokens.join('').trimStart(), ends)
      expect(given.join('')).toBe(expected.text.trimEnd())
      expect(stream.stopped).toBe(expected.stopped)
    }),
    { numRuns: 500 },
  )
})

/** Character by character: the first place at which the text so far ends in a stop string. */
function beforeFirstStop(text: string, stops: readonly string[]): { text: string; stopped: boolean } {
  for (let end = 1; end <= text.length; end++) {
    const found = stops.filter((stop) => text.slice(0, end).endsWith(stop))
    const longest = Math.max(...found.map(({ length }) => length))
    if (found.length > 0) return { text: text.slice(0, end - longest), stopped: true }
  }
  return { text, stopped: false }
}

test('nothing is held back that no stop string can begin with', () => {
  const stream = new TextStream((ids) => String.fromCharCode(...ids), ['\nUSER', 'ab'])
  const given = Array.from('one, a\nUSA xa', (letter) => stream.push(letter.charCodeAt(0)))
  expect(given).toEqual(['o', 'n', 'e', ',', '', '', ' a', '', '', '\nUSA', '', ' x', ''])
})

test('of a last character that did not come whole nothing is shown', () => {
  const [first = 0, second = 0] = new TextEncoder().encode('é')
  expect(pieces(new TextStream(bytes), [97, first])).toEqual(['a', '', ''])
  expect(pieces(new TextStream(bytes), [97, first, second])).toEqual(['a', '', 'é', ''])
})

describe.each([
  [
    'bytes as fallback',
    llamaTokenizer(),
    (byte: number) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`,
  ],
  ['bytes as letters', byteTokenizer('llama3'), byteLetter],
] as const)('a tokenizer of %s', (_, { json, config }, nameOf) => {
  const tokenizer = new CheckpointTokenizer(readTokenizerJson(json, config))
  const text = fc
    .array(
      fc.oneof(
        fc.string({ unit: 'grapheme', maxLength: 4 }),
        fc.constantFrom('😀', '👨‍👩‍👧', '汉', 'é', '\ufeff', ' a'),
      ),
      {
        maxLength: 8,
      },
    )
    .map((parts) => parts.join('').replaceAll('▁', '').replaceAll('\ufffd', ''))

  test.each([
    ['as it is cut', (whole: string) => tokenizer.encodeUntrusted(whole)],
    [
      'byte by byte',
      (whole: string) =>
        Array.from(new TextEncoder().encode(whole), (byte) => tokenizer.idOf(nameOf(byte)) ?? -1),
    ],
  ])('shows no broken character, %s, and all of the text', (_how, idsOf) => {
    fc.assert(
      fc.property(text, (whole) => {
        const given = pieces(new TextStream((ids) => tokenizer.decode(ids)), idsOf(whole))
        expect(given.join('')).toBe(whole.trim())
        expect(given.some((piece) => piece.includes('\ufffd') || /\p{Surrogate}/u.test(piece))).toBe(false)
      }),
      { numRuns: 300 },
    )
  })

  test('shows nothing of a character that an answer ends in the middle of', () => {
    fc.assert(
      fc.property(text, fc.nat(), (whole, cut) => {
        const all = new TextEncoder().encode(whole)
        const some = all.slice(0, all.length > 0 ? cut % all.length : 0)
        const ids = Array.from(some, (byte) => tokenizer.idOf(nameOf(byte)) ?? -1)
        const shown = pieces(new TextStream((list) => tokenizer.decode(list)), ids).join('')
        expect(whole.trimStart().startsWith(shown)).toBe(true)
        expect(shown).toBe(
          new TextDecoder('utf-8', { ignoreBOM: true })
            .decode(some)
            .replace(/\ufffd+$/, '')
            .trim(),
        )
      }),
      { numRuns: 300 },
    )
  })
})

/** GPT-2's letter of a byte. */
function byteLetter(byte: number): string {
  const isPrintable = (value: number): boolean =>
    (value > 0x20 && value < 0x7f) || (value > 0xa0 && value !== 0xad)
  const before = Array.from({ length: byte }, (_, value) => value).filter(
    (value) => !isPrintable(value),
  ).length
  return String.fromCharCode(isPrintable(byte) ? byte : 0x100 + before)
}
