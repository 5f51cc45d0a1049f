import { formatTimestamp, InvalidOptionError, ShapeError } from '@longtake/core'
import { encode } from 'fast-png'
import { Canvas, type Colour, textWidth } from './canvas.js'
import { GLYPH_HEIGHT } from './glyphs.js'
import { checkWeights, chooseFrames, mattered } from './heat.js'
import { drawHeatStrip, STRIP_HEIGHT } from './heat-strip.js'
import type { Picture } from './picture.js'
import { makeThumbnail } from './thumbnail.js'

export interface StoryboardOptions {
  /** Seconds of each frame, written under it. */
  readonly timestamps: readonly number[]
  /** How much each frame mattered, 0 or more, in any unit; absent: no bars and no marks. */
  readonly weights?: readonly number[] | undefined
  /** What the strip along time is coloured by, 0 or more for each frame, in any unit; default `weights`. */
  readonly heat?: readonly number[] | undefined
  /** Pooling windows along time, each its first frame and the frame after its last; drawn below the strip. */
  readonly windows?: readonly (readonly [first: number, end: number])[] | undefined
  /** Frames in a row; chosen for a sheet about as wide as a screen when absent. */
  readonly columns?: number | undefined
}

/** More would make a sheet that nothing opens. */
const MAX_COLUMNS = 64

const MAX_DEFAULT_COLUMNS = 8

/** Sheet width that thumbnails are sized for, pixels, and the limits to their own width. */
const SHEET_WIDTH = 1600
const MIN_THUMBNAIL = 96
const MAX_THUMBNAIL = 320

/** A thumbnail is at most this many times as high as wide; taller pictures are shown narrower. */
const MAX_TALLNESS = 1.5

const MARGIN = 24
const GAP = 16
const BORDER = 4
const LABEL_HEIGHT = 30
const BAR_HEIGHT = 6
const LABEL_GAP = 14
const TEXT_SCALE = 2

const BACKGROUND: Colour = [17, 19, 24]
const MATTE: Colour = [30, 33, 41]
const TRACK: Colour = [44, 48, 58]
const QUIET: Colour = [146, 152, 166]
const BRIGHT: Colour = [255, 255, 255]
const ACCENT: Colour = [255, 176, 32]
const DIM_ACCENT: Colour = [140, 104, 44]

/** Frames that a sheet shows at most: more would be too small to tell anything by. */
const MAX_SHOWN = 64

/** Between the pictures and the strip, pixels. */
const STRIP_GAP = 28

interface Layout {
  readonly columns: number
  readonly cellWidth: number
  readonly pictureHeight: number
  readonly cellHeight: number
}

/** A sheet while it is drawn. */
interface Sheet {
  readonly canvas: Canvas
  readonly layout: Layout
}

/** What a sheet is drawn from: checked, and which frames it shows. */
interface Contents extends StoryboardOptions {
  readonly marked: readonly number[]
  /** Frames with a picture on the sheet, in time order. */
  readonly shown: readonly number[]
  readonly columns: number
}

/**
 * Draws a contact sheet: each frame small, its time below it, a bar for its weight, and an amber border around the
 * frames that mattered (see {@link mattered}). Below them lies a strip over the whole watched time, coloured by heat,
 * with every frame in it. Of more than 64 frames the sheet shows those that say most: the heaviest, and some from every
 * part (see {@link chooseFrames}).
 *
 * @param frames - In time order; an iterable is read one by one, so that only thumbnails stay in memory.
 * @returns A PNG file.
 * @throws {InvalidOptionError} Without frames, or if `columns`, a weight, a heat or a window is out of range.
 * @throws {ShapeError} If there are not as many timestamps, weights and heats as frames.
 */
export async function storyboard(
  frames: Iterable<Picture> | AsyncIterable<Picture>,
  options: StoryboardOptions,
): Promise<Uint8Array> {
  const contents = checkContents(options)
  const { timestamps, shown } = contents
  let sheet: Sheet | undefined
  let count = 0
  let drawn = 0
  for await (const frame of frames) {
    if (count === timestamps.length)
      throw new ShapeError('frames', `[${timestamps.length}], one for each timestamp`, 'more')
    sheet ??= prepare(frame, contents)
    if (shown[drawn] === count) drawCell(sheet, contents, drawn++, frame)
    count++
  }
  if (sheet === undefined) throw new InvalidOptionError('frames', 'at least one frame', 'none')
  if (count !== timestamps.length)
    throw new ShapeError('frames', `[${timestamps.length}], one for each timestamp`, [count])
  drawStrip(sheet.canvas, contents)
  const { width, height, rgb } = sheet.canvas
  return encode({ width, height, data: rgb, channels: 3, depth: 8 })
}

function checkContents(options: StoryboardOptions): Contents {
  const { timestamps, weights, heat = weights, windows } = options
  for (const [name, values] of Object.entries({ weights, heat })) {
    if (values !== undefined && values.length !== timestamps.length) {
      throw new ShapeError(name, `[${timestamps.length}], one for each timestamp`, [values.length])
    }
  }
  if (weights !== undefined) checkWeights('weights', weights)
  if (heat !== undefined) checkWeights('heat', heat)
  for (const [index, [first, end]] of (windows ?? []).entries()) {
    if (!(Number.isInteger(first) && Number.isInteger(end) && first >= 0 && first < end)) {
      throw new InvalidOptionError(
        `windows[${index}]`,
        'first frame and end, whole numbers',
        `${first} to ${end}`,
      )
    }
    if (end > timestamps.length) {
      throw new InvalidOptionError(`windows[${index}]`, `an end of at most ${timestamps.length}`, end)
    }
  }
  const marked = weights === undefined ? [] : mattered(weights)
  const shown = chooseFrames(weights ?? heat ?? timestamps.map(() => 0), MAX_SHOWN)
  const columns = checkColumns(options.columns ?? defaultColumns(shown.length))
  return { timestamps, weights, heat, windows, marked, shown, columns }
}

/** About as many columns as rows, preferring a last row that is full. */
function defaultColumns(frames: number): number {
  const square = Math.max(1, Math.min(MAX_DEFAULT_COLUMNS, Math.ceil(Math.sqrt(frames))))
  const candidates = Array.from({ length: MAX_DEFAULT_COLUMNS + 1 - square }, (_, index) => square + index)
  const empty = (columns: number) => (columns - (frames % columns)) % columns
  return candidates.reduce((best, columns) => (empty(columns) < empty(best) ? columns : best), square)
}

function checkColumns(columns: number): number {
  if (Number.isInteger(columns) && columns >= 1 && columns <= MAX_COLUMNS) return columns
  throw new InvalidOptionError('columns', `a whole number from 1 to ${MAX_COLUMNS}`, columns)
}

function prepare(first: Picture, { shown, columns, heat }: Contents): Sheet {
  const frames = shown.length
  const used = Math.min(columns, frames)
  const share = Math.floor((SHEET_WIDTH - 2 * MARGIN + GAP) / used) - GAP
  const cellWidth = Math.max(MIN_THUMBNAIL, Math.min(MAX_THUMBNAIL, share))
  const tallness = Math.min(MAX_TALLNESS, first.height / first.width)
  const pictureHeight = Math.max(1, Math.round(cellWidth * tallness))
  const cellHeight = pictureHeight + LABEL_HEIGHT
  const rows = Math.ceil(frames / used)
  const width = 2 * MARGIN + used * cellWidth + (used - 1) * GAP
  const strip = heat === undefined || frames < 2 ? 0 : STRIP_GAP + STRIP_HEIGHT
  const height = 2 * MARGIN + rows * cellHeight + (rows - 1) * GAP + strip
  const layout = { columns: used, cellWidth, pictureHeight, cellHeight }
  return { canvas: new Canvas(width, height, BACKGROUND), layout }
}

function drawCell({ canvas, layout }: Sheet, contents: Contents, place: number, frame: Picture): void {
  const { columns, cellWidth, pictureHeight, cellHeight } = layout
  const { timestamps, weights, marked, shown } = contents
  const index = shown[place]!
  const x = MARGIN + (place % columns) * (cellWidth + GAP)
  const y = MARGIN + Math.floor(place / columns) * (cellHeight + GAP)
  const isMarked = marked.includes(index)
  const small = makeThumbnail(frame, cellWidth, pictureHeight)
  canvas.fill(x, y, cellWidth, pictureHeight, MATTE)
  canvas.draw(small, x + ((cellWidth - small.width) >> 1), y + ((pictureHeight - small.height) >> 1))
  if (isMarked) canvas.frame(x, y, cellWidth, pictureHeight, BORDER, ACCENT)
  const label = formatTimestamp(timestamps[index]!)
  const labelY = y + pictureHeight + ((LABEL_HEIGHT - GLYPH_HEIGHT * TEXT_SCALE) >> 1) + 2
  canvas.write(label, x, labelY, TEXT_SCALE, isMarked ? BRIGHT : QUIET)
  if (weights !== undefined) drawBar(canvas, x, labelY, cellWidth, label, share(weights, index), isMarked)
}

function drawStrip(canvas: Canvas, { timestamps, heat, marked, shown, windows }: Contents): void {
  if (heat === undefined || timestamps.length < 2) return
  const colours = { quiet: QUIET, bright: BRIGHT, accent: ACCENT, ground: BACKGROUND }
  const some = shown.length < timestamps.length ? shown : undefined
  const y = canvas.height - MARGIN - STRIP_HEIGHT
  const strip = { timestamps, heat, marked, shown: some, windows }
  drawHeatStrip(canvas, MARGIN, y, canvas.width - 2 * MARGIN, strip, colours)
}

/** Weight against the largest. */
function share(weights: readonly number[], index: number): number {
  const largest = Math.max(...weights)
  return largest > 0 ? weights[index]! / largest : 0
}

function drawBar(
  canvas: Canvas,
  x: number,
  labelY: number,
  cellWidth: number,
  label: string,
  fullness: number,
  isMarked: boolean,
): void {
  const left = x + textWidth(label, TEXT_SCALE) + LABEL_GAP
  const width = x + cellWidth - left
  const y = labelY + ((GLYPH_HEIGHT * TEXT_SCALE - BAR_HEIGHT) >> 1)
  canvas.fill(left, y, width, BAR_HEIGHT, TRACK)
  canvas.fill(left, y, Math.round(width * fullness), BAR_HEIGHT, isMarked ? ACCENT : DIM_ACCENT)
}
