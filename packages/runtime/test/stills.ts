import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { crc32 } from 'node:zlib'
import { isLongtakeError } from '@longtake/core'
import { expect } from 'vitest'
import { openVideo, type VideoInputs } from '../src/video/index.js'

/** Path of test data. */
export const at = (path: string) => fileURLToPath(new URL(`../../../tests/data/${path}`, import.meta.url))
/** Bytes of a committed picture. */
export const image = (name: string) => readFile(at(`images/${name}`))

/** Opens and reads the picture; tells its size, or the code that this ends with and the message. */
export async function outcome(input: VideoInputs): Promise<string> {
  try {
    await using video = await openVideo(input)
    for await (const { width, height, rgb } of video.frames([0], 'exact')) {
      expect(rgb.length).toBe(width * height * 3)
      expect([video.facts.width, video.facts.height]).toEqual([width, height])
    }
    return `${video.facts.width}×${video.facts.height}`
  } catch (error) {
    if (!isLongtakeError(error)) throw error
    expect(error.message.length).toBeGreaterThan(20)
    return `${error.code} ${error.message}`
  }
}

export interface PngParts {
  readonly width: number
  readonly height: number
  readonly pixels: Uint8Array
  /** Between the header and the pixels. */
  readonly more?: readonly Uint8Array[]
}

/** A PNG chunk with its checksum. */
export function chunk(kind: string, data: Uint8Array): Buffer {
  const bytes = Buffer.alloc(12 + data.length)
  bytes.writeUInt32BE(data.length)
  bytes.write(kind, 4, 'latin1')
  bytes.set(data, 8)
  bytes.writeUInt32BE(crc32(bytes.subarray(4, -4)), 8 + data.length)
  return bytes
}

/** A PNG of 8-bit grey. */
export function png({ width, height, pixels, more = [] }: PngParts): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width)
  header.writeUInt32BE(height, 4)
  header[8] = 8
  const chunks = [chunk('IHDR', header), ...more, chunk('IDAT', pixels), chunk('IEND', Buffer.alloc(0))]
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), ...chunks])
}

/** Replaces the bytes at the first place where `marker` is, and `offset` behind it. */
export function patched(
  bytes: Buffer,
  marker: readonly number[] | string,
  offset: number,
  values: readonly number[],
): Buffer {
  const place = bytes.indexOf(typeof marker === 'string' ? marker : Buffer.from(marker), 0, 'latin1')
  expect(place).toBeGreaterThanOrEqual(0)
  const copy = Buffer.from(bytes)
  copy.set(values, place + offset)
  return copy
}

/** Pictures of all formats and most of their kinds. */
export const VARIED_STILLS = [
  ...['rgb.png', 'palette-alpha.png', 'interlaced.png', '420.jpg', 'progressive.jpg', 'cmyk.jpg'],
  ...[
    'lossy-alpha.webp',
    'lossless.webp',
    'partial.webp',
    'plain.gif',
    'rgb.bmp',
    'alpha.bmp',
    'run-lengths.bmp',
  ],
]
