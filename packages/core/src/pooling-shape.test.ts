import fc from 'fast-check'
import { expect, test } from 'vitest'
import { kernelForShape, poolingShape, type Triple } from './index.js'

/** A volume and three numbers within it. */
const within = fc
  .tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 30 }))
  .chain((grid) => {
    const inside = fc.tuple(...(grid.map((most) => fc.integer({ min: 1, max: most })) as [Ints, Ints, Ints]))
    return fc.record({ grid: fc.constant(grid), inside })
  })
type Ints = fc.Arbitrary<number>

/** Windows that start at 0, s, 2s, … and end within the axis, counted one by one. */
function countWindows(length: number, kernel: number, stride: number): number {
  let windows = 0
  for (let start = 0; start + kernel <= length; start += stride) windows++
  return windows
}

test('the windows of the paper: 32 frames of 24 × 24 patches', () => {
  expect(poolingShape([32, 24, 24], [2, 3, 3], [2, 3, 3])).toEqual([16, 8, 8])
  expect(poolingShape([1, 24, 24], [1, 3, 3], [1, 3, 3])).toEqual([1, 8, 8])
  expect(poolingShape([33, 25, 26], [2, 3, 3], [2, 3, 3])).toEqual([16, 8, 8])
})

test('a shape gives the window of the formula', () => {
  expect(kernelForShape([32, 24, 24], [16, 8, 8])).toEqual({ kernel: [2, 3, 3], stride: [2, 3, 3] })
  // 32 into 5: stride floor(32 / 5) = 6, kernel 32 - 4 · 6 = 8; 24 into 7: 3 and 24 - 6 · 3 = 6.
  expect(kernelForShape([32, 24, 24], [5, 7, 1])).toEqual({ kernel: [8, 6, 24], stride: [6, 3, 24] })
})

test('as many windows as fit one after the other, whatever kernel and stride', () => {
  fc.assert(
    fc.property(within, fc.tuple(...threeStrides), ({ grid, inside: kernel }, stride) => {
      const counted = grid.map((length, axis) => countWindows(length, kernel[axis]!, stride[axis]!))
      expect(poolingShape(grid, kernel, stride)).toEqual(counted)
    }),
  )
})
const threeStrides = [0, 1, 2].map(() => fc.integer({ min: 1, max: 70 })) as [Ints, Ints, Ints]

test('a shape is met exactly, by windows that reach the end of every axis and leave no gap', () => {
  fc.assert(
    fc.property(within, ({ grid, inside: shape }) => {
      const { kernel, stride } = kernelForShape(grid, shape)
      expect(poolingShape(grid, kernel, stride)).toEqual(shape)
      grid.forEach((length, axis) => {
        expect((shape[axis]! - 1) * stride[axis]! + kernel[axis]!).toBe(length)
        expect(kernel[axis]).toBeGreaterThanOrEqual(stride[axis]!)
      })
    }),
  )
})

const grid: Triple = [8, 6, 6]
test.each([
  [() => poolingShape(grid, [0, 3, 3], [1, 1, 1]), 'pooling.kernel', 'whole number of frames'],
  [() => poolingShape(grid, [2, -3, 3], [1, 1, 1]), 'pooling.kernel', 'whole number of rows'],
  [() => poolingShape(grid, [2, 3, 1.5], [1, 1, 1]), 'pooling.kernel', 'got 1.5'],
  [() => poolingShape(grid, [9, 3, 3], [1, 1, 1]), 'pooling.kernel', 'at most 8 frames'],
  [() => poolingShape(grid, [2, 3, 7], [1, 1, 1]), 'pooling.kernel', 'at most 6 columns'],
  [() => poolingShape(grid, [2, 3] as never, [1, 1, 1]), 'pooling.kernel', 'three whole numbers'],
  [() => poolingShape(grid, [2, 3, 3], [0, 1, 1]), 'pooling.stride', 'whole number of frames'],
  [() => poolingShape([0, 6, 6], [1, 3, 3], [1, 1, 1]), 'pooling.grid', 'whole number of frames'],
  [() => kernelForShape(grid, [9, 1, 1]), 'pooling.shape', 'volume of 8×6×6'],
  [() => kernelForShape(grid, [1, 1, Number.NaN]), 'pooling.shape', 'whole number of columns'],
  [() => kernelForShape([1, 1, Number.POSITIVE_INFINITY], [1, 1, 1]), 'pooling.grid', 'columns'],
])('refuses what no volume has (%#)', (compute, option, words) => {
  expect(compute).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', option }))
  expect(compute).toThrow(words)
})
