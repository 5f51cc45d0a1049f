import { readOrientation } from './exif.js'
import {
  checkStillSize,
  cutOffStill,
  damagedStill,
  type Orientation,
  Pieces,
  type StillScan,
  textAt,
  unsupportedStill,
  viewOf,
} from './still-scan.js'

/** Markers by their second byte. */
const START_OF_SCAN = 0xda
const END_OF_IMAGE = 0xd9
const EXIF = 0xe1
const ADOBE = 0xee
/** Tables, the restart interval, and Adobe's word on colours: all that a decoder needs. */
const KEPT = new Set([0xc4, 0xdb, 0xdd, ADOBE])
/** Huffman-coded frames: baseline, extended, progressive. */
const FRAMES = new Set([0xc0, 0xc1, 0xc2])
/** Frames of other kinds: lossless, hierarchical, arithmetic. */
const OTHER_FRAMES = new Set([0xc3, 0xc5, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf])

/** More than the largest profile and a thumbnail take, with room for the scans. */
const MAX_SEGMENTS = 8_192

/** Each scan of a progressive picture goes over all of it: 16 scans of the largest one, more of smaller ones. */
const MAX_SCANNED_PIXELS = 2 ** 30

interface Segment {
  readonly marker: number
  /** Where the marker begins, and its data; where the data ends, for a scan with its pixels. */
  readonly start: number
  readonly data: number
  readonly end: number
}

interface FrameHeader {
  readonly width: number
  readonly height: number
  readonly components: number
}

/** Reads the structure of a JPEG file. Source: ITU-T T.81, annex B; Adobe's segment: T.872. */
export function scanJpeg(bytes: Uint8Array, name: string): StillScan {
  const pieces = new Pieces(bytes)
  pieces.add(0, 2)
  let frame: FrameHeader | undefined
  let orientation: Orientation | undefined
  let isAdobe = false
  let scans = 0
  for (const segment of segments(bytes, name)) {
    const { marker, start, data, end } = segment
    if (OTHER_FRAMES.has(marker)) throw unsupportedStill(name, 'a lossless or arithmetic-coded JPEG picture')
    if (FRAMES.has(marker)) {
      if (frame !== undefined) throw damagedStill(name, 'it has the headers of several pictures')
      frame = readFrame(bytes.subarray(data, end), name)
    } else if (marker === START_OF_SCAN) {
      if (frame === undefined) throw damagedStill(name, 'its pixels come before their size')
      scans++
      checkPasses(scans, frame, name)
    } else if (marker === EXIF && textAt(bytes, data, 4) === 'Exif') {
      orientation ??= readOrientation(bytes.subarray(data, end))
    } else if (marker === ADOBE) {
      isAdobe ||= textAt(bytes, data, 5) === 'Adobe'
    }
    if (FRAMES.has(marker) || marker === START_OF_SCAN || marker === END_OF_IMAGE || KEPT.has(marker)) {
      pieces.add(start, end)
    }
  }
  if (frame === undefined || scans === 0) throw damagedStill(name, 'it has no picture data')
  // Without Adobe's word it is unknown whether such pictures hold ink or its absence.
  if (frame.components === 4 && !isAdobe)
    throw unsupportedStill(name, 'a four-colour JPEG picture of an unknown kind')
  const { width, height } = frame
  const upright = orientation ?? 1
  const data = pieces.join()
  return { codec: 'jpeg', width, height, orientation: upright, hasAlpha: false, isAnimated: false, data }
}

function checkPasses(scans: number, { width, height }: FrameHeader, name: string): void {
  if (scans * width * height <= MAX_SCANNED_PIXELS) return
  throw unsupportedStill(name, `a JPEG picture in ${scans} and more passes`)
}

function readFrame(data: Uint8Array, name: string): FrameHeader {
  if (data.length < 6) throw damagedStill(name, 'its header is too short')
  const view = viewOf(data)
  const [height, width, components] = [view.getUint16(1), view.getUint16(3), view.getUint8(5)]
  checkStillSize(name, width, height)
  if (view.getUint8(0) !== 8) throw unsupportedStill(name, `a JPEG picture of ${view.getUint8(0)} bits`)
  if (![1, 3, 4].includes(components)) throw unsupportedStill(name, `a JPEG picture of ${components} colours`)
  return { width, height, components }
}

/** All segments up to the end mark; a scan's includes its pixels. Bytes that belong to none are passed over. */
function* segments(bytes: Uint8Array, name: string): Generator<Segment> {
  let from = 2
  for (let count = 0; count < MAX_SEGMENTS; count++) {
    const start = nextMarker(bytes, from, name)
    const marker = bytes[start + 1]!
    if (marker === END_OF_IMAGE) {
      yield { marker, start, data: start + 2, end: start + 2 }
      return
    }
    if (start + 4 > bytes.length) throw cutOffStill(name)
    const length = viewOf(bytes).getUint16(start + 2)
    const headerEnd = start + 2 + length
    if (length < 2) throw damagedStill(name, 'a segment has no length')
    if (headerEnd > bytes.length) throw cutOffStill(name)
    const end = marker === START_OF_SCAN ? nextMarker(bytes, headerEnd, name) : headerEnd
    yield { marker, start, data: start + 4, end }
    from = end
  }
  throw damagedStill(name, 'it is split into too many segments')
}

/** Where the next marker begins that has a meaning of its own: no stuffed byte, restart mark or filler. */
function nextMarker(bytes: Uint8Array, from: number, name: string): number {
  for (let at = bytes.indexOf(0xff, from); at >= 0; at = bytes.indexOf(0xff, at + 1)) {
    const next = bytes[at + 1]
    if (next === undefined) break
    const isBare = next === 0 || next === 0x01 || next === 0xff || (next >= 0xd0 && next <= 0xd8)
    if (!isBare) return at
  }
  throw cutOffStill(name)
}
