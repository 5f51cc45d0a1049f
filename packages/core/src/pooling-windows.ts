import { checkInteger } from './check.js'
import { InvalidOptionError, ShapeError } from './errors.js'
import type { PoolingPlan } from './plan-types.js'
import { poolingShape, volume } from './pooling-shape.js'

/** Which patches the windows hold that start at some frames. */
export interface PoolingWindows {
  /**
   * `[windows · h · w, k]` patch indices `(frame - firstFrame) · H · W + row · W + column`: windows time-major, then
   * rows, then columns; members in that order too.
   */
  readonly members: Int32Array
  /** First frame of the first window. */
  readonly firstFrame: number
  /** Frame after the last of the last window. */
  readonly endFrame: number
}

/**
 * The patches of windows `firstWindow` to `endWindow` (excluded) along time, all their rows and columns: what a graph
 * gathers from frames `firstFrame` to `endFrame` (excluded). Long videos are pooled a few windows at a time.
 *
 * Dimensions: `[H, W]` patches a frame, `[h, w]` windows a step, `k` the product of the kernel.
 *
 * @param pooling - Of the plan.
 * @param firstWindow - 0 to `shape[0] - 1`.
 * @param endWindow - Above `firstWindow`, up to `shape[0]`.
 * @throws {InvalidOptionError} If a window is out of its range, or the kernel does not lie in the grid.
 * @throws {ShapeError} If `shape` is not what the grid, kernel and stride give, or the indices are beyond int32.
 * @remarks O(windows · h · w · k) in time and memory.
 */
export function poolingWindows(
  pooling: Pick<PoolingPlan, 'grid' | 'kernel' | 'stride' | 'shape'>,
  firstWindow: number,
  endWindow: number,
): PoolingWindows {
  const { grid, kernel, stride, shape } = pooling
  const expected = poolingShape(grid, kernel, stride)
  if (expected.some((size, axis) => size !== shape[axis])) {
    throw new ShapeError('pooling.shape', `[${expected.join(', ')}] from grid, kernel and stride`, shape)
  }
  checkInteger('firstWindow', firstWindow, 0, shape[0] - 1)
  checkInteger('endWindow', endWindow, firstWindow + 1, shape[0])
  const firstFrame = firstWindow * stride[0]
  const endFrame = (endWindow - 1) * stride[0] + kernel[0]
  const windows = (endWindow - firstWindow) * shape[1] * shape[2]
  if (windows * volume(kernel) > MAX_MEMBERS) {
    throw new InvalidOptionError(
      'endWindow',
      `fewer windows: at most ${MAX_MEMBERS} members at once`,
      endWindow,
    )
  }
  return { members: listMembers(pooling, endWindow - firstWindow), firstFrame, endFrame }
}

/** Members of one call: 512 MiB of indices. The longest published video pooled at once needs a hundredth of it. */
const MAX_MEMBERS = 1 << 27

function listMembers(
  { grid, kernel, stride, shape }: Pick<PoolingPlan, 'grid' | 'kernel' | 'stride' | 'shape'>,
  steps: number,
): Int32Array {
  const inside = offsets([kernel[0], kernel[1], kernel[2]], [1, 1, 1], grid)
  const corners = offsets([steps, shape[1], shape[2]], stride, grid)
  const members = new Int32Array(corners.length * inside.length)
  corners.forEach((corner, window) => {
    inside.forEach((offset, member) => {
      members[window * inside.length + member] = corner + offset
    })
  })
  return members
}

/** Patch indices of the points of a lattice of `counts` points, `step` apart, that starts at 0. */
function offsets(
  [frames, rows, columns]: PoolingPlan['shape'],
  step: PoolingPlan['stride'],
  [, height, width]: PoolingPlan['grid'],
): Int32Array {
  const result = new Int32Array(frames * rows * columns)
  let next = 0
  for (let frame = 0; frame < frames; frame++) {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        result[next++] = (frame * step[0] * height + row * step[1]) * width + column * step[2]
      }
    }
  }
  return result
}
