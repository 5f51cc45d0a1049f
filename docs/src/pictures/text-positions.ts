import { stretchedLength, stretchPositions } from '@longtake/kernels'
import { axes, curve, legend, line, place, type Scale } from './chart.js'
import { COLOURS, INK, note, picture } from './svg.js'

/** Positions of CLIP's text tower, and how many of them stay as they are. */
const POSITIONS = 77
const KEPT = 20

/** Which trained position each of the 248 positions reads. */
export function drawTextPositions(): string {
  // A table whose rows are their own numbers shows where each new row was read.
  const rows = Float32Array.from({ length: POSITIONS }, (_, row) => row)
  const read = Array.from(stretchPositions(rows, POSITIONS, 1, KEPT))
  const length = stretchedLength(POSITIONS)
  const x: Scale = { values: [0, length - 1], pixels: [76, 660] }
  const y: Scale = { values: [0, 80], pixels: [340, 40] }
  const ticks = (values: readonly number[]) => values.map((value) => ({ value, label: String(value) }))
  const [kept, end] = [COLOURS[0], COLOURS[1]]
  return picture(880, 400, `${POSITIONS} text positions become ${length}`, [
    ...axes(x, ticks([0, KEPT, 76, 150, length - 1]), y, ticks([0, 20, 40, 60, 76])),
    line([place(x, KEPT), 40], [place(x, KEPT), 340], INK),
    note(place(x, KEPT) + 8, 328, `the first ${KEPT} stay`),
    curve(
      x,
      y,
      Array.from({ length: POSITIONS }, (_, row) => row),
      kept,
      '2 4',
    ),
    curve(x, y, read, end),
    note(76, 24, 'trained position that is read'),
    note(368, 386, 'position of the question', { 'text-anchor': 'middle' }),
    ...legend(690, 250, [
      { label: `CLIP, ${POSITIONS}`, stroke: kept, dashes: '2 4' },
      { label: `stretched, ${length}`, stroke: end },
    ]),
  ])
}
