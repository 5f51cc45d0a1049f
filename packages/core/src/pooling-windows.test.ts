import fc from 'fast-check'
import { expect, test } from 'vitest'
import { kernelForShape, poolingShape, poolingWindows, type Triple } from './index.js'

type Ints = fc.Arbitrary<number>
const triple = (most: readonly number[]) =>
  fc.tuple(...(most.map((max) => fc.integer({ min: 1, max })) as [Ints, Ints, Ints]))

const poolings = triple([14, 7, 7])
  .chain((grid) => fc.record({ grid: fc.constant(grid), kernel: triple(grid), stride: triple([5, 4, 4]) }))
  .map((window) => ({ ...window, shape: poolingShape(window.grid, window.kernel, window.stride) }))

/** Absolute patch indices of every window, counted off one by one. */
function windowsOneByOne(grid: Triple, kernel: Triple, stride: Triple): number[][] {
  const [height, width] = [grid[1], grid[2]]
  const windows: number[][] = []
  for (let t = 0; t + kernel[0] <= grid[0]; t += stride[0])
    for (let y = 0; y + kernel[1] <= height; y += stride[1])
      for (let x = 0; x + kernel[2] <= width; x += stride[2]) {
        const window: number[] = []
        for (let dt = 0; dt < kernel[0]; dt++)
          for (let dy = 0; dy < kernel[1]; dy++)
            for (let dx = 0; dx < kernel[2]; dx++) window.push(((t + dt) * height + y + dy) * width + x + dx)
        windows.push(window)
      }
  return windows
}

function rows(members: Int32Array, length: number): number[][] {
  return Array.from({ length: members.length / length }, (_, row) => [
    ...members.subarray(row * length, (row + 1) * length),
  ])
}
const product = (triple: Triple) => triple[0] * triple[1] * triple[2]

test('a small volume by hand: two windows along time, two along columns', () => {
  const { kernel, stride } = kernelForShape([4, 2, 2], [2, 1, 2])
  const pooling = { grid: [4, 2, 2], kernel, stride, shape: [2, 1, 2] } as const
  expect(poolingWindows(pooling, 0, 2)).toEqual({
    members: Int32Array.of(0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15),
    firstFrame: 0,
    endFrame: 4,
  })
  expect(poolingWindows(pooling, 1, 2)).toEqual({
    members: Int32Array.of(0, 2, 4, 6, 1, 3, 5, 7),
    firstFrame: 2,
    endFrame: 4,
  })
})

test('all windows, in the order of the context, overlapping or not', () => {
  fc.assert(
    fc.property(poolings, (pooling) => {
      const { members, firstFrame, endFrame } = poolingWindows(pooling, 0, pooling.shape[0])
      const expected = windowsOneByOne(pooling.grid, pooling.kernel, pooling.stride)
      expect(rows(members, product(pooling.kernel))).toEqual(expected)
      expect(members).toHaveLength(product(pooling.shape) * product(pooling.kernel))
      expect(firstFrame).toBe(0)
      expect(endFrame).toBeLessThanOrEqual(pooling.grid[0])
    }),
  )
})

test('a few windows at a time are the windows of one pass, from the frames they say', () => {
  const cuts = fc.array(fc.integer({ min: 1, max: 14 }), { maxLength: 6 })
  fc.assert(
    fc.property(poolings, cuts, (pooling, cuts) => {
      const [, height, width] = pooling.grid
      const bounds = [...new Set([0, ...cuts.filter((cut) => cut < pooling.shape[0]), pooling.shape[0]])]
      bounds.sort((a, b) => a - b)
      const streamed = bounds.slice(1).flatMap((end, index) => {
        const { members, firstFrame, endFrame } = poolingWindows(pooling, bounds[index]!, end)
        const patches = (endFrame - firstFrame) * height * width
        expect(members.every((member) => member >= 0 && member < patches)).toBe(true)
        return [...members].map((member) => member + firstFrame * height * width)
      })
      expect(streamed).toEqual(windowsOneByOne(pooling.grid, pooling.kernel, pooling.stride).flat())
    }),
  )
})

test('windows of a shape hold every patch, and once each where the shape divides the volume', () => {
  const shapes = triple([14, 7, 7]).chain((grid) =>
    fc.record({ grid: fc.constant(grid), shape: triple(grid) }),
  )
  fc.assert(
    fc.property(shapes, ({ grid, shape }) => {
      const { kernel, stride } = kernelForShape(grid, shape)
      const { members } = poolingWindows({ grid, kernel, stride, shape }, 0, shape[0])
      expect(new Set(members).size).toBe(product(grid))
      const divides = grid.every((length, axis) => length % shape[axis]! === 0)
      if (divides) expect(members).toHaveLength(product(grid))
    }),
  )
})

const pooling = { grid: [4, 2, 2], kernel: [2, 2, 2], stride: [2, 2, 2], shape: [2, 1, 1] } as const
test.each([
  [() => poolingWindows(pooling, -1, 1), 'firstWindow'],
  [() => poolingWindows(pooling, 2, 3), 'firstWindow'],
  [() => poolingWindows(pooling, 0, 0), 'endWindow'],
  [() => poolingWindows(pooling, 1, 3), 'endWindow'],
  [() => poolingWindows({ ...pooling, kernel: [5, 2, 2] }, 0, 1), 'pooling.kernel'],
])('refuses windows that are not there (%#)', (compute, option) => {
  expect(compute).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', option }))
})

test('refuses a shape that is not that of the windows', () => {
  const compute = () => poolingWindows({ ...pooling, shape: [3, 1, 1] }, 0, 1)
  expect(compute).toThrow(expect.objectContaining({ code: 'SHAPE', argument: 'pooling.shape' }))
  expect(compute).toThrow('[2, 1, 1] from grid, kernel and stride, got [3, 1, 1]')
})

test('refuses to list more members than fit', () => {
  const whole = { grid: [512, 1024, 1024], kernel: [1, 1, 1], stride: [1, 1, 1] } as const
  const compute = () => poolingWindows({ ...whole, shape: whole.grid }, 0, 512)
  expect(compute).toThrow('fewer windows')
  expect(poolingWindows({ ...whole, shape: whole.grid }, 511, 512).firstFrame).toBe(511)
})
