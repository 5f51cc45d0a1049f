import {
  checkStillSize,
  cutOffStill,
  damagedStill,
  type StillScan,
  unsupportedStill,
  viewOf,
} from './still-scan.js'

/** Compressions by their number: none, run lengths of 8 and 4 bits, colours by masks without and with alpha. */
const NONE = 0
const RUN_LENGTHS_8 = 1
const RUN_LENGTHS = new Set([RUN_LENGTHS_8, 2])
const MASKS = new Set([3, 6])

/** The oldest header has 16-bit sizes; those from this length on have a mask for alpha. */
const CORE_HEADER = 12
const ALPHA_HEADER = 56
const ALPHA_MASK_OFFSET = 14 + 52

/** Reads the header of a BMP file. Source: Windows GDI, bitmap storage. */
export function scanBmp(bytes: Uint8Array, name: string): StillScan {
  if (bytes.length < 26) throw cutOffStill(name)
  const view = viewOf(bytes)
  const headerBytes = view.getUint32(14, true)
  if (bytes.length < 14 + headerBytes) throw cutOffStill(name)
  const isCore = headerBytes === CORE_HEADER
  const width = isCore ? view.getUint16(18, true) : view.getInt32(18, true)
  // Below nought: the rows begin at the top.
  const height = Math.abs(isCore ? view.getUint16(20, true) : view.getInt32(22, true))
  checkStillSize(name, width, height)
  const bits = view.getUint16(isCore ? 24 : 28, true)
  const compression = isCore ? NONE : view.getUint32(30, true)
  const isPlain = compression === NONE || MASKS.has(compression)
  if (!isPlain && !RUN_LENGTHS.has(compression))
    throw unsupportedStill(name, 'a BMP picture with another one inside')
  const pixels = view.getUint32(10, true)
  if (pixels < 14 + headerBytes) throw damagedStill(name, 'its pixels lie inside its header')
  const rowBytes = Math.ceil((width * bits) / 32) * 4
  if (pixels > bytes.length || (isPlain && pixels + rowBytes * height > bytes.length)) throw cutOffStill(name)
  if (!isPlain && !runsAreComplete(bytes, pixels, height, compression)) throw cutOffStill(name)
  const hasMasks = MASKS.has(compression) && headerBytes >= ALPHA_HEADER
  const hasAlpha = hasMasks && view.getUint32(ALPHA_MASK_OFFSET, true) !== 0
  return { codec: 'bmp', width, height, orientation: 1, hasAlpha, isAnimated: false, data: bytes }
}

/** Whether run lengths reach the end mark, or the end of the last row where an encoder left the mark out. */
function runsAreComplete(bytes: Uint8Array, start: number, height: number, compression: number): boolean {
  let rows = 0
  for (let at = start; at + 1 < bytes.length; ) {
    const [count, value] = [bytes[at]!, bytes[at + 1]!]
    at += 2
    if (count > 0) continue
    if (value === 1) return true
    if (value === 0) rows++
    else if (value === 2) {
      rows += bytes[at + 1] ?? 0
      at += 2
    } else {
      const stored = compression === RUN_LENGTHS_8 ? value : Math.ceil(value / 2)
      at += stored + (stored % 2)
    }
  }
  return rows >= height
}
