import { kernelForShape, type PoolingKernel, poolingShape } from './pooling-shape.js'
import type { Triple } from './spec.js'

/**
 * Windows that put at most `budget` tokens into the context and leave no frame out.
 *
 * Space first: rows and columns of the checkpoint's own window, or fewer windows where a single step along time would
 * not fit. Then as many steps along time as the rest holds, see `timeWindows`. Still images stand for themselves, so
 * there space gives way before two images would share a window.
 *
 * @param units - Frames (or images), rows, columns.
 * @param own - The checkpoint's window, within `units`: space is never finer than it.
 * @param budget - Tokens, 1 or more.
 */
export function fitBudget(
  units: Triple,
  own: PoolingKernel,
  budget: number,
  areStills: boolean,
): PoolingKernel & { readonly mostSteps: number } {
  const steps = areStills ? Math.min(units[0], budget) : 1
  const space = fitSpace(units, own, Math.floor(budget / steps))
  const [, rows, columns] = poolingShape(units, space.kernel, space.stride)
  const most = Math.floor(budget / (rows * columns))
  const time = kernelForShape(units, [timeWindows(units[0], most), 1, 1])
  return {
    kernel: [time.kernel[0], space.kernel[1], space.kernel[2]],
    stride: [time.stride[0], space.stride[1], space.stride[2]],
    mostSteps: most,
  }
}

/**
 * Steps along time: as many as fit whose windows share at most one stride of frames with the next. Windows of
 * `k = F - (n - 1)·s` frames, `s = floor(F / n)`, would otherwise be far longer than their distance: 63 frames in 32
 * steps give windows of 32 frames that start a frame apart, 31 steps give windows of 3, 2 apart.
 */
function timeWindows(frames: number, most: number): number {
  let steps = Math.min(frames, most)
  // Ends at the latest where s = ceil(F / most), whose remainder is below s.
  while (frames % steps > Math.floor(frames / steps)) steps--
  return steps
}

/** The checkpoint's rows and columns, or the most windows of about their proportion that are within `limit`. */
function fitSpace(units: Triple, own: PoolingKernel, limit: number): PoolingKernel {
  const [, ownRows, ownColumns] = poolingShape(units, own.kernel, own.stride)
  if (ownRows * ownColumns <= limit) return own
  const scale = Math.sqrt(limit / (ownRows * ownColumns))
  let rows = Math.max(Math.floor(ownRows * scale), 1)
  let columns = Math.max(Math.min(Math.floor(ownColumns * scale), Math.floor(limit / rows)), 1)
  rows = Math.min(rows, Math.floor(limit / columns))
  if (rows * (columns + 1) <= limit && columns < ownColumns) columns++
  else if ((rows + 1) * columns <= limit && rows < ownRows) rows++
  return kernelForShape(units, [1, rows, columns])
}
