import { poolingWindows } from '@longtake/core'
import { COLOURS, FAINT, INK, note, picture, tag, text } from './svg.js'

const GRID = [32, 24, 24] as const
const KERNEL = [2, 3, 3] as const
const SHAPE = [16, 8, 8] as const
const CELL = 12
const SIDE = GRID[1] * CELL
/** A window in the middle of the picture: row 3, column 4 of 8 × 8. */
const SHOWN = 3 * SHAPE[2] + 4

/** The windows of PPLLaVA's published setting over the first two of 32 frames. */
export function drawPoolingWindows(): string {
  const pooling = { grid: GRID, kernel: KERNEL, stride: KERNEL, shape: SHAPE }
  const { members } = poolingWindows(pooling, 0, 1)
  const size = KERNEL[0] * KERNEL[1] * KERNEL[2]
  const windowOf = new Map(Array.from(members, (patch, index) => [patch, Math.floor(index / size)]))
  const frames = [0, 1].flatMap((frame) => [
    text(24 + frame * (SIDE + 40), 34, `frame ${frame}`, { 'font-weight': 600 }),
    ...drawFrame(24 + frame * (SIDE + 40), 46, frame * GRID[1] * GRID[2], windowOf),
  ])
  const left = 24 + 2 * (SIDE + 40) + 8
  const total = (shape: readonly number[]) =>
    shape.reduce((product, length) => product * length, 1).toLocaleString('en')
  return picture(880, 382, 'Windows of 2 × 3 × 3 patches over 24 × 24 patches', [
    ...frames,
    note(24, 360, `One window is ${size} patches: 3 × 3 in each of 2 frames. It becomes one token.`),
    text(left, 110, 'one token', { 'font-weight': 600 }),
    tag('rect', { x: left, y: 122, width: 28, height: 28, rx: 4, fill: COLOURS[1] }),
    text(left, 210, '32 frames:', { 'font-weight': 600 }),
    note(left, 232, `${GRID.join(' × ')} patches`),
    note(left, 252, `= ${total(GRID)} tokens`),
    note(left, 282, `${SHAPE.join(' × ')} windows`),
    note(left, 302, `= ${total(SHAPE)} tokens`),
  ])
}

function drawFrame(
  left: number,
  top: number,
  first: number,
  windowOf: ReadonlyMap<number, number>,
): string[] {
  const columns = GRID[2]
  const patches = Array.from({ length: GRID[1] * columns }, (_, patch) => {
    const window = windowOf.get(first + patch) ?? 0
    const even = (Math.floor(window / SHAPE[2]) + (window % SHAPE[2])) % 2 === 0
    const fill = window === SHOWN ? COLOURS[1] : even ? '#cfe3f1' : '#eef5fa'
    const [x, y] = [left + (patch % columns) * CELL, top + Math.floor(patch / columns) * CELL]
    return tag('rect', { x, y, width: CELL, height: CELL, fill, stroke: FAINT, 'stroke-width': 0.5 })
  })
  return [...patches, tag('rect', { x: left, y: top, width: SIDE, height: SIDE, fill: 'none', stroke: INK })]
}
