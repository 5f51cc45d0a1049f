import { InvalidOptionError } from '@longtake/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MessageReader, WireError, writeMessage } from './wire.js'

const LIMITS = { textBytes: 2 ** 20, arrayBytes: 2 ** 20 }

/** Messages read from bytes that come in pieces of the given lengths. */
function readAll(bytes: Uint8Array, pieceBytes = bytes.length, limits = LIMITS): unknown[] {
  const reader = new MessageReader(limits)
  const messages: unknown[] = []
  for (let at = 0; at < bytes.length; at += pieceBytes)
    messages.push(...reader.take(bytes.subarray(at, at + pieceBytes)))
  return messages
}

const leaf = fc.oneof(
  fc.constantFrom(null, true, false, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0),
  fc.double(),
  fc.string(),
  fc.uint8Array(),
  fc.float32Array({ noNaN: true }),
)
const { data } = fc.letrec((tie) => ({
  data: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc.array(tie('data')),
    fc.dictionary(fc.string(), tie('data'), { noNullPrototype: true }),
  ),
}))

describe('messages', () => {
  test('come through as they are, in pieces of any length', () => {
    fc.assert(
      fc.property(fc.array(data, { maxLength: 4 }), fc.integer({ min: 1, max: 40 }), (values, pieceBytes) => {
        const bytes = Buffer.concat(values.flatMap((value) => writeMessage('value', value)))
        expect(readAll(bytes, pieceBytes)).toEqual(values)
      }),
    )
  })

  test('keep a field called __proto__ a field', () => {
    const value: unknown = JSON.parse('{"__proto__": {"isAdmin": true}}')
    const [read] = readAll(Buffer.concat(writeMessage('value', value)))
    expect(Object.hasOwn(read as object, '__proto__')).toBe(true)
    expect(Reflect.get(Object.prototype, 'isAdmin')).toBeUndefined()
  })

  test.each([
    ['a function', () => 1],
    ['a symbol', Symbol('s')],
    ['a big integer', 1n],
    ['other arrays', new Float64Array(1)],
  ])('refuse %s', (_, value) => {
    expect(() => writeMessage('frames', { deep: [value] })).toThrow(InvalidOptionError)
    expect(() => writeMessage('frames', { deep: [value] })).toThrow('frames')
  })

  test('refuse what contains itself', () => {
    const circle: unknown[] = []
    circle.push(circle)
    expect(() => writeMessage('frames', circle)).toThrow(InvalidOptionError)
  })
})

describe('a reader', () => {
  const message = Buffer.concat(writeMessage('value', { text: 'words', bytes: new Uint8Array(100) }))

  test('refuses any other bytes, or waits for more, and never fails otherwise', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          expect(readAll(bytes)).toEqual([])
        } catch (error) {
          expect(error).toBeInstanceOf(WireError)
        }
      }),
    )
  })

  test('refuses changed messages, or reads something else, and never fails otherwise', () => {
    const place = fc.integer({ min: 0, max: message.length - 1 })
    fc.assert(
      fc.property(place, fc.integer({ min: 0, max: 255 }), (at, byte) => {
        const changed = Buffer.from(message)
        changed[at] = byte
        try {
          expect(readAll(changed).length).toBeLessThanOrEqual(1)
        } catch (error) {
          expect(error).toBeInstanceOf(WireError)
        }
      }),
      { numRuns: 500 },
    )
  })

  test('refuses more than its limits before any of it has come', () => {
    const limits = { textBytes: 1000, arrayBytes: 99 }
    expect(() => readAll(message, message.length - 100, limits)).toThrow('100 bytes')
    expect(() => readAll(message.subarray(0, 12), 12, { ...limits, textBytes: 5 })).toThrow(WireError)
  })
})
