import { VideoError } from '@longtake/core'

/** Formats of still pictures that are read. */
export type StillCodec = 'png' | 'jpeg' | 'webp' | 'gif' | 'bmp'

/** Bytes from the beginning of a file that tell its format. */
export const SIGNATURE_BYTES = 4096

/** Sizes that a BMP's second header has, from OS/2 1.x to Windows 98. */
const BMP_HEADERS = new Set([12, 40, 52, 56, 64, 108, 124])

/** Characters expected from an offset on, as Latin-1. */
type Signature = readonly [offset: number, characters: string]

const STILLS: readonly (readonly [StillCodec, ...Signature[]])[] = [
  ['png', [0, '\x89PNG']],
  ['jpeg', [0, '\xff\xd8\xff']],
  ['webp', [0, 'RIFF'], [8, 'WEBP']],
  ['gif', [0, 'GIF87a']],
  ['gif', [0, 'GIF89a']],
]

/** Pictures that are told by their name only. Sequences (`avis`, `hevc`) are films, and the demuxers' matter. */
const OTHERS: readonly (readonly [name: string, ...Signature[]])[] = [
  ['HEIC', [4, 'ftyphei']],
  ['HEIC', [4, 'ftypmif1']],
  ['AVIF', [4, 'ftypavif']],
  ['TIFF', [0, 'II*\0']],
  ['TIFF', [0, 'MM\0*']],
  ['TIFF', [0, 'II+\0']],
  ['TIFF', [0, 'MM\0+']],
  ['JPEG XL', [0, '\xff\x0a']],
  ['JPEG XL', [4, 'JXL \r\n']],
  ['JPEG 2000', [4, 'jP  \r\n']],
  ['JPEG 2000', [0, '\xff\x4f\xff\x51']],
  ['Photoshop', [0, '8BPS']],
  ['icon', [0, '\0\0\x01\0']],
]

/** What may stand before the root element of an SVG file: how it begins and ends. */
const XML_PREAMBLE: readonly (readonly [begin: string, end: string])[] = [
  ['<?', '?>'],
  ['<!--', '-->'],
  ['<!doctype', '>'],
]

/**
 * Tells which still picture a file is, by its content and never by its name.
 *
 * @param head - The first {@link SIGNATURE_BYTES} bytes, or as many as there are.
 * @returns Undefined where it is none.
 */
export function stillCodec(head: Uint8Array): StillCodec | undefined {
  const text = latin1(head)
  const found = STILLS.find(([, ...signatures]) => matches(text, signatures))
  if (found !== undefined) return found[0]
  return isBmp(head) ? 'bmp' : undefined
}

/**
 * Refuses the formats of pictures that are not read.
 *
 * @param head - As for {@link stillCodec}.
 * @throws {VideoError} `VIDEO_UNSUPPORTED_CODEC`, naming the format.
 */
export function refuseOtherPictures(head: Uint8Array, name: string): void {
  const text = latin1(head)
  const other = isSvg(text) ? 'SVG' : OTHERS.find(([, ...signatures]) => matches(text, signatures))?.[0]
  if (other === undefined) return
  throw new VideoError(
    'VIDEO_UNSUPPORTED_CODEC',
    `${name} is a picture in a format that is not supported (${other}): convert it to PNG or JPEG.`,
  )
}

function matches(text: string, signatures: readonly Signature[]): boolean {
  return signatures.every(([offset, characters]) => text.startsWith(characters, offset))
}

function isSvg(text: string): boolean {
  const lower = text.replace(/^\xef\xbb\xbf/, '').toLowerCase()
  for (let rest = lower.trimStart(); ; ) {
    const preamble = XML_PREAMBLE.find(([begin]) => rest.startsWith(begin))
    if (preamble === undefined) return /^<(?:svg:)?svg[\s>/]/.test(rest)
    const end = rest.indexOf(preamble[1])
    if (end < 0) return false
    rest = rest.slice(end + preamble[1].length).trimStart()
  }
}

/** Two letters alone begin many a text, so the second header must look like one. */
function isBmp(head: Uint8Array): boolean {
  if (head.length < 18 || head[0] !== 0x42 || head[1] !== 0x4d) return false
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength)
  return BMP_HEADERS.has(view.getUint32(14, true))
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes.subarray(0, SIGNATURE_BYTES))
}
