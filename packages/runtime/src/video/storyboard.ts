import { formatTimestamp, InvalidOptionError, ShapeError } from '@longtake/core'
import { encode } from 'fast-png'
import { Canvas, type Colour, GLYPH_HEIGHT, textWidth } from './canvas.js'
import type { Picture } from './picture-converter.js'
import { makeThumbnail } from './thumbnail.js'

export interface StoryboardOptions {
  /** Seconds of each frame, written under it. */
  readonly timestamps: readonly number[]
  /** How much each frame mattered, 0 or more, in any unit; absent: no bars and no marks. */
  readonly weights?: readonly number[] | undefined
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

/** At most this many frames are marked: a mark on everything marks nothing. */
const MAX_MARKED = 8

interface Layout {
  readonly columns: number
  readonly cellWidth: number
  readonly pictureHeight: number
  readonly cellHeight: number
}

/**
 * Draws a contact sheet: each frame small, its time below it, a bar for its weight, and an amber border around the
 * frames that mattered (see {@link mattered}).
 *
 * @param frames - In time order; an iterable is read one by one, so that only thumbnails stay in memory.
 * @returns A PNG file.
 * @throws {InvalidOptionError} Without frames, or if `columns` or a weight is out of range.
 * @throws {ShapeError} If there are not as many timestamps and weights as frames.
 */
export async function storyboard(
  frames: Iterable<Picture> | AsyncIterable<Picture>,
  options: StoryboardOptions,
): Promise<Uint8Array> {
  const { timestamps, weights } = options
  const columns = checkColumns(options.columns ?? defaultColumns(timestamps.length))
  if (weights !== undefined && weights.length !== timestamps.length) {
    throw new ShapeError('weights', `[${timestamps.length}], one for each timestamp`, [weights.length])
  }
  const marked = weights === undefined ? [] : mattered(weights)
  let sheet: { readonly canvas: Canvas; readonly layout: Layout } | undefined
  let count = 0
  for await (const frame of frames) {
    if (count === timestamps.length)
      throw new ShapeError('frames', `[${timestamps.length}], one for each timestamp`, 'more')
    sheet ??= prepare(frame, timestamps.length, columns)
    drawCell(sheet.canvas, sheet.layout, count, frame, timestamps[count]!, weights, marked)
    count++
  }
  if (sheet === undefined) throw new InvalidOptionError('frames', 'at least one frame', 'none')
  if (count !== timestamps.length)
    throw new ShapeError('frames', `[${timestamps.length}], one for each timestamp`, [count])
  const { width, height, rgb } = sheet.canvas
  return encode({ width, height, data: rgb, channels: 3, depth: 8 })
}

/**
 * Which frames mattered: those with at least half of the largest weight that also stand out from the mean by a
 * quarter, at most eight of them. None where all weigh alike.
 *
 * @param weights - 0 or more each.
 * @returns Indices in time order.
 * @throws {InvalidOptionError} If a weight is negative or not finite.
 */
export function mattered(weights: readonly number[]): number[] {
  for (const [index, weight] of weights.entries()) {
    if (!(weight >= 0 && Number.isFinite(weight))) {
      throw new InvalidOptionError(`weights[${index}]`, 'a finite number, 0 or more', weight)
    }
  }
  const largest = Math.max(0, ...weights)
  const mean = weights.reduce((sum, weight) => sum + weight, 0) / weights.length
  return weights
    .map((weight, index) => ({ weight, index }))
    .filter(({ weight }) => weight >= largest / 2 && weight > mean * 1.25)
    .sort((a, b) => b.weight - a.weight)
    .slice(0, MAX_MARKED)
    .map(({ index }) => index)
    .sort((a, b) => a - b)
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

function prepare(first: Picture, frames: number, columns: number): { canvas: Canvas; layout: Layout } {
  const used = Math.min(columns, frames)
  const share = Math.floor((SHEET_WIDTH - 2 * MARGIN + GAP) / used) - GAP
  const cellWidth = Math.max(MIN_THUMBNAIL, Math.min(MAX_THUMBNAIL, share))
  const tallness = Math.min(MAX_TALLNESS, first.height / first.width)
  const pictureHeight = Math.max(1, Math.round(cellWidth * tallness))
  const cellHeight = pictureHeight + LABEL_HEIGHT
  const rows = Math.ceil(frames / used)
  const width = 2 * MARGIN + used * cellWidth + (used - 1) * GAP
  const height = 2 * MARGIN + rows * cellHeight + (rows - 1) * GAP
  const layout = { columns: used, cellWidth, pictureHeight, cellHeight }
  return { canvas: new Canvas(width, height, BACKGROUND), layout }
}

function drawCell(
  canvas: Canvas,
  layout: Layout,
  index: number,
  frame: Picture,
  seconds: number,
  weights: readonly number[] | undefined,
  marked: readonly number[],
): void {
  const { columns, cellWidth, pictureHeight, cellHeight } = layout
  const x = MARGIN + (index % columns) * (cellWidth + GAP)
  const y = MARGIN + Math.floor(index / columns) * (cellHeight + GAP)
  const isMarked = marked.includes(index)
  const small = makeThumbnail(frame, cellWidth, pictureHeight)
  canvas.fill(x, y, cellWidth, pictureHeight, MATTE)
  canvas.draw(small, x + ((cellWidth - small.width) >> 1), y + ((pictureHeight - small.height) >> 1))
  if (isMarked) canvas.frame(x, y, cellWidth, pictureHeight, BORDER, ACCENT)
  const label = formatTimestamp(seconds)
  const labelY = y + pictureHeight + ((LABEL_HEIGHT - GLYPH_HEIGHT * TEXT_SCALE) >> 1) + 2
  canvas.write(label, x, labelY, TEXT_SCALE, isMarked ? BRIGHT : QUIET)
  if (weights !== undefined) drawBar(canvas, x, labelY, cellWidth, label, share(weights, index), isMarked)
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
