import { type Colour, FAINT, INK, Picture, textWidth, WHITE } from './picture.js'

/** A table of shares with its words; all words in small letters, which the font has. */
export interface HeatMap {
  readonly title: string
  readonly columnTitle: string
  readonly rowTitle: string
  readonly columns: readonly string[]
  readonly rows: readonly string[]
  /** 0 to 1 by row, then column; NaN where nothing was measured. */
  readonly values: readonly (readonly number[])[]
}

/** Where things are, pixels. */
export interface HeatMapLayout {
  readonly width: number
  readonly height: number
  readonly left: number
  readonly top: number
  readonly cellWidth: number
  readonly cellHeight: number
  /** Left edge of the legend's bar. */
  readonly legend: number
}

const SCALE = 2
const CELL_WIDTH = 110
const CELL_HEIGHT = 56
const MARGIN = 24
const LEGEND_WIDTH = 22
const LEGEND_TEXT = 60

/** From few to many right answers; lighter is more, and the steps stay apart in grey too. */
const STOPS: readonly Colour[] = [
  [68, 1, 84],
  [65, 68, 135],
  [42, 120, 142],
  [34, 168, 132],
  [122, 209, 81],
  [253, 231, 37],
]

/** The layout follows from the words and the number of rows and columns alone. */
export function layoutHeatMap({ title, rowTitle, columns, rows }: HeatMap): HeatMapLayout {
  const labels = Math.max(...[rowTitle, ...rows].map((text) => textWidth(text, SCALE)))
  const left = MARGIN + labels + 16
  const top = MARGIN + 88
  const legend = left + columns.length * CELL_WIDTH + 30
  const body = legend + LEGEND_WIDTH + LEGEND_TEXT + MARGIN
  return {
    width: Math.max(body, textWidth(title, SCALE + 1) + 2 * MARGIN),
    height: top + rows.length * CELL_HEIGHT + MARGIN,
    left,
    top,
    cellWidth: CELL_WIDTH,
    cellHeight: CELL_HEIGHT,
    legend,
  }
}

/** Draws the table with a number in every cell and a legend. */
export function drawHeatMap(map: HeatMap): Picture {
  const layout = layoutHeatMap(map)
  const picture = new Picture(layout.width, layout.height)
  const { left, top, cellWidth, cellHeight } = layout
  picture.write(map.title, MARGIN, MARGIN, SCALE + 1, INK)
  picture.write(map.columnTitle, left + (map.columns.length * cellWidth) / 2, top - 48, SCALE, INK, 'middle')
  picture.write(map.rowTitle, left - 16, top - 22, SCALE, INK, 'right')
  for (const [index, text] of map.columns.entries()) {
    picture.write(text, left + (index + 0.5) * cellWidth, top - 22, SCALE, INK, 'middle')
  }
  for (const [row, values] of map.values.entries()) {
    const y = top + row * cellHeight
    picture.write(map.rows[row] ?? '', left - 16, y + cellHeight / 2 - 7, SCALE, INK, 'right')
    for (const [column, value] of values.entries()) {
      drawCell(picture, value, left + column * cellWidth, y, cellWidth - 2, cellHeight - 2)
    }
  }
  drawLegend(picture, layout, map.rows.length * cellHeight - 2)
  return picture
}

function drawCell(
  picture: Picture,
  value: number,
  x: number,
  y: number,
  width: number,
  height: number,
): void {
  const colour = Number.isNaN(value) ? FAINT : colourOf(value)
  picture.fill(x, y, width, height, colour)
  const text = Number.isNaN(value) ? '-' : percent(value)
  picture.write(text, x + width / 2, y + height / 2 - 7, SCALE, inkOn(colour), 'middle')
}

function drawLegend(picture: Picture, { legend, top }: HeatMapLayout, height: number): void {
  for (let row = 0; row < height; row++) {
    picture.fill(legend, top + row, LEGEND_WIDTH, 1, colourOf(1 - row / (height - 1)))
  }
  for (const value of [0, 0.25, 0.5, 0.75, 1]) {
    const y = top + (1 - value) * (height - 14)
    picture.write(percent(value), legend + LEGEND_WIDTH + 8, Math.round(y), SCALE, INK)
  }
}

/** Colour of a share, 0 to 1. */
export function colourOf(share: number): Colour {
  const place = Math.min(Math.max(share, 0), 1) * (STOPS.length - 1)
  const index = Math.min(Math.floor(place), STOPS.length - 2)
  const [from = WHITE, to = WHITE] = STOPS.slice(index, index + 2)
  const mix = (channel: 0 | 1 | 2): number =>
    Math.round(from[channel] + (place - index) * (to[channel] - from[channel]))
  return [mix(0), mix(1), mix(2)]
}

/** Dark or light, whichever can be read on the colour. */
export function inkOn([red, green, blue]: Colour): Colour {
  return 0.299 * red + 0.587 * green + 0.114 * blue > 115 ? INK : WHITE
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}
