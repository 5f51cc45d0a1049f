import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
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
