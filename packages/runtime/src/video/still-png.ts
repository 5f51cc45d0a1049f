import { crc32 } from '../crc32.js'
import { readOrientation } from './exif.js'
import {
  checkStillSize,
  cutOffStill,
  damagedStill,
  type Orientation,
  Pieces,
  type StillScan,
  textAt,
  viewOf,
} from './still-scan.js'

const SIGNATURE = '\x89PNG\r\n\x1a\n'

/** Bits per sample that each colour type allows: grey, RGB, palette, grey with alpha, RGB with alpha. */
const BIT_DEPTHS = new Map([
  [0, [1, 2, 4, 8, 16]],
  [2, [8, 16]],
  [3, [1, 2, 4, 8]],
  [4, [8, 16]],
  [6, [8, 16]],
])
const PALETTE_TYPE = 3
const ALPHA_TYPES = new Set([4, 6])

/** Chunks that the picture is made of; all others are left out, such as compressed texts and profiles. */
const KEPT = new Set(['IHDR', 'PLTE', 'tRNS', 'IDAT', 'IEND'])

const CHECKSUM_BYTES = 4

interface Chunk {
  readonly kind: string
  /** Where its length begins, where its data begins and ends; the checksum follows. */
  readonly start: number
  readonly data: number
  readonly end: number
}

/** Reads the structure of a PNG file. Source: W3C, Portable Network Graphics, third edition. */
export function scanPng(bytes: Uint8Array, name: string): StillScan {
  if (bytes.length < 33) throw cutOffStill(name)
  if (
    textAt(bytes, 0, 8) !== SIGNATURE ||
    textAt(bytes, 12, 4) !== 'IHDR' ||
    viewOf(bytes).getUint32(8) !== 13
  ) {
    throw damagedStill(name, 'its header is not one of PNG')
  }
  const { width, height, colourType } = readHeader(bytes, name)
  const pieces = new Pieces(bytes)
  const kept = new Set<string>()
  let orientation: Orientation = 1
  let isAnimated = false
  let previous = ''
  for (const chunk of chunks(bytes, name)) {
    const { kind, data, end } = chunk
    if (KEPT.has(kind) && isUsable(bytes, chunk, name)) {
      const isContinued = kind === 'IDAT' && previous === 'IDAT'
      if (kept.has(kind) && !isContinued) throw damagedStill(name, `it has ${kind} chunks in several places`)
      kept.add(kind)
      pieces.add(chunk.start, end + CHECKSUM_BYTES)
    }
    if (kind === 'eXIf') orientation = readOrientation(bytes.subarray(data, end))
    isAnimated ||= kind === 'acTL'
    previous = kind
  }
  if (!kept.has('IDAT')) throw damagedStill(name, 'it has no picture data')
  if (colourType === PALETTE_TYPE && !kept.has('PLTE')) throw damagedStill(name, 'its palette is missing')
  const hasAlpha = ALPHA_TYPES.has(colourType) || kept.has('tRNS')
  const stripped = pieces.join(bytes.subarray(0, SIGNATURE.length))
  return { codec: 'png', width, height, orientation, hasAlpha, isAnimated, data: stripped }
}

/**
 * Whether a chunk's checksum holds. Without its transparency a picture can still be shown.
 *
 * @throws {VideoError} `VIDEO_UNREADABLE` where it cannot be shown without the chunk.
 */
function isUsable(bytes: Uint8Array, { kind, start, end }: Chunk, name: string): boolean {
  if (crc32(bytes.subarray(start + 4, end)) === viewOf(bytes).getUint32(end)) return true
  if (kind === 'tRNS') return false
  throw damagedStill(name, `the checksum of its ${kind} chunk is wrong`)
}

function readHeader(bytes: Uint8Array, name: string): { width: number; height: number; colourType: number } {
  const view = viewOf(bytes)
  const [width, height] = [view.getUint32(16), view.getUint32(20)]
  checkStillSize(name, width, height)
  const [depth = 0, colourType = 0, compression = 0, filter = 0, interlace = 0] = bytes.subarray(24, 29)
  if (
    BIT_DEPTHS.get(colourType)?.includes(depth) !== true ||
    compression > 0 ||
    filter > 0 ||
    interlace > 1
  ) {
    throw damagedStill(name, 'its header names a form that PNG does not have')
  }
  return { width, height, colourType }
}

/** All chunks up to the end mark, without looking into them. */
function* chunks(bytes: Uint8Array, name: string): Generator<Chunk> {
  const view = viewOf(bytes)
  for (let start = 8; ; ) {
    if (start + 12 > bytes.length) throw cutOffStill(name)
    const end = start + 8 + view.getUint32(start)
    if (end + CHECKSUM_BYTES > bytes.length) throw cutOffStill(name)
    const kind = textAt(bytes, start + 4, 4)
    yield { kind, start, data: start + 8, end }
    if (kind === 'IEND') return
    start = end + CHECKSUM_BYTES
  }
}
