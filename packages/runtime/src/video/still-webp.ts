import { concatBytes } from '../bytes.js'
import { readOrientation } from './exif.js'
import {
  checkStillSize,
  cutOffStill,
  damagedStill,
  type Orientation,
  type Place,
  type StillScan,
  textAt,
  viewOf,
} from './still-scan.js'

const HEADER_BYTES = 12
const CHUNK_HEADER_BYTES = 8
/** Place, size, duration and flags, before the chunks of a frame of an animation. */
const FRAME_HEADER_BYTES = 16
const ALPHA_FLAG = 0x10

interface Chunk {
  readonly kind: string
  readonly data: Uint8Array
}

/** The chunks that one picture is made of. */
interface Bitstream {
  readonly width: number
  readonly height: number
  readonly hasAlpha: boolean
  readonly chunks: readonly Chunk[]
}

/** Reads the structure of a WebP file. Source: RFC 9649. */
export function scanWebp(bytes: Uint8Array, name: string): StillScan {
  if (bytes.length < HEADER_BYTES + CHUNK_HEADER_BYTES) throw cutOffStill(name)
  const end = 8 + viewOf(bytes).getUint32(4, true)
  if (end > bytes.length) throw cutOffStill(name)
  const file = readFile(bytes.subarray(HEADER_BYTES, end), name)
  const picture = file.frame?.picture ?? file.picture
  if (picture === undefined) throw damagedStill(name, 'it has no picture data')
  const { width, height } = file.canvas ?? picture
  const place: Place = {
    x: file.frame?.x ?? 0,
    y: file.frame?.y ?? 0,
    width: picture.width,
    height: picture.height,
  }
  const isWhole = place.width === width && place.height === height
  if (
    place.x + place.width > width ||
    place.y + place.height > height ||
    (file.frame === undefined && !isWhole)
  ) {
    throw damagedStill(name, 'its picture does not fit its size')
  }
  return {
    codec: 'webp',
    width,
    height,
    orientation: file.orientation,
    hasAlpha: picture.hasAlpha || !isWhole,
    isAnimated: file.frame !== undefined,
    ...(isWhole ? {} : { place }),
    data: rebuild(picture),
  }
}

interface File {
  canvas: { readonly width: number; readonly height: number } | undefined
  picture: Bitstream | undefined
  /** First of an animation. */
  frame: { readonly x: number; readonly y: number; readonly picture: Bitstream } | undefined
  orientation: Orientation
}

function readFile(bytes: Uint8Array, name: string): File {
  const file: File = { canvas: undefined, picture: undefined, frame: undefined, orientation: 1 }
  let alpha: Chunk | undefined
  for (const chunk of chunks(bytes, name)) {
    const { kind, data } = chunk
    if (kind === 'VP8X') file.canvas ??= readCanvas(data, name)
    else if (kind === 'EXIF') file.orientation = readOrientation(data)
    else if (kind === 'ALPH') alpha ??= chunk
    else if (kind === 'ANMF') file.frame ??= readFrame(data, name)
    else if (kind === 'VP8 ' || kind === 'VP8L') file.picture ??= readBitstream(chunk, alpha, name)
  }
  return file
}

function readCanvas(data: Uint8Array, name: string): { width: number; height: number } {
  if (data.length < 10) throw damagedStill(name, 'its header is too short')
  const [width, height] = [uint24(data, 4) + 1, uint24(data, 7) + 1]
  checkStillSize(name, width, height)
  return { width, height }
}

function readFrame(data: Uint8Array, name: string): File['frame'] {
  if (data.length < FRAME_HEADER_BYTES) throw damagedStill(name, 'its first picture is too short')
  let alpha: Chunk | undefined
  for (const chunk of chunks(data.subarray(FRAME_HEADER_BYTES), name)) {
    if (chunk.kind === 'ALPH') alpha ??= chunk
    if (chunk.kind === 'VP8 ' || chunk.kind === 'VP8L') {
      return { x: uint24(data, 0) * 2, y: uint24(data, 3) * 2, picture: readBitstream(chunk, alpha, name) }
    }
  }
  throw damagedStill(name, 'its first picture has no data')
}

/** Size from the codec's own header, which is what the decoder goes by. */
function readBitstream(chunk: Chunk, alpha: Chunk | undefined, name: string): Bitstream {
  const { kind, data } = chunk
  const view = viewOf(data)
  if (kind === 'VP8L') {
    if (data.length < 5 || data[0] !== 0x2f) throw damagedStill(name, 'its pixels have no header')
    const bits = view.getUint32(1, true)
    const [width, height] = [(bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1]
    checkStillSize(name, width, height)
    return { width, height, hasAlpha: ((bits >>> 28) & 1) === 1, chunks: [chunk] }
  }
  const isKeyframe = data.length >= 10 && (data[0]! & 1) === 0 && textAt(data, 3, 3) === '\x9d\x01\x2a'
  if (!isKeyframe) throw damagedStill(name, 'its pixels have no header')
  const [width, height] = [view.getUint16(6, true) & 0x3fff, view.getUint16(8, true) & 0x3fff]
  checkStillSize(name, width, height)
  const hasAlpha = alpha !== undefined
  return { width, height, hasAlpha, chunks: hasAlpha ? [alpha, chunk] : [chunk] }
}

function* chunks(bytes: Uint8Array, name: string): Generator<Chunk> {
  const view = viewOf(bytes)
  for (let at = 0; at + CHUNK_HEADER_BYTES <= bytes.length; ) {
    const start = at + CHUNK_HEADER_BYTES
    const end = start + view.getUint32(at + 4, true)
    if (end > bytes.length) throw cutOffStill(name)
    yield { kind: textAt(bytes, at, 4), data: bytes.subarray(start, end) }
    at = end + (end & 1)
  }
}

/** A file of one picture, without profiles and other pictures. */
function rebuild({ width, height, chunks }: Bitstream): Uint8Array {
  const parts = chunks.flatMap(({ kind, data }) => [
    chunkHeader(kind, data.length),
    data,
    new Uint8Array(data.length & 1),
  ])
  if (chunks.length > 1) {
    const canvas = Uint8Array.of(ALPHA_FLAG, 0, 0, 0, ...bytesOf24(width - 1), ...bytesOf24(height - 1))
    parts.unshift(chunkHeader('VP8X', canvas.length), canvas)
  }
  const length = parts.reduce((sum, part) => sum + part.length, 4)
  return concatBytes([chunkHeader('RIFF', length), latin1('WEBP'), ...parts])
}

function chunkHeader(kind: string, length: number): Uint8Array {
  const header = latin1(`${kind}\0\0\0\0`)
  viewOf(header).setUint32(4, length, true)
  return header
}

function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0))
}

function bytesOf24(value: number): number[] {
  return [value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff]
}

function uint24(bytes: Uint8Array, at: number): number {
  return bytes[at]! + bytes[at + 1]! * 2 ** 8 + bytes[at + 2]! * 2 ** 16
}
