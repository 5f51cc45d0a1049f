import { ShapeError } from '@longtake/core'
import { expectCount } from '../config-check.js'

/** Positions that the extension leaves alone: those that CLIP's short training texts trained well. */
const KEPT = 20

/** Rows that come of each row after the kept ones. */
const FACTOR = 4

/**
 * Number of rows that {@link stretchPositions} gives: factor·positions − (factor − 1)·kept, 248 for CLIP's 77.
 */
export function stretchedLength(positions: number, kept = KEPT, factor = FACTOR): number {
  return factor * positions - (factor - 1) * kept
}

/**
 * Stretches a table of learned positions without training: the first rows are kept as they are, each gap after them
 * is filled with `factor − 1` linear interpolations, and the end is extrapolated from the last two rows.
 *
 * Row kept + factor·i + j is t + (j / factor)·(u − t) with t = row kept + i of the table and u the row after it; after
 * the last row u − t is the difference of the last two.
 *
 * @param table - [positions, width], row-major; read, never retained.
 * @param positions - Rows of the table.
 * @param width - Columns of the table.
 * @param kept - Rows at the start that stay, 0 to `positions`.
 * @param factor - Rows that come of each row after the kept ones, 1 or more.
 * @returns A new table [factor·positions − (factor − 1)·kept, width].
 * @throws {InvalidOptionError} If a number is no count, or fewer than `kept` or two rows are there.
 * @throws {ShapeError} If the table has another length than positions·width.
 * @remarks Source: PPLLaVA (arXiv 2411.02327) §3.3, after Long-CLIP (arXiv 2403.15378).
 */
export function stretchPositions(
  table: Float32Array,
  positions: number,
  width: number,
  kept = KEPT,
  factor = FACTOR,
): Float32Array<ArrayBuffer> {
  expectCount('kept', kept, 0)
  expectCount('positions', positions, Math.max(kept, 2))
  expectCount('width', width)
  expectCount('factor', factor)
  if (table.length !== positions * width) {
    throw new ShapeError('table', `${positions * width} numbers for [${positions}, ${width}]`, table.length)
  }
  const stretched = new Float32Array(stretchedLength(positions, kept, factor) * width)
  stretched.set(table.subarray(0, kept * width))
  for (let row = kept; row < positions; row++) {
    // The last row has none after it and goes on as the one before it did.
    const from = Math.min(row, positions - 2) * width
    for (let step = 0; step < factor; step++) {
      const target = (kept + factor * (row - kept) + step) * width
      for (let column = 0; column < width; column++) {
        const slope = table[from + width + column]! - table[from + column]!
        stretched[target + column] = table[row * width + column]! + (step / factor) * slope
      }
    }
  }
  return stretched
}
