import { InvalidOptionError } from './errors.js'
import { MAX_FRAMES } from './limits.js'
import type { Triple } from './spec.js'

/** Longest axis: frames of a plan, after rounding up to whole clips. */
const MAX_SIZE = 2 * MAX_FRAMES

export const AXES = ['frames', 'rows', 'columns'] as const

/** A window and the step between windows. */
export interface PoolingKernel {
  readonly kernel: Triple
  readonly stride: Triple
}

/**
 * Windows along each axis: `out = floor((I - k) / s) + 1`, as in a convolution without padding.
 *
 * @param grid - `I`, the volume: frames, rows and columns.
 * @param kernel - `k`, 1 to the volume.
 * @param stride - `s`, 1 or more.
 * @throws {InvalidOptionError} `pooling.grid`, `pooling.kernel` or `pooling.stride`, if one is out of its range.
 */
export function poolingShape(grid: Triple, kernel: Triple, stride: Triple): Triple {
  checkGrid(grid)
  checkWithin('pooling.kernel', kernel, grid)
  checkTriple('pooling.stride', stride)
  return mapAxes((axis) => Math.floor((grid[axis] - kernel[axis]) / stride[axis]) + 1)
}

/**
 * The window that gives a shape and leaves nothing out: `s = floor(I / O)`, `k = I - (O - 1) · s`. Where O does not
 * divide I, neighbouring windows overlap.
 *
 * @param grid - `I`, the volume: frames, rows and columns.
 * @param shape - `O`, windows along each axis, 1 to the volume.
 * @throws {InvalidOptionError} `pooling.grid` or `pooling.shape`, if one is out of its range.
 * @remarks Source: PPLLaVA, arXiv 2411.02327.
 */
export function kernelForShape(grid: Triple, shape: Triple): PoolingKernel {
  checkGrid(grid)
  checkWithin('pooling.shape', shape, grid)
  const stride = mapAxes((axis) => Math.floor(grid[axis] / shape[axis]))
  return { kernel: mapAxes((axis) => grid[axis] - (shape[axis] - 1) * stride[axis]), stride }
}

/** Frames, rows and columns that lie in no window. */
export function leftOut(grid: Triple, { kernel, stride }: PoolingKernel): Triple {
  const shape = poolingShape(grid, kernel, stride)
  return mapAxes((axis) => {
    const covered = kernel[axis] + (shape[axis] - 1) * Math.min(stride[axis], kernel[axis])
    return grid[axis] - covered
  })
}

/** Elements of a volume. */
export function volume([frames, rows, columns]: Triple): number {
  return frames * rows * columns
}

export function mapAxes(value: (axis: 0 | 1 | 2) => number): Triple {
  return [value(0), value(1), value(2)]
}

/** @throws {InvalidOptionError} If `value` is not three whole numbers of 1 or more. */
export function checkTriple(option: string, value: unknown): Triple {
  if (!Array.isArray(value) || value.length !== 3) {
    throw new InvalidOptionError(option, 'three whole numbers: frames, rows and columns', value)
  }
  return mapAxes((axis) => {
    const size: unknown = value[axis]
    if (typeof size === 'number' && Number.isInteger(size) && size >= 1 && size <= MAX_SIZE) return size
    throw new InvalidOptionError(option, `a whole number of ${AXES[axis]}, from 1 to ${MAX_SIZE}`, size)
  })
}

/** @throws {InvalidOptionError} If `value` is not three whole numbers from 1 to those of `grid`. */
export function checkWithin(option: string, value: unknown, grid: Triple): Triple {
  const triple = checkTriple(option, value)
  for (const axis of [0, 1, 2] as const) {
    if (triple[axis] <= grid[axis]) continue
    const need = `at most ${grid[axis]} ${AXES[axis]}, of a volume of ${grid.join('×')} patches`
    throw new InvalidOptionError(option, need, triple[axis])
  }
  return triple
}

function checkGrid(grid: Triple): void {
  checkTriple('pooling.grid', grid)
}
