import { crc32 as nodes } from 'node:zlib'
import { portableCrc32 } from '@longtake/kernels'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { crc32, isRight } from './crc32.js'

test.each([crc32, portableCrc32])("is the published check value, and Node's own for any bytes: %o", (sum) => {
  expect(sum(Buffer.from('123456789'))).toBe(0xcbf43926)
  expect(sum(new Uint8Array())).toBe(0)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 300 }), (first, second) => {
      expect(sum(first)).toBe(nodes(first))
      expect(sum(second, sum(first))).toBe(nodes(Buffer.concat([first, second])))
    }),
  )
})

test('an implementation is used only where it is there and right', () => {
  expect(isRight(nodes)).toBe(true)
  expect(isRight(undefined)).toBe(false)
  expect(isRight((bytes) => nodes(bytes) | 0)).toBe(false)
  expect(isRight((bytes) => nodes(bytes))).toBe(false)
  expect(
    isRight(() => {
      throw new Error('not implemented')
    }),
  ).toBe(false)
})
