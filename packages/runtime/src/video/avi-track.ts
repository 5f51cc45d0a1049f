import { VideoError } from '@longtake/core'
import { type AviEntry, type AviVideo, readAvi } from './avi-index.js'
import type { DecoderSetup, Packet, PacketRef, PacketTrack } from './packet-track.js'
import type { VideoSource } from './video-source.js'

/** Codecs by the names that AVI files give them. */
const CODECS = new Map<string, string>([
  ...['H264', 'X264', 'AVC1'].map((name): [string, string] => [name, 'h264']),
  ...['HEVC', 'H265', 'HVC1', 'X265'].map((name): [string, string] => [name, 'hevc']),
  ...['XVID', 'DIVX', 'DX50', 'FMP4', 'MP4V', 'MP4S'].map((name): [string, string] => [name, 'mpeg4']),
  ...['DIV3', 'MP43', 'MPG3', 'DIV4', 'COL1'].map((name): [string, string] => [name, 'msmpeg4v3']),
  ...['MJPG', 'JPEG', 'AVRN'].map((name): [string, string] => [name, 'mjpeg']),
  ['VP80', 'vp8'],
  ['VP90', 'vp9'],
  ['AV01', 'av1'],
])

/** Bytes in which an MPEG-4 picture's header is looked for; user data before it is short. */
const HEADER_BYTES = 512

/** MPEG-4 part 2 allows more, but no encoder puts more B pictures between two others. */
const MAX_B_PICTURES = 8

type Direction = 1 | -1

/** A picture's place in the index; its bytes are read when decoding needs them. */
class AviPacket implements PacketRef {
  constructor(
    readonly index: number,
    readonly timestamp: number,
    readonly duration: number,
    readonly type: 'key' | 'delta',
  ) {}
}

/**
 * Opens the first video stream of an AVI file. AVI stores pictures in decoding order at a fixed rate and says
 * nothing of the order on screen; for MPEG-4 part 2 that is read from the pictures' own headers.
 *
 * @throws {VideoError} As `readAvi`, and `VIDEO_UNSUPPORTED_CODEC`.
 */
export async function openAviTrack(source: VideoSource): Promise<PacketTrack> {
  const video = await readAvi(source)
  const codec = CODECS.get(video.fourcc.toUpperCase())
  if (codec !== undefined) return new AviTrack(source, video, codec)
  const shown = video.fourcc.replace(/[^\x20-\x7e]/g, '?')
  throw new VideoError(
    'VIDEO_UNSUPPORTED_CODEC',
    `${source.name} is encoded with a codec that is not supported (${shown}): convert it with: ffmpeg -i in.avi out.mp4`,
  )
}

class AviTrack implements PacketTrack {
  readonly setup: DecoderSetup
  readonly geometry = { pixelAspect: 1, rotation: 0, flip: false } as const
  readonly #source: VideoSource
  readonly #entries: readonly AviEntry[]
  readonly #step: number
  /** Whether pictures between others are stored after them. */
  readonly #reordered: boolean
  readonly #isB = new Map<number, boolean>()

  constructor(source: VideoSource, video: AviVideo, codec: string) {
    const { width, height, extraData } = video
    // H.264 and HEVC hide the order deep in their headers: there the decoder's own order counts.
    const decodingOrder = codec === 'h264' || codec === 'hevc'
    this.setup = { codec, extraData, width, height, matrix: undefined, fullRange: undefined, decodingOrder }
    this.#source = source
    this.#entries = video.entries
    this.#step = video.secondsPerPicture
    this.#reordered = codec === 'mpeg4'
  }

  async first(): Promise<PacketRef | null> {
    return this.#packet(this.#find(0, 1))
  }

  async at(seconds: number): Promise<PacketRef | null> {
    return this.#packet(await this.#shownAt(seconds))
  }

  async keyAt(seconds: number): Promise<Packet | null> {
    let index = this.#find(await this.#shownAt(seconds), -1, true)
    let key = await this.#packet(index)
    // B pictures lie behind the keyframe that is shown after them.
    while (key !== null && key.timestamp > seconds + 5e-7) {
      index = this.#find(index - 1, -1, true)
      key = await this.#packet(index)
    }
    return this.#load(key ?? (await this.#packet(this.#find(0, 1, true))))
  }

  async nextKey(packet: PacketRef): Promise<Packet | null> {
    return this.#load(await this.#packet(this.#find(indexOf(packet) + 1, 1, true)))
  }

  async next(packet: PacketRef): Promise<Packet | null> {
    return this.#load(await this.#packet(this.#find(indexOf(packet) + 1, 1)))
  }

  nextRef(packet: PacketRef): Promise<PacketRef | null> {
    return this.#packet(this.#find(indexOf(packet) + 1, 1))
  }

  async readable(seconds: number): Promise<boolean> {
    return (await this.#load(await this.#packet(await this.#shownAt(seconds)))) !== null
  }

  close(): void {}

  /** Index of the stored picture that is on screen at `seconds`; -1 before the first. */
  async #shownAt(seconds: number): Promise<number> {
    // Half a microsecond of grace: times come back from a multiplication by the same step.
    const place = Math.min(this.#entries.length - 1, Math.floor((seconds + 5e-7) / this.#step))
    if (this.#reordered) {
      const first = Math.max(0, place - MAX_B_PICTURES)
      for (let index = Math.min(place + 1, this.#entries.length - 1); index >= first; index--) {
        if (this.#isStored(index) && (await this.#placeOnScreen(index)) === place) return index
      }
    }
    return this.#find(place, -1)
  }

  /** First stored picture from `index` on; -1 where there is none. Empty chunks repeat the picture before them. */
  #find(index: number, direction: Direction, key = false): number {
    for (let at = index; at >= 0 && at < this.#entries.length; at += direction) {
      if (this.#isStored(at) && (!key || this.#entries[at]?.isKey === true)) return at
    }
    return -1
  }

  #isStored(index: number): boolean {
    return (this.#entries[index]?.size ?? 0) > 0
  }

  async #packet(index: number): Promise<AviPacket | null> {
    const entry = this.#entries[index]
    if (entry === undefined) return null
    const seconds = (this.#reordered ? await this.#placeOnScreen(index) : index) * this.#step
    return new AviPacket(index, seconds, this.#step, entry.isKey ? 'key' : 'delta')
  }

  /** A B picture is shown before the one stored ahead of it; that one after all B pictures behind it. */
  async #placeOnScreen(index: number): Promise<number> {
    if (await this.#isBPicture(index)) return index - 1
    let place = index
    while (place < index + MAX_B_PICTURES && (await this.#isBPicture(place + 1))) place++
    return place
  }

  async #isBPicture(index: number): Promise<boolean> {
    const known = this.#isB.get(index)
    if (known !== undefined) return known
    const entry = this.#entries[index]
    if (entry === undefined || entry.isKey) return false
    const end = entry.offset + Math.min(entry.size, HEADER_BYTES)
    const isB = isBPicture(await this.#source.read(entry.offset, end))
    this.#isB.set(index, isB)
    return isB
  }

  async #load(packet: AviPacket | null): Promise<Packet | null> {
    const entry = packet === null ? undefined : this.#entries[packet.index]
    if (packet === null || entry === undefined) return null
    const end = entry.offset + entry.size
    if (end > (await this.#source.size())) return null
    return Object.assign(new AviPacket(packet.index, packet.timestamp, packet.duration, packet.type), {
      data: await this.#source.read(entry.offset, end),
    })
  }
}

function indexOf(packet: PacketRef): number {
  if (packet instanceof AviPacket) return packet.index
  throw new TypeError('The packet belongs to another track.')
}

/** MPEG-4 part 2: the two bits after the start code 00 00 01 B6 name the kind of picture, 2 for B. */
function isBPicture(bytes: Uint8Array): boolean {
  for (let at = 0; at + 4 < bytes.length; at++) {
    if (bytes[at] === 0 && bytes[at + 1] === 0 && bytes[at + 2] === 1 && bytes[at + 3] === 0xb6) {
      return bytes[at + 4]! >> 6 === 2
    }
  }
  return false
}
