import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { InputFrame } from '../../packages/runtime/src/index.js'
import { openVideo, type VideoInput } from '../../packages/runtime/src/video/index.js'

/** Path of a committed film. */
export function film(name: string): string {
  return fileURLToPath(new URL(`../data/video/${name}`, import.meta.url))
}

/** A committed film in memory, for changing. */
export async function filmBytes(name: string): Promise<Buffer> {
  return readFile(film(name))
}

/** The pictures of a video at the given times, as a caller of one's own would get them. */
export async function picturesAt(input: VideoInput, timestamps: readonly number[]): Promise<InputFrame[]> {
  await using video = await openVideo(input)
  const pictures: InputFrame[] = []
  for await (const { rgb, width, height, timestampSeconds } of video.frames(timestamps, 'exact')) {
    pictures.push({ rgb, width, height, timestampSeconds })
  }
  return pictures
}

/** Pictures that differ from each other, without a film. */
export function madePictures(count: number, salt = 0): InputFrame[] {
  return Array.from({ length: count }, (_, index) => {
    const rgb = new Uint8Array(20 * 16 * 3).map((_, place) => (place * 7 + index * 31 + salt * 53) % 256)
    return { rgb, width: 20, height: 16, timestampSeconds: 2 + index }
  })
}

/** The same picture a quarter turn clockwise. */
export function turned({ rgb, width, height, ...rest }: InputFrame): InputFrame {
  const result = new Uint8Array(rgb.length)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (y * width + x) * 3
      // The top row becomes the column on the right.
      result.set(rgb.subarray(from, from + 3), (x * height + (height - 1 - y)) * 3)
    }
  }
  return { ...rest, rgb: result, width: height, height: width }
}

/** Offset of the first byte after an MP4 box's name; -1 where there is none. */
export function afterBox(bytes: Buffer, kind: string, from = 0): number {
  const at = bytes.indexOf(kind, from, 'latin1')
  return at < 0 ? -1 : at + 4
}

const TS_PACKET_BYTES = 188
const TS_CLOCK_HZ = 90_000

/** The film in an MPEG transport stream whose 33-bit clock is put forward, and runs over. */
export async function filmOnClock(seconds: number): Promise<Uint8Array> {
  const bytes = await filmBytes('h264.m2t')
  for (let packet = 0; packet + TS_PACKET_BYTES <= bytes.length; packet += TS_PACKET_BYTES) {
    const startsUnit = (bytes.readUInt8(packet + 1) & 0x40) !== 0
    const hasAdaptation = (bytes.readUInt8(packet + 3) & 0x20) !== 0
    const unit = packet + 4 + (hasAdaptation ? 1 + bytes.readUInt8(packet + 4) : 0)
    // A unit of pictures: its flags say whether one time follows, or two.
    if (!startsUnit || bytes.readUInt32BE(unit) !== 0x000001e0) continue
    const times = [0, 0, 1, 2][bytes.readUInt8(unit + 7) >> 6] ?? 0
    for (let index = 0; index < times; index++) putForward(bytes, unit + 9 + index * 5, seconds)
  }
  return bytes
}

/** A time of 33 bits in five bytes, in pieces of 3, 15 and 15 bits with a marker after each. */
function putForward(bytes: Buffer, at: number, seconds: number): void {
  const high = (bytes.readUInt8(at) >> 1) & 7
  const ticks =
    high * 2 ** 30 + (bytes.readUInt16BE(at + 1) >> 1) * 2 ** 15 + (bytes.readUInt16BE(at + 3) >> 1)
  const later = (ticks + seconds * TS_CLOCK_HZ) % 2 ** 33
  bytes.writeUInt8((bytes.readUInt8(at) & 0xf1) | (Math.floor(later / 2 ** 30) << 1), at)
  bytes.writeUInt16BE(((Math.floor(later / 2 ** 15) % 2 ** 15) << 1) | 1, at + 1)
  bytes.writeUInt16BE(((later % 2 ** 15) << 1) | 1, at + 3)
}

/** A fragmented film whose clock is set: the upper half of every fragment's 64-bit decode time. */
export async function filmAtTime(upperHalf: number): Promise<Uint8Array> {
  const bytes = await filmBytes('h264-fragmented.mp4')
  for (let at = afterBox(bytes, 'tfdt'); at >= 0; at = afterBox(bytes, 'tfdt', at)) {
    bytes.writeUInt32BE(upperHalf, at + 4)
  }
  return bytes
}
