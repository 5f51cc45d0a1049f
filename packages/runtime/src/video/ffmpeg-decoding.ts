import { availableParallelism } from 'node:os'
import type { SamplingMode } from '@longtake/core'
import type { Frame } from 'node-av/lib'
import type { Packet, PacketTrack } from './packet-track.js'
import type { Picture } from './picture.js'
import { PictureConverter } from './picture-converter.js'
import { emptyFrame, PictureDecoder } from './picture-decoder.js'
import type { DecodedFrame, PictureDecoding, Received } from './picture-decoding.js'

/** More threads hold more pictures in memory and gain little. */
const MAX_THREADS = 4

/** Decodes with FFmpeg. Threads are for pictures in a row: single keyframes gain nothing from them. */
export async function openFfmpegDecoding(
  { setup, geometry }: Pick<PacketTrack, 'setup' | 'geometry'>,
  mode: SamplingMode,
): Promise<PictureDecoding> {
  const threads = mode === 'keyframe' ? 1 : Math.min(MAX_THREADS, availableParallelism())
  return new FfmpegDecoding(await PictureDecoder.open(setup, threads), new PictureConverter(geometry))
}

/** A frame of FFmpeg's, which is used again for another picture when it has been freed. */
class FfmpegFrame implements DecodedFrame {
  readonly at: number
  readonly native: Frame
  readonly #onFreed: (native: Frame) => void
  #isFree = false

  constructor(native: Frame, onFreed: (native: Frame) => void) {
    this.at = Number(native.pts)
    this.native = native
    this.#onFreed = onFreed
  }

  free(): void {
    if (this.#isFree) return
    this.#isFree = true
    this.native.unref()
    this.#onFreed(this.native)
  }
}

class FfmpegDecoding implements PictureDecoding {
  readonly #decoder: PictureDecoder
  readonly #converter: PictureConverter
  /** Empty, for pictures to come. */
  readonly #empty: Frame[] = []

  constructor(decoder: PictureDecoder, converter: PictureConverter) {
    this.#decoder = decoder
    this.#converter = converter
  }

  async send(packet: Packet, isWanted?: boolean): Promise<void> {
    await this.#decoder.send(packet, isWanted)
  }

  drain(): Promise<void> {
    return this.#decoder.drain()
  }

  async receive(): Promise<Received> {
    const native = this.#empty.pop() ?? emptyFrame()
    const received = await this.#decoder.receive(native)
    if (received === 'picture') return new FfmpegFrame(native, (freed) => this.#empty.push(freed))
    this.#empty.push(native)
    return received
  }

  reset(): void {
    this.#decoder.reset()
  }

  toPicture(frame: DecodedFrame): Promise<Picture> {
    if (frame instanceof FfmpegFrame) return this.#converter.convert(frame.native)
    throw new TypeError('The frame is of another decoder.')
  }

  close(): void {
    this.#decoder.close()
    this.#converter.close()
    for (const native of this.#empty.splice(0)) native.free()
  }
}
