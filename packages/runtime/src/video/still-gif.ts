import { concatBytes } from '../bytes.js'
import {
  checkStillSize,
  cutOffStill,
  damagedStill,
  type Place,
  type StillScan,
  viewOf,
} from './still-scan.js'

const HEADER_BYTES = 13
const EXTENSION = 0x21
const IMAGE = 0x2c
const TRAILER = 0x3b
const GRAPHIC_CONTROL = 0xf9
const IMAGE_HEADER_BYTES = 10

interface Block {
  readonly kind: number
  readonly start: number
  /** Undefined where the file ends first. */
  readonly end: number | undefined
}

/** Reads the structure of a GIF file up to its second picture. Source: Graphics Interchange Format 89a. */
export function scanGif(bytes: Uint8Array, name: string): StillScan {
  if (bytes.length < HEADER_BYTES) throw cutOffStill(name)
  const view = viewOf(bytes)
  const [width, height] = [view.getUint16(6, true), view.getUint16(8, true)]
  checkStillSize(name, width, height)
  let isTransparent = false
  let first: First | undefined
  for (const { kind, start, end } of blocks(bytes)) {
    // What counts is the first picture: it may be all that there is, even of the file.
    if (first !== undefined) {
      if (kind !== IMAGE) continue
      return still(bytes, { width, height, isTransparent, isAnimated: true }, first)
    }
    if (end === undefined) throw cutOffStill(name)
    if (kind === EXTENSION && bytes[start + 1] === GRAPHIC_CONTROL)
      isTransparent = (bytes[start + 3]! & 1) === 1
    if (kind === TRAILER) break
    if (kind === IMAGE)
      first = { start, end, place: checkedPlace(name, readPlace(view, start + 1), width, height) }
    else if (kind !== EXTENSION) throw damagedStill(name, 'it holds a block that GIF does not have')
  }
  if (first === undefined) throw damagedStill(name, 'it has no picture data')
  return still(bytes, { width, height, isTransparent, isAnimated: false }, first)
}

/** The block of the first picture, and where that lies on the screen. */
interface First {
  readonly start: number
  readonly end: number
  readonly place: Place
}

interface Screen {
  readonly width: number
  readonly height: number
  readonly isTransparent: boolean
  readonly isAnimated: boolean
}

/** Four numbers at `at`. */
function readPlace(view: DataView, at: number): Place {
  const [x = 0, y = 0, width = 0, height = 0] = [0, 2, 4, 6].map((offset) =>
    view.getUint16(at + offset, true),
  )
  return { x, y, width, height }
}

function checkedPlace(name: string, place: Place, width: number, height: number): Place {
  checkStillSize(name, place.width, place.height)
  if (place.x + place.width <= width && place.y + place.height <= height) return place
  throw damagedStill(name, 'its picture does not fit its size')
}

/** A file of the first picture alone, on a screen of its own size: what lies around it is white, whatever the palette. */
function still(bytes: Uint8Array, screen: Screen, { start, end, place }: First): StillScan {
  const { width, height, isTransparent, isAnimated } = screen
  const data = concatBytes([bytes.subarray(0, end), Uint8Array.of(TRAILER)])
  const view = viewOf(data)
  view.setUint16(6, place.width, true)
  view.setUint16(8, place.height, true)
  view.setUint32(start + 1, 0, true)
  const isWhole = place.width === width && place.height === height
  return {
    codec: 'gif',
    width,
    height,
    orientation: 1,
    hasAlpha: isTransparent || !isWhole,
    isAnimated,
    ...(isWhole ? {} : { place }),
    data,
  }
}

/** Blocks to the end of the file, which may be in the middle of one. */
function* blocks(bytes: Uint8Array): Generator<Block> {
  let at: number | undefined = HEADER_BYTES + paletteBytes(bytes[10])
  while (at !== undefined) {
    const start: number = at
    const kind = bytes[start]
    if (kind === undefined || kind === TRAILER) {
      yield { kind: TRAILER, start, end: kind === undefined ? undefined : start + 1 }
      return
    }
    if (kind === IMAGE)
      at = afterSubBlocks(bytes, start + IMAGE_HEADER_BYTES + paletteBytes(bytes[start + 9]) + 1)
    else if (kind === EXTENSION) at = afterSubBlocks(bytes, start + 2)
    else at = start
    yield { kind, start, end: at }
    if (at === start) return
  }
}

/** Bytes of a palette, of which flags say whether there is one and how long. */
function paletteBytes(flags = 0): number {
  return (flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1)
}

function afterSubBlocks(bytes: Uint8Array, start: number): number | undefined {
  for (let at = start; at < bytes.length; at += 1 + bytes[at]!) if (bytes[at] === 0) return at + 1
  return undefined
}
