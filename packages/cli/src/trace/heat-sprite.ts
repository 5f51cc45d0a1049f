import { encodePng, heatColour, heatShares } from '@longtake/runtime/video'
import type { TraceData } from './trace-data.js'

/** How much of a picture its heat hides, 0–255: enough to be seen on any picture, little enough to see the picture. */
const OPACITY = 150

/** Maps of many frames in one picture, and where each of them is. */
export interface HeatSprite {
  /** PNG file. */
  readonly png: Uint8Array
  /** Maps in a row of the picture, and rows. */
  readonly columns: number
  readonly rows: number
  /** Place of each frame, `[F]`: row by row. */
  readonly placeOf: readonly number[]
}

/**
 * Draws the relevance of every patch of every frame, all on one scale; one file instead of one for each frame, because
 * a thousand small files take more room than what is in them.
 *
 * @returns Nothing where pooling was not guided.
 */
export function heatSprite({ trace }: TraceData): HeatSprite | undefined {
  if (trace === undefined || trace.relevance.length === 0) return undefined
  const [frames, height, width] = trace.grid
  const columns = Math.ceil(Math.sqrt(frames))
  const rows = Math.ceil(frames / columns)
  const rgb = new Uint8Array(columns * width * rows * height * 4)
  const shares = heatShares(trace.relevance)
  for (const [at, share] of shares.entries()) {
    const frame = Math.floor(at / (height * width))
    const patch = at % (height * width)
    const x = (frame % columns) * width + (patch % width)
    const y = Math.floor(frame / columns) * height + Math.floor(patch / width)
    // The root lets patches be told apart that matter a little.
    rgb.set([...heatColour(Math.sqrt(share)), OPACITY], (y * columns * width + x) * 4)
  }
  const placeOf: number[] = []
  for (const [place, frame] of trace.order.entries()) placeOf[frame] = place
  return {
    png: encodePng({ width: columns * width, height: rows * height, rgb, channels: 4 }),
    columns,
    rows,
    placeOf,
  }
}

/** Declarations that show one frame's map in a box of any size. */
export function spritePosition({ columns, rows, placeOf }: HeatSprite, frame: number): string {
  const place = placeOf[frame] ?? 0
  const x = columns > 1 ? ((place % columns) / (columns - 1)) * 100 : 0
  const y = rows > 1 ? (Math.floor(place / columns) / (rows - 1)) * 100 : 0
  return `background-position:${x.toFixed(3)}% ${y.toFixed(3)}%`
}

/** A file inside the page. */
export function dataUri(png: Uint8Array): string {
  return `data:image/png;base64,${Buffer.from(png).toString('base64')}`
}
