import { ShapeError } from '@longtake/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { broadcast, multiply, sameDims, solve } from './dimensions.js'

const dimension = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constantFrom('a', 'b', '3*c'))

test('a product does not depend on the order', () => {
  fc.assert(
    fc.property(fc.array(dimension), (dims) => {
      expect(multiply(...dims.toReversed())).toBe(multiply(...dims))
      expect(multiply(multiply(...dims))).toBe(multiply(...dims))
    }),
  )
})

test('solve undoes multiply', () => {
  fc.assert(
    fc.property(fc.array(dimension), dimension, (known, unknown) => {
      const whole = [multiply(...known, unknown)]
      expect(solve('x', whole, known)).toBe(multiply(unknown))
    }),
  )
})

test('products print as ONNX names', () => {
  expect(multiply(8, 'clips', 5)).toBe('40*clips')
  expect(multiply('clips')).toBe('clips')
  expect(multiply()).toBe(1)
  expect(sameDims(['2*clips', 3], ['2*clips', 3])).toBe(true)
  expect(sameDims(['clips', 3], ['2*clips', 3])).toBe(false)
})

test('what is no multiple is refused', () => {
  expect(() => solve('x', ['8*clips'], [5])).toThrow(ShapeError)
  expect(() => solve('x', ['frames'], ['clips'])).toThrow(ShapeError)
})

test('broadcasting stretches sizes of 1, from the right', () => {
  expect(broadcast('x', ['frames', 5, 1], [1, 7])).toEqual(['frames', 5, 7])
  expect(broadcast('x', [3], [2, 'n', 3])).toEqual([2, 'n', 3])
  expect(() => broadcast('sum', [2, 3], [4, 3])).toThrow('sum: expected a shape that broadcasts with [2, 3]')
  expect(() => broadcast('sum', ['frames'], ['tokens'])).toThrow(ShapeError)
})
