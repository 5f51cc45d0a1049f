import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isNestedBeyond } from './index.js'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  return 1 + Math.max(0, ...Object.values(value).map(depthOf))
}

test('agrees with the depth of the parsed value, whatever its strings hold', () => {
  const tricky = fc.constantFrom('[', ']', '{', '}', '"', '\\', '\\"', '[{', 'é[', '')
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 6 },
      fc.oneof(tricky, fc.string(), fc.integer(), fc.constant(null)),
      tie('list'),
      tie('map'),
    ),
    list: fc.array(tie('value'), { maxLength: 4 }),
    map: fc.dictionary(fc.oneof(tricky, fc.string()), tie('value'), { maxKeys: 4 }),
  }))
  fc.assert(
    fc.property(value, fc.integer({ min: 0, max: 8 }), (sample, depth) => {
      expect(isNestedBeyond(bytes(JSON.stringify(sample)), depth)).toBe(depthOf(sample) > depth)
    }),
  )
})

test('text that is no JSON is measured all the same', () => {
  expect(isNestedBeyond(bytes('['.repeat(10)), 9)).toBe(true)
  expect(isNestedBeyond(bytes('['.repeat(10)), 10)).toBe(false)
  expect(isNestedBeyond(bytes(']]]][[['), 2)).toBe(false)
  expect(isNestedBeyond(bytes('"[[[[ never closed \\'), 0)).toBe(false)
  expect(isNestedBeyond(bytes(''), 0)).toBe(false)
})
