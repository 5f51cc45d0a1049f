import { InvalidOptionError, ShapeError } from '@longtake/core'
import { type Bytes, type Picture, resizeBytes, resizeFloats, roundToBytes } from './resize.js'
import { antialiasedTaps, linearTaps, type Taps } from './taps.js'
import type { ImageProcessing, PictureSize } from './types.js'

/** Size of every picture after processing, pixels: the encoder's input size has to be this. */
export function processedSize(config: ImageProcessing): PictureSize {
  if (config.crop) return config.crop
  if (config.resize && 'width' in config.resize) return config.resize
  throw new InvalidOptionError('config', 'a crop, or a resize to a width and a height', 'neither')
}

/**
 * One RGB picture to the encoder's pixel values, exactly as the checkpoint's own processor makes them.
 *
 * @param rgb - [height, width, 3], interleaved, 0–255; read, never retained.
 * @param width - Pixels.
 * @param height - Pixels.
 * @param result - Where to write, [3, H, W]; a new array by default. H and W are those of {@link processedSize}.
 * @returns `result`: planes red, green, blue.
 * @throws {InvalidOptionError} If width or height is not a whole number from 1.
 * @throws {ShapeError} If `rgb` or `result` has another length.
 * @remarks Computes the pixels that survive the crop and no others, so that memory and time are bounded by the
 *   input and the result, however long and thin the picture. Source: transformers' CLIP and Video-LLaVA image
 *   processors, Pillow's resampling, torchvision's resize; original Video-LLaVA's video transform.
 */
export function preprocessFrame(
  rgb: Bytes,
  width: number,
  height: number,
  config: ImageProcessing,
  result?: Float32Array,
): Float32Array {
  const size = checkPicture(rgb, width, height, config, result)
  const target = result ?? new Float32Array(3 * size.width * size.height)
  const resized = resizedSize(config, width, height)
  const columns = cropSpan(resized.width, size.width, config)
  const rows = cropSpan(resized.height, size.height, config)
  const picture = resizeSpans({ values: rgb, width, height }, resized, columns, rows, config)
  writePlanes(picture, columns, rows, size, config, target)
  return target
}

/** A tile of a larger picture: where it lies, pixels. */
export interface TilePlace {
  /** Size that the picture is resized to. */
  readonly resized: PictureSize
  /** First column and row of the tile in the resized picture; below 0 where the tile begins in the black around it. */
  readonly left: number
  readonly top: number
}

/**
 * One tile of a picture that is resized, and black where it ends: how LLaVA-NeXT's processors cut still images.
 *
 * @param rgb - [height, width, 3], interleaved, 0–255; read, never retained.
 * @param width - Pixels.
 * @param height - Pixels.
 * @param config - How pixels are resized and normalised, and the tile's size; its own `resize` is not.
 * @param result - Where to write, [3, H, W]. H and W are those of {@link processedSize}.
 * @throws {InvalidOptionError} If width, height or a size of `place` is not a whole number from 1, or its corner none.
 * @throws {ShapeError} If `rgb` or `result` has another length.
 * @remarks Computes the tile's pixels and no others. Source: transformers' LLaVA-NeXT image processors.
 */
export function preprocessTile(
  rgb: Bytes,
  width: number,
  height: number,
  config: ImageProcessing,
  place: TilePlace,
  result: Float32Array,
): void {
  const size = checkPicture(rgb, width, height, config, result)
  const { resized, left, top } = place
  checkSize('place.resized.width', resized.width)
  checkSize('place.resized.height', resized.height)
  const columns = tileSpan(resized.width, size.width, left)
  const rows = tileSpan(resized.height, size.height, top)
  const isBlack = columns.to <= columns.from || rows.to <= rows.from
  const picture = isBlack
    ? { values: new Uint8Array(0), width: 0, height: 0 }
    : resizeSpans({ values: rgb, width, height }, resized, columns, rows, config)
  writePlanes(picture, columns, rows, size, config, result)
}

function tileSpan(length: number, tile: number, start: number): Span {
  if (!Number.isSafeInteger(start)) throw new InvalidOptionError('place', 'whole numbers of pixels', start)
  return { from: Math.max(start, 0), to: Math.min(start + tile, length), offset: Math.max(-start, 0) }
}

/** @returns The processed picture's size. */
function checkPicture(
  rgb: Bytes,
  width: number,
  height: number,
  config: ImageProcessing,
  result: Float32Array | undefined,
): PictureSize {
  checkSize('width', width)
  checkSize('height', height)
  if (rgb.length !== width * height * 3) throw new ShapeError('rgb', `[${height}, ${width}, 3]`, [rgb.length])
  const size = processedSize(config)
  if (result !== undefined && result.length !== 3 * size.width * size.height) {
    throw new ShapeError('result', `[3, ${size.height}, ${size.width}]`, [result.length])
  }
  return size
}

/** A part of a picture, in shares of its width and height. */
export interface PictureRegion {
  /** Below 0 where the encoder's input begins outside the picture, in the black around it. */
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

/**
 * The part of a picture that the encoder sees: the middle of it where the processor crops, all of it where it does not.
 *
 * @param width - Pixels.
 * @param height - Pixels.
 * @throws {InvalidOptionError} If width or height is not a whole number from 1.
 */
export function seenRegion(width: number, height: number, config: ImageProcessing): PictureRegion {
  checkSize('width', width)
  checkSize('height', height)
  const size = processedSize(config)
  const resized = resizedSize(config, width, height)
  const columns = cropSpan(resized.width, size.width, config)
  const rows = cropSpan(resized.height, size.height, config)
  return {
    left: (columns.from - columns.offset) / resized.width,
    top: (rows.from - rows.offset) / resized.height,
    width: size.width / resized.width,
    height: size.height / resized.height,
  }
}

/** What of a resized edge survives the crop: outputs `[from, to)`, put at `offset` of the result. */
interface Span {
  readonly from: number
  readonly to: number
  readonly offset: number
}

function checkSize(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidOptionError(name, 'a whole number from 1', value)
}

/** Size of the whole picture after resizing, before the crop. */
function resizedSize(config: ImageProcessing, width: number, height: number): PictureSize {
  const { resize, arithmetic } = config
  if (!resize) return { width, height }
  if ('width' in resize) return resize
  const short = Math.min(width, height)
  const long = Math.max(width, height)
  const edge = resize.shortestEdge
  // Both are published, and their roundings differ.
  const follows =
    arithmetic === 'tensor' ? Math.floor((long / short) * edge) : Math.floor((edge * long) / short)
  return width <= height ? { width: edge, height: follows } : { width: follows, height: edge }
}

function cropSpan(length: number, cropped: number, { arithmetic }: ImageProcessing): Span {
  const excess = length - cropped
  const start = arithmetic === 'pil' ? Math.floor(excess / 2) : roundedStart(excess)
  const from = Math.max(start, 0)
  return { from, to: Math.min(start + cropped, length), offset: Math.max(-start, 0) }
}

/** Halves to even where the picture is larger; towards the start where it is padded. */
function roundedStart(excess: number): number {
  if (excess < 0) return -Math.floor(-excess / 2)
  const half = Math.floor(excess / 2)
  return excess % 2 === 1 && half % 2 === 1 ? half + 1 : half
}

function resizeSpans(
  picture: Picture<Bytes>,
  resized: PictureSize,
  columns: Span,
  rows: Span,
  config: ImageProcessing,
): Picture<Bytes | Float32Array> {
  const taps = (input: number, output: number, span: Span): Taps =>
    config.arithmetic === 'tensor'
      ? linearTaps(input, output, span.from, span.to)
      : antialiasedTaps(input, output, config.filter, span.from, span.to)
  const horizontal = taps(picture.width, resized.width, columns)
  const vertical = taps(picture.height, resized.height, rows)
  if (config.arithmetic === 'pil') return resizeBytes(picture, horizontal, vertical)
  const floats = resizeFloats(picture, horizontal, vertical)
  return config.arithmetic === 'tensor' ? floats : roundToBytes(floats)
}

function writePlanes(
  picture: Picture<Bytes | Float32Array>,
  columns: Span,
  rows: Span,
  size: PictureSize,
  config: ImageProcessing,
  target: Float32Array,
): void {
  const { values, width, height } = picture
  const padded = width < size.width || height < size.height
  for (let channel = 0; channel < 3; channel++) {
    const mean = config.mean[channel]!
    const std = config.std[channel]!
    const plane = channel * size.width * size.height
    if (padded) target.fill(-mean / std, plane, plane + size.width * size.height)
    for (let row = 0; row < height; row++) {
      const output = plane + (row + rows.offset) * size.width + columns.offset
      const input = row * width * 3 + channel
      for (let column = 0; column < width; column++) {
        target[output + column] = (values[input + column * 3]! * config.rescaleFactor - mean) / std
      }
    }
  }
}
