import { ShapeError } from '@longtake/core'
import type { Picture } from './picture-converter.js'

/**
 * Scales a picture to fit into a box, keeping its shape: each new pixel is the mean of the area it covers.
 *
 * @param picture - `rgb` is `[height, width, 3]`; read, never retained.
 * @returns A new picture; at least one pixel wide and high.
 * @throws {ShapeError} If `rgb` has not `height · width · 3` values.
 */
export function makeThumbnail(picture: Picture, maxWidth: number, maxHeight: number): Picture {
  const { width, height, rgb } = picture
  if (!(width > 0 && height > 0) || rgb.length !== width * height * 3) {
    throw new ShapeError('rgb', `[${height}, ${width}, 3]`, [rgb.length])
  }
  const scale = Math.min(maxWidth / width, maxHeight / height)
  const outWidth = Math.max(1, Math.min(maxWidth, Math.round(width * scale)))
  const outHeight = Math.max(1, Math.min(maxHeight, Math.round(height * scale)))
  if (outWidth === width && outHeight === height) return { width, height, rgb: rgb.slice() }
  return scaleArea(picture, spans(width, outWidth), spans(height, outHeight))
}

/** Which old pixels one new pixel covers, and how much of the first and last of them. */
interface Span {
  readonly first: number
  readonly last: number
  readonly firstShare: number
  readonly lastShare: number
}

function spans(from: number, to: number): Span[] {
  const step = from / to
  return Array.from({ length: to }, (_, index) => {
    const begin = index * step
    const end = Math.min(from, begin + step)
    const first = Math.floor(begin)
    const last = Math.max(first, Math.min(from, Math.ceil(end - 1e-9)) - 1)
    if (first === last) return { first, last, firstShare: end - begin, lastShare: 0 }
    return { first, last, firstShare: first + 1 - begin, lastShare: end - last }
  })
}

function scaleArea(picture: Picture, columns: readonly Span[], rows: readonly Span[]): Picture {
  const rgb = new Uint8Array(columns.length * rows.length * 3)
  const row = new Float64Array(columns.length * 3)
  const sum = new Float64Array(columns.length * 3)
  const area = (picture.width / columns.length) * (picture.height / rows.length)
  for (const [y, span] of rows.entries()) {
    sum.fill(0)
    for (let from = span.first; from <= span.last; from++) {
      scaleRow(picture, from, columns, row)
      const share = shareOf(span, from)
      for (let index = 0; index < sum.length; index++) sum[index]! += row[index]! * share
    }
    const target = y * sum.length
    for (let index = 0; index < sum.length; index++) rgb[target + index] = Math.round(sum[index]! / area)
  }
  return { width: columns.length, height: rows.length, rgb }
}

function scaleRow(picture: Picture, y: number, columns: readonly Span[], out: Float64Array): void {
  const { rgb, width } = picture
  const start = y * width * 3
  for (let x = 0; x < columns.length; x++) {
    const span = columns[x]!
    let red = 0
    let green = 0
    let blue = 0
    for (let from = span.first; from <= span.last; from++) {
      const share = shareOf(span, from)
      const at = start + from * 3
      red += rgb[at]! * share
      green += rgb[at + 1]! * share
      blue += rgb[at + 2]! * share
    }
    out[x * 3] = red
    out[x * 3 + 1] = green
    out[x * 3 + 2] = blue
  }
}

function shareOf(span: Span, index: number): number {
  if (index === span.first) return span.firstShare
  return index === span.last ? span.lastShare : 1
}
