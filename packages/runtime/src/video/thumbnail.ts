import { InvalidOptionError, ShapeError } from '@longtake/core'
import { decode, encode } from 'fast-png'
import type { Picture } from './picture.js'

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

/**
 * Writes pixels as a PNG file.
 *
 * @param image - `rgb` is `[height, width, channels]`; the fourth channel is opacity.
 * @throws {ShapeError} If `rgb` has not `height · width · channels` values.
 */
export function encodePng(image: Picture & { readonly channels: 3 | 4 }): Uint8Array {
  const { width, height, rgb, channels } = image
  if (!(width > 0 && height > 0) || rgb.length !== width * height * channels) {
    throw new ShapeError('rgb', `[${height}, ${width}, ${channels}]`, [rgb.length])
  }
  return encode({ width, height, data: rgb, channels, depth: 8 })
}

/**
 * A smaller copy of a PNG file, as for a page that shows a thousand pictures.
 *
 * @param png - With 8 bits of red, green and blue; smaller pictures keep their size.
 * @param shades - Steps of each colour, 2 to 256; fewer make smaller files. Default 256.
 * @throws {InvalidOptionError} If it is no such file.
 */
export function shrinkPng(png: Uint8Array, maxWidth: number, maxHeight: number, shades = 256): Uint8Array {
  const { width, height, rgb } = decodePng(png)
  const small = makeThumbnail({ width, height, rgb }, Math.min(width, maxWidth), Math.min(height, maxHeight))
  const step = 255 / (shades - 1)
  const few = small.rgb.map((value) => Math.round(Math.round(value / step) * step))
  return encodePng({ ...small, rgb: few, channels: 3 })
}

function decodePng(png: Uint8Array): Picture {
  try {
    const { width, height, data, channels, depth } = decode(png)
    if (channels === 3 && depth === 8) return { width, height, rgb: Uint8Array.from(data) }
  } catch (cause) {
    throw new InvalidOptionError('png', 'a PNG file', 'something else', { cause })
  }
  throw new InvalidOptionError('png', 'a PNG file with 8 bits of red, green and blue', 'another kind')
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
