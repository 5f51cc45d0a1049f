import { type Colour, FAINT, INK, Picture, textWidth } from './picture.js'

/** One quantity against a common axis; all words in small letters. */
interface Panel {
  readonly title: string
  /** A point for each of the plot's `xs`. */
  readonly values: readonly number[]
  readonly colour: Colour
}

/** Quantities below one another. */
export interface LinePlot {
  readonly title: string
  readonly xTitle: string
  readonly xs: readonly number[]
  readonly panels: readonly Panel[]
}

const SCALE = 2
const MARGIN = 24
const LEFT = 110
const WIDTH = 640
const PANEL_HEIGHT = 150
const PANEL_STEP = PANEL_HEIGHT + 66
const TOP = 96

/** Draws every panel from 0, with a number at each point. */
export function drawLinePlot({ title, xTitle, xs, panels }: LinePlot): Picture {
  const bottom = TOP + panels.length * PANEL_STEP
  const width = Math.max(LEFT + WIDTH + 80, textWidth(title, SCALE + 1) + 2 * MARGIN)
  const picture = new Picture(width, bottom + 30)
  picture.write(title, MARGIN, MARGIN, SCALE + 1, INK)
  for (const [index, panel] of panels.entries()) drawPanel(picture, xs, panel, TOP + index * PANEL_STEP)
  picture.write(xTitle, LEFT + WIDTH / 2, bottom, SCALE, INK, 'middle')
  return picture
}

function drawPanel(picture: Picture, xs: readonly number[], panel: Panel, top: number): void {
  const { title, values, colour } = panel
  const most = niceCeiling(Math.max(...values, 0))
  const farthest = Math.max(...xs)
  const placeX = (x: number): number => LEFT + (x / farthest) * WIDTH
  const placeY = (value: number): number => top + PANEL_HEIGHT * (1 - value / most)
  picture.write(title, LEFT, top - 26, SCALE, colour)
  for (const share of [0, 0.5, 1]) {
    picture.fill(LEFT, placeY(share * most), WIDTH, 1, FAINT)
    picture.write(short(share * most), LEFT - 12, Math.round(placeY(share * most)) - 7, SCALE, INK, 'right')
  }
  picture.fill(LEFT, top, 2, PANEL_HEIGHT, INK)
  picture.fill(LEFT, top + PANEL_HEIGHT, WIDTH, 2, INK)
  const labelled = spacedOut(xs.map(placeX), textWidth('000', SCALE) + 10)
  const points = values.map((value, index) => [placeX(xs[index] ?? 0), placeY(value)] as const)
  for (const [index, x] of xs.entries()) {
    picture.fill(placeX(x), top + PANEL_HEIGHT, 2, 6, INK)
    if (labelled.has(index)) {
      picture.write(short(x), placeX(x), top + PANEL_HEIGHT + 12, SCALE, INK, 'middle')
    }
  }
  for (const [index, point] of points.entries()) {
    const next = points[index + 1]
    if (next !== undefined) picture.line(point, next, 3, colour)
  }
  for (const [x, y] of points) picture.disc(x, y, 5, colour)
  labelPoints(picture, points, values, top)
}

/** Numbers stand above their points, or below where that would leave the panel; those too close are left out. */
function labelPoints(
  picture: Picture,
  points: readonly (readonly [number, number])[],
  values: readonly number[],
  top: number,
): void {
  const widest = Math.max(...values.map((value) => textWidth(short(value), SCALE)))
  const labelled = spacedOut(
    points.map(([x]) => x),
    widest + 12,
  )
  for (const [index, [x, y]] of points.entries()) {
    if (!labelled.has(index)) continue
    const above = y - 24
    picture.write(
      short(values[index] ?? 0),
      Math.max(x, LEFT + widest / 2 + 8),
      Math.round(above < top + 6 ? y + 12 : above),
      SCALE,
      INK,
      'middle',
    )
  }
}

/** Indices of places that keep a distance to one another, the last one always among them. */
export function spacedOut(places: readonly number[], distance: number): ReadonlySet<number> {
  const kept = new Set<number>()
  let next = Number.POSITIVE_INFINITY
  for (let index = places.length - 1; index >= 0; index--) {
    const place = places[index] ?? 0
    if (next - place < distance) continue
    kept.add(index)
    next = place
  }
  return kept
}

/** The next of 1, 2, 2.5 or 5 times a power of ten; 1 for 0. */
export function niceCeiling(value: number): number {
  if (!(value > 0)) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  return ([1, 2, 2.5, 5].find((factor) => factor * power >= value) ?? 10) * power
}

/** Three significant digits, thousands with a comma. */
function short(value: number): string {
  if (Math.abs(value) >= 100 || Number.isInteger(value)) return Math.round(value).toLocaleString('en-US')
  return String(Number(value.toPrecision(3)))
}
