import { VideoError } from '@longtake/core'
import { type AviEntry, readAvi } from './avi-index.js'
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

/** A picture's place in the index; its bytes are read when decoding needs them. */
interface AviPacket extends PacketRef {
  readonly index: number
}

/**
 * Opens the first video stream of an AVI file. AVI stores pictures in decoding order at a fixed rate.
 *
 * @throws {VideoError} As `readAvi`, and `VIDEO_UNSUPPORTED_CODEC`.
 */
export async function openAviTrack(source: VideoSource): Promise<PacketTrack> {
  const video = await readAvi(source)
  const codec = CODECS.get(video.fourcc.toUpperCase())
  if (codec === undefined) {
    throw new VideoError(
      'VIDEO_UNSUPPORTED_CODEC',
      `${source.name} is encoded with a codec that is not supported (${printable(video.fourcc)}): convert it to H.264 with: ffmpeg -i in.avi out.mp4`,
    )
  }
  const { width, height, extraData } = video
  const setup = {
    codec,
    extraData,
    width,
    height,
    matrix: undefined,
    fullRange: undefined,
    decodingOrder: true,
  }
  return new AviTrack(source, setup, video.entries, video.secondsPerPicture)
}

function printable(fourcc: string): string {
  return fourcc.replace(/[^\x20-\x7e]/g, '?')
}

class AviTrack implements PacketTrack {
  readonly setup: DecoderSetup
  readonly geometry = { pixelAspect: 1, rotation: 0, flip: false } as const
  readonly #source: VideoSource
  readonly #entries: readonly AviEntry[]
  readonly #step: number

  constructor(source: VideoSource, setup: DecoderSetup, entries: readonly AviEntry[], step: number) {
    this.setup = setup
    this.#source = source
    this.#entries = entries
    this.#step = step
  }

  async first(): Promise<PacketRef | null> {
    return this.#from(0, 1)
  }

  async at(seconds: number): Promise<PacketRef | null> {
    return this.#from(this.#indexAt(seconds), -1)
  }

  async keyAt(seconds: number): Promise<Packet | null> {
    const isKey = (entry: AviEntry) => entry.isKey
    const before = this.#from(this.#indexAt(seconds), -1, isKey)
    return this.#load(before ?? this.#from(0, 1, isKey))
  }

  async nextKey(packet: PacketRef): Promise<PacketRef | null> {
    return this.#from(this.#indexOf(packet) + 1, 1, (entry) => entry.isKey)
  }

  async next(packet: PacketRef): Promise<Packet | null> {
    return this.#load(this.#from(this.#indexOf(packet) + 1, 1))
  }

  async nextRef(packet: PacketRef): Promise<PacketRef | null> {
    return this.#from(this.#indexOf(packet) + 1, 1)
  }

  async readable(seconds: number): Promise<boolean> {
    return (await this.#load(this.#from(this.#indexAt(seconds), -1))) !== null
  }

  close(): void {}

  #indexAt(seconds: number): number {
    // Half a microsecond of grace: times come back from a division by the same step.
    return Math.min(this.#entries.length - 1, Math.floor((seconds + 5e-7) / this.#step))
  }

  #indexOf(packet: PacketRef): number {
    return Math.round(packet.timestamp / this.#step)
  }

  /** First stored picture from `index` in the given direction; empty chunks repeat the picture before them. */
  #from(index: number, direction: 1 | -1, wanted?: (entry: AviEntry) => boolean): AviPacket | null {
    for (let at = index; ; at += direction) {
      const entry = this.#entries[at]
      if (entry === undefined) return null
      if (entry.size === 0 || wanted?.(entry) === false) continue
      return {
        index: at,
        timestamp: at * this.#step,
        duration: this.#step,
        type: entry.isKey ? 'key' : 'delta',
      }
    }
  }

  async #load(packet: AviPacket | null): Promise<Packet | null> {
    const entry = packet === null ? undefined : this.#entries[packet.index]
    if (packet === null || entry === undefined) return null
    if (entry.offset + entry.size > (await this.#source.size())) return null
    return { ...packet, data: await this.#source.read(entry.offset, entry.offset + entry.size) }
  }
}
