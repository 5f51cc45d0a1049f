import { VideoError } from '@longtake/core'
import { concatBytes } from '../bytes.js'
import type { StillCodec } from './still-format.js'

/**
 * 67 megapixels, more than cameras of phones save by default: decoding takes up to 8 bytes for each, and the model sees
 * a few hundred pixels across.
 */
const MAX_STILL_PIXELS = 8_192 * 8_192

/** Longest side, as for pictures that a caller makes: longer ones are lines, not pictures. */
const MAX_STILL_SIDE = 16_384

/** 256 MiB: more than 67 megapixels take in any usual form. */
export const MAX_STILL_BYTES = 256 * 2 ** 20

/** How a stored picture is turned before it is shown, as EXIF counts it: 1 is upright. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8

/** A rectangle of pixels; `x` and `y` count from the top left. */
export interface Place {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** What the headers of a still picture say. Nothing of it has been decoded. */
export interface StillScan {
  readonly codec: StillCodec
  /** Size as stored, before it is turned. */
  readonly width: number
  readonly height: number
  readonly orientation: Orientation
  /** Whether pixels may be transparent. */
  readonly hasAlpha: boolean
  /** Whether more pictures follow the first. */
  readonly isAnimated: boolean
  /** Where the decoder's picture lies on the whole; absent: it is the whole. */
  readonly place?: Place
  /** What the decoder is given: the first picture and nothing that is not needed for it. */
  readonly data: Uint8Array
}

/**
 * Checks a size before anything is allocated for it.
 *
 * @throws {VideoError} `VIDEO_UNREADABLE` without a size, `VIDEO_TOO_LARGE` above {@link MAX_STILL_PIXELS} or
 *   {@link MAX_STILL_SIDE}.
 */
export function checkStillSize(name: string, width: number, height: number): void {
  if (!(width > 0 && height > 0)) throw damagedStill(name, 'it has no size')
  if (width > MAX_STILL_SIDE || height > MAX_STILL_SIDE || width * height > MAX_STILL_PIXELS) {
    throw new VideoError(
      'VIDEO_TOO_LARGE',
      `${name} is a picture of ${width}×${height}: at most ${MAX_STILL_PIXELS / 2 ** 20} megapixels and ${MAX_STILL_SIDE} a side can be read. Make it smaller.`,
    )
  }
}

/** The picture is not what its format allows. */
export function damagedStill(name: string, what: string, options?: ErrorOptions): VideoError {
  return new VideoError(
    'VIDEO_UNREADABLE',
    `${name} is damaged: ${what}. Copy it again, or save it anew.`,
    options,
  )
}

/** The picture ends before it is complete. */
export function cutOffStill(name: string): VideoError {
  return new VideoError(
    'VIDEO_TRUNCATED',
    `${name} is cut off: a part of the picture is missing. Copy it again.`,
  )
}

/** The picture's format is known, but this kind of it is not read. */
export function unsupportedStill(name: string, what: string): VideoError {
  return new VideoError(
    'VIDEO_UNSUPPORTED_CODEC',
    `${name} is ${what}, which is not supported: convert it to PNG, or to a usual JPEG.`,
  )
}

/** A view for reading numbers. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** `length` bytes from `start` on as Latin-1. */
export function textAt(bytes: Uint8Array, start: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(start, start + length))
}

/** Collects pieces of a file, joining those that touch, so that many small pieces cost nothing. */
export class Pieces {
  readonly #bytes: Uint8Array
  readonly #runs: { start: number; end: number }[] = []

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  add(start: number, end: number): void {
    const last = this.#runs.at(-1)
    if (last?.end === start) last.end = end
    else this.#runs.push({ start, end })
  }

  /** The pieces one after the other, behind `before`. */
  join(...before: readonly Uint8Array[]): Uint8Array {
    return concatBytes([...before, ...this.#runs.map(({ start, end }) => this.#bytes.subarray(start, end))])
  }
}
