import { VideoError } from '@longtake/core'
import type { VideoSource } from './video-source.js'

const SIGNATURE_BYTES = 4096

/** Boxes with which MP4 and MOV files begin. */
const FIRST_BOXES = new Set(['ftyp', 'styp', 'moov', 'mdat', 'free', 'skip', 'wide'])

/** What the first bytes say a file is, where the demuxers do not know it. */
type Kind =
  | 'avi'
  | {
      readonly code: 'VIDEO_NO_VIDEO_TRACK' | 'VIDEO_UNSUPPORTED_CODEC'
      readonly what: string
    }

const SOUND = (what: string): Kind => ({
  code: 'VIDEO_NO_VIDEO_TRACK',
  what: `a sound file (${what}) without pictures`,
})
const CONTAINER = (what: string): Kind => ({
  code: 'VIDEO_UNSUPPORTED_CODEC',
  what: `a ${what} file, which is not supported; repack it with: ffmpeg -i in -c copy out.mkv`,
})

/** Signatures: the characters expected from an offset on, as Latin-1. */
const SIGNATURES: readonly (readonly [offset: number, characters: string, kind: Kind])[] = [
  [8, 'AVI ', 'avi'],
  [8, 'WAVE', SOUND('WAV')],
  [0, 'ID3', SOUND('MP3')],
  [0, 'fLaC', SOUND('FLAC')],
  [0, 'OggS', CONTAINER('Ogg')],
  [0, 'FLV', CONTAINER('Flash Video')],
  [0, '\x30\x26\xb2\x75', CONTAINER('Windows Media')],
  [0, '\x00\x00\x01\xba', CONTAINER('MPEG program stream')],
  [0, '#EXTM3U', CONTAINER('playlist')],
]

/**
 * Names what a file is that no demuxer opened.
 *
 * @returns `avi`, the one container that is read by our own code.
 * @throws {VideoError} For everything else, saying what it is and what to do.
 */
export async function expectAvi(source: VideoSource): Promise<'avi'> {
  const bytes = await source.read(0, Math.min(SIGNATURE_BYTES, await source.size()))
  const head = String.fromCharCode(...bytes)
  const kind = SIGNATURES.find(([offset, characters]) => head.startsWith(characters, offset))?.[2]
  if (kind === 'avi') return 'avi'
  if (kind !== undefined) throw new VideoError(kind.code, `${source.name} is ${kind.what}.`)
  throw new VideoError(
    'VIDEO_NOT_A_VIDEO',
    `${source.name} is neither a video nor a picture: give an MP4, MOV, MKV, WebM, MPEG-TS or AVI file, or a PNG, JPEG, WebP, GIF or BMP picture.`,
  )
}

/** Whether an MP4, MOV, MKV or WebM file declares more bytes than it has. False for others, which do not say. */
export async function isCutOff(source: VideoSource): Promise<boolean> {
  const size = await source.size()
  const bytes = await source.read(0, Math.min(SIGNATURE_BYTES, size))
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < 8) return false
  if (view.getUint32(0) === 0x1a45dfa3) return matroskaEnd(bytes) > size
  return FIRST_BOXES.has(String.fromCharCode(...bytes.subarray(4, 8))) && isoEnd(source, size)
}

/** A fragmented film has one box for every few seconds; looking at all of them would take as long as reading it. */
const MAX_BOXES = 64

/** Walks the outermost boxes of MP4 and MOV to the first that does not fit. */
async function isoEnd(source: VideoSource, size: number): Promise<boolean> {
  let at = 0
  for (let boxes = 0; at + 8 <= size; boxes++) {
    if (boxes === MAX_BOXES) return false
    const bytes = await source.read(at, Math.min(at + 16, size))
    if (bytes.length < 8) return true
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const short = view.getUint32(0)
    const length = short === 1 && bytes.length >= 16 ? Number(view.getBigUint64(8)) : short
    if (length === 0) return false
    if (length < 8) return true
    at += length
  }
  return at !== size
}

/** Where the segment of a Matroska file ends by its own word; 0 where it does not say. */
function matroskaEnd(bytes: Uint8Array): number {
  const [headerLength, headerStart] = variableInteger(bytes, 4)
  const segment = headerStart + headerLength
  const [length, start] = variableInteger(bytes, segment + 4)
  return Number.isFinite(length) ? start + length : 0
}

/** EBML's number of one to eight bytes; infinite where all its bits are set, which means unknown. */
function variableInteger(bytes: Uint8Array, at: number): [value: number, next: number] {
  const first = bytes[at] ?? 0
  const width = Math.clz32(first) - 23
  if (width > 8) return [Number.POSITIVE_INFINITY, at + 1]
  let value = first & (0xff >> width)
  let unknown = value === 0xff >> width
  for (let index = 1; index < width; index++) {
    const byte = bytes[at + index] ?? 0
    unknown &&= byte === 0xff
    value = value * 256 + byte
  }
  return [unknown ? Number.POSITIVE_INFINITY : value, at + width]
}
