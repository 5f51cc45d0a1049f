import type { Orientation } from './still-scan.js'
import { textAt, viewOf } from './still-scan.js'

const EXIF_PREFIX = 'Exif\0\0'
const ORIENTATION_TAG = 0x0112
const SHORT = 3
const ENTRY_BYTES = 12

/**
 * Reads the orientation from EXIF data, which is a small TIFF file: byte order, 42, and where a list of 12-byte entries
 * begins. Only that first list is looked at, once, so no data can make it run long.
 *
 * @param exif - With or without the `Exif` in front; anything else counts as upright.
 */
export function readOrientation(exif: Uint8Array): Orientation {
  const tiff = textAt(exif, 0, EXIF_PREFIX.length) === EXIF_PREFIX ? exif.subarray(EXIF_PREFIX.length) : exif
  const order = textAt(tiff, 0, 2)
  if (tiff.length < 8 || (order !== 'II' && order !== 'MM')) return 1
  const isLittle = order === 'II'
  const view = viewOf(tiff)
  const list = view.getUint32(4, isLittle)
  if (view.getUint16(2, isLittle) !== 42 || list + 2 > tiff.length) return 1
  const entries = Math.min(view.getUint16(list, isLittle), Math.floor((tiff.length - list - 2) / ENTRY_BYTES))
  for (let index = 0; index < entries; index++) {
    const at = list + 2 + index * ENTRY_BYTES
    if (view.getUint16(at, isLittle) !== ORIENTATION_TAG) continue
    return view.getUint16(at + 2, isLittle) === SHORT ? asOrientation(view.getUint16(at + 8, isLittle)) : 1
  }
  return 1
}

function asOrientation(value: number): Orientation {
  switch (value) {
    case 2:
    case 3:
    case 4:
    case 5:
    case 6:
    case 7:
    case 8:
      return value
    default:
      return 1
  }
}
