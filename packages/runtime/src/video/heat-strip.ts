import { formatTimestamp } from '@longtake/core'
import { type Canvas, type Colour, textWidth } from './canvas.js'
import { GLYPH_HEIGHT } from './glyphs.js'
import { heatColour, heatShares } from './heat.js'
import { frameSpans, type TimeSpan, timeTicks } from './time-axis.js'

/** What a strip shows. Frames are named by their index. */
export interface HeatStrip {
  /** `[F]` seconds, ascending. */
  readonly timestamps: readonly number[]
  /** `[F]`, 0 or more. */
  readonly heat: readonly number[]
  /** Frames with a mark above them. */
  readonly marked: readonly number[]
  /** Frames of which the sheet has a picture; absent where it has all. */
  readonly shown?: readonly number[] | undefined
  /** First frame and end of each pooling window along time. */
  readonly windows?: readonly (readonly [first: number, end: number])[] | undefined
}

/** Colours that the strip shares with the sheet around it. */
export interface StripColours {
  readonly quiet: Colour
  readonly bright: Colour
  readonly accent: Colour
  readonly ground: Colour
}

const TEXT_SCALE = 2
const TEXT_HEIGHT = GLYPH_HEIGHT * TEXT_SCALE
const CAPTION_GAP = 16
const MARK_HEIGHT = 9
const BAR_HEIGHT = 40
const SMALL_GAP = 4
const BRACKET_HEIGHT = 6
const TICK_HEIGHT = 6
const LINE = 2
const LABEL_GAP = 14
const LEGEND_WIDTH = 132
const LEGEND_HEIGHT = 12
/** Frames narrower than this are drawn without a gap, windows without brackets, pixels. */
const MIN_GAPPED = 8
const MIN_BRACKET = 6
/** Room for a time with hours, and air beside it, pixels. */
const TICK_ROOM = 120

/** Height of a strip, pixels. */
export const STRIP_HEIGHT =
  TEXT_HEIGHT +
  CAPTION_GAP +
  MARK_HEIGHT +
  SMALL_GAP +
  BAR_HEIGHT +
  SMALL_GAP +
  BRACKET_HEIGHT +
  SMALL_GAP +
  TICK_HEIGHT +
  SMALL_GAP +
  TEXT_HEIGHT

/** A strip on its canvas. */
interface Place {
  readonly canvas: Canvas
  readonly colours: StripColours
  readonly x: number
  readonly width: number
  readonly spans: readonly TimeSpan[]
  /** The stretch of time that the width stands for. */
  readonly whole: TimeSpan
}

/**
 * Draws heat along the whole watched time: a bar coloured by heat with marks above what mattered, brackets below it
 * for pooling windows (or dashes for the frames that the sheet shows), and an axis with times.
 *
 * @param y - Top; the strip takes `STRIP_HEIGHT` pixels from there.
 */
export function drawHeatStrip(
  canvas: Canvas,
  x: number,
  y: number,
  width: number,
  strip: HeatStrip,
  colours: StripColours,
): void {
  const spans = frameSpans(strip.timestamps)
  const whole = { start: spans[0]!.start, end: spans.at(-1)!.end }
  const place: Place = { canvas, colours, x, width, spans, whole }
  const hasBrackets = strip.windows?.some((window) => bracket(place, window) !== undefined) === true
  drawCaption(place, y, strip, hasBrackets)
  const markY = y + TEXT_HEIGHT + CAPTION_GAP
  for (const index of strip.marked) drawMark(place, centre(place, index), markY)
  const barY = markY + MARK_HEIGHT + SMALL_GAP
  drawBar(place, barY, heatShares(strip.heat))
  const bracketY = barY + BAR_HEIGHT + SMALL_GAP
  if (hasBrackets) drawBrackets(place, bracketY, strip.windows ?? [])
  else if (strip.shown !== undefined) drawShown(place, bracketY, strip.shown)
  const isTimed = strip.timestamps.at(-1)! > strip.timestamps[0]!
  if (isTimed) drawAxis(place, bracketY + BRACKET_HEIGHT + SMALL_GAP)
}

/** Where a time is, pixels from the left edge of the canvas. */
function at({ x, width, whole }: Place, seconds: number): number {
  return x + Math.round(((seconds - whole.start) / (whole.end - whole.start)) * width)
}

function centre(place: Place, index: number): number {
  const { start, end } = place.spans[index]!
  return (at(place, start) + at(place, end)) >> 1
}

function drawCaption(place: Place, y: number, { timestamps, shown }: HeatStrip, hasBrackets: boolean): void {
  const { canvas, colours, x, width } = place
  const much = x + width - textWidth('much', TEXT_SCALE)
  const ramp = much - LABEL_GAP - LEGEND_WIDTH
  const little = ramp - LABEL_GAP - textWidth('little', TEXT_SCALE)
  if (little < x) return
  canvas.write('little', little, y, TEXT_SCALE, colours.quiet)
  canvas.write('much', much, y, TEXT_SCALE, colours.quiet)
  for (let column = 0; column < LEGEND_WIDTH; column++) {
    canvas.fill(ramp + column, y + 1, 1, LEGEND_HEIGHT, heatColour(column / (LEGEND_WIDTH - 1)))
  }
  const what = 'what mattered'
  const some = shown && `${what} in ${timestamps.length} frames: ${shown.length} are above`
  const over = some ?? `${what} over the watched time`
  const below = hasBrackets ? ' - each bracket is a window' : shown ? ' - at the dashes' : ''
  const captions = [over + below, over, what]
  const room = little - 2 * LABEL_GAP - x
  const caption = captions.find((text) => textWidth(text, TEXT_SCALE) <= room)
  if (caption !== undefined) canvas.write(caption, x, y, TEXT_SCALE, colours.quiet)
}

/** A triangle that points down at a frame. */
function drawMark({ canvas, colours }: Place, x: number, y: number): void {
  for (let row = 0; row < MARK_HEIGHT; row++) {
    const half = MARK_HEIGHT - 1 - row
    canvas.fill(x - half, y + row, 2 * half + 1, 1, colours.accent)
  }
}

/** Where several frames share a pixel the hottest is seen, so that one short moment in hours does not vanish. */
function drawBar(place: Place, y: number, shares: Float32Array): void {
  const { canvas, x, width, spans } = place
  const columns = new Float32Array(width)
  const gaps: number[] = []
  for (const [index, { start, end }] of spans.entries()) {
    const left = at(place, start) - x
    const right = Math.max(left + 1, at(place, end) - x)
    for (let column = left; column < Math.min(right, width); column++) {
      columns[column] = Math.max(columns[column]!, shares[index]!)
    }
    if (right - left >= MIN_GAPPED && right < width) gaps.push(right)
  }
  for (const [column, share] of columns.entries())
    canvas.fill(x + column, y, 1, BAR_HEIGHT, heatColour(share))
  for (const gap of gaps) canvas.fill(x + gap - 1, y, LINE, BAR_HEIGHT, place.colours.ground)
}

/** Left and right end of a window's bracket, or nothing where it would be a mere dot. */
function bracket(place: Place, [first, end]: readonly [number, number]): [number, number] | undefined {
  const left = at(place, place.spans[first]!.start) + LINE
  const right = at(place, place.spans[end - 1]!.end) - LINE
  return right - left < MIN_BRACKET ? undefined : [left, right]
}

function drawBrackets(place: Place, y: number, windows: NonNullable<HeatStrip['windows']>): void {
  const { canvas, colours } = place
  for (const window of windows) {
    const [left, right] = bracket(place, window) ?? []
    if (left === undefined || right === undefined) continue
    canvas.fill(left, y, LINE, BRACKET_HEIGHT, colours.quiet)
    canvas.fill(right - LINE, y, LINE, BRACKET_HEIGHT, colours.quiet)
    canvas.fill(left, y + BRACKET_HEIGHT - LINE, right - left, LINE, colours.quiet)
  }
}

function drawShown(place: Place, y: number, shown: readonly number[]): void {
  for (const index of shown) {
    place.canvas.fill(centre(place, index) - 1, y, LINE, BRACKET_HEIGHT, place.colours.quiet)
  }
}

/** Ticks at round times; the start and the end are always named, and nothing is written over them. */
function drawAxis(place: Place, y: number): void {
  const { canvas, colours, x, width, whole } = place
  const labelY = y + TICK_HEIGHT + SMALL_GAP
  const start = formatTimestamp(whole.start)
  const end = formatTimestamp(whole.end)
  const left = x + textWidth(start, TEXT_SCALE) + LABEL_GAP
  const right = x + width - textWidth(end, TEXT_SCALE) - LABEL_GAP
  canvas.write(start, x, labelY, TEXT_SCALE, colours.bright)
  canvas.write(end, right + LABEL_GAP, labelY, TEXT_SCALE, colours.bright)
  for (const edge of [x, x + width - LINE]) canvas.fill(edge, y, LINE, TICK_HEIGHT, colours.bright)
  for (const seconds of timeTicks(whole, Math.max(2, Math.floor(width / TICK_ROOM)))) {
    const label = formatTimestamp(seconds)
    const middle = at(place, seconds)
    const half = textWidth(label, TEXT_SCALE) >> 1
    if (middle - half < left || middle + half > right) continue
    canvas.fill(middle - 1, y, LINE, TICK_HEIGHT, colours.quiet)
    canvas.write(label, middle - half, labelY, TEXT_SCALE, colours.quiet)
  }
}
