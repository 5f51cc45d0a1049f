import { VideoError } from '@longtake/core'
import {
  AV_CODEC_ID_AV1,
  AV_CODEC_ID_BMP,
  AV_CODEC_ID_GIF,
  AV_CODEC_ID_H264,
  AV_CODEC_ID_HEVC,
  AV_CODEC_ID_MJPEG,
  AV_CODEC_ID_MPEG4,
  AV_CODEC_ID_MSMPEG4V3,
  AV_CODEC_ID_PNG,
  AV_CODEC_ID_PRORES,
  AV_CODEC_ID_VP8,
  AV_CODEC_ID_VP9,
  AV_CODEC_ID_WEBP,
  AVCOL_RANGE_JPEG,
  AVCOL_RANGE_MPEG,
  AVCOL_SPC_BT470BG,
  AVCOL_SPC_BT709,
  AVCOL_SPC_BT2020_NCL,
  AVCOL_SPC_SMPTE170M,
  AVERROR_EAGAIN,
  AVERROR_EOF,
  AVMEDIA_TYPE_VIDEO,
  FF_COMPLIANCE_STRICT,
} from 'node-av/constants'
import { Codec, CodecContext, Dictionary, Frame, Packet as NativePacket } from 'node-av/lib'
import { check } from './ffmpeg.js'
import { type DecoderSetup, microseconds, type Packet } from './packet-track.js'
import { MAX_PIXELS } from './picture.js'

/** Up to 4K, where a few pictures in flight cost little, decoding uses several threads. */
const MAX_THREADED_PIXELS = 4_096 * 2_304

const CODEC_IDS = new Map([
  ['h264', AV_CODEC_ID_H264],
  ['hevc', AV_CODEC_ID_HEVC],
  ['vp8', AV_CODEC_ID_VP8],
  ['vp9', AV_CODEC_ID_VP9],
  ['av1', AV_CODEC_ID_AV1],
  ['prores', AV_CODEC_ID_PRORES],
  ['mpeg4', AV_CODEC_ID_MPEG4],
  ['msmpeg4v3', AV_CODEC_ID_MSMPEG4V3],
  ['mjpeg', AV_CODEC_ID_MJPEG],
  ['jpeg', AV_CODEC_ID_MJPEG],
  ['png', AV_CODEC_ID_PNG],
  ['webp', AV_CODEC_ID_WEBP],
  ['gif', AV_CODEC_ID_GIF],
  ['bmp', AV_CODEC_ID_BMP],
])

const MATRICES = new Map([
  ['bt709', AVCOL_SPC_BT709],
  ['bt470bg', AVCOL_SPC_BT470BG],
  ['smpte170m', AVCOL_SPC_SMPTE170M],
  ['bt2020-ncl', AVCOL_SPC_BT2020_NCL],
])

/** What `receive` found: a picture, a decoder that wants another packet, or the end after `drain`. */
type Received = 'picture' | 'hungry' | 'end'

/** FFmpeg's software decoder for one track. Calls must not overlap. */
export class PictureDecoder {
  readonly #context: CodecContext
  readonly #packet = new NativePacket()
  readonly #canSkip: boolean
  #skips = false

  private constructor(context: CodecContext, canSkip: boolean) {
    this.#context = context
    this.#canSkip = canSkip
    this.#packet.alloc()
  }

  /**
   * @param threads - Decoding threads; 1 for single keyframes, which gain nothing from more.
   * @throws {VideoError} `VIDEO_UNSUPPORTED_CODEC` if this FFmpeg cannot decode it.
   */
  static async open(setup: DecoderSetup, threads: number): Promise<PictureDecoder> {
    const id = CODEC_IDS.get(setup.codec)
    const codec = id === undefined ? null : Codec.findDecoder(id)
    if (id === undefined || codec === null) {
      throw new VideoError('VIDEO_UNSUPPORTED_CODEC', `There is no decoder for ${setup.codec} here.`)
    }
    const context = new CodecContext()
    context.allocContext3(codec)
    try {
      configure(context, setup)
      context.codecId = id
      context.threadCount = setup.width * setup.height <= MAX_THREADED_PIXELS ? threads : 1
      // Strict: pictures of streams that do not declare their reordering come out in the right order.
      const options = Dictionary.fromObject({
        strict: FF_COMPLIANCE_STRICT,
        max_pixels: MAX_PIXELS,
        ...(setup.refusesDamage === true && { err_detect: 'explode' }),
      })
      try {
        check(await context.open2(codec, options), `opening the ${setup.codec} decoder`)
      } finally {
        options.free()
      }
      // Elsewhere the decoder knows no such pictures, or (HEVC) others may still need them.
      return new PictureDecoder(context, setup.codec === 'h264')
    } catch (cause) {
      context.freeContext()
      throw new VideoError('VIDEO_UNSUPPORTED_CODEC', `The ${setup.codec} decoder refuses this video.`, {
        cause,
      })
    }
  }

  /**
   * Hands one packet in. False where the decoder rejects it as damaged.
   *
   * @param isWanted - False lets the decoder leave the picture out if no other is made from it.
   */
  async send(packet: Packet, isWanted = true): Promise<boolean> {
    this.#skip(this.#canSkip && !isWanted)
    const native = this.#packet
    native.data = Buffer.from(packet.data.buffer, packet.data.byteOffset, packet.data.byteLength)
    native.isKeyframe = packet.type === 'key'
    native.pts = BigInt(microseconds(packet.timestamp))
    native.duration = BigInt(microseconds(packet.duration))
    native.timeBase = { num: 1, den: 1_000_000 }
    try {
      return (await this.#context.sendPacket(native)) >= 0
    } finally {
      native.unref()
    }
  }

  #skip(skips: boolean): void {
    if (skips === this.#skips) return
    this.#skips = skips
    this.#context.setOption('skip_frame', skips ? 'noref' : 'default')
  }

  /** Says that no packet follows, so that the pictures held back for reordering come out. */
  async drain(): Promise<void> {
    await this.#context.sendPacket(null)
  }

  /** Takes the next picture, in presentation order, into `frame`. Damaged pictures are passed over. */
  async receive(frame: Frame): Promise<Received> {
    for (let attempt = 0; attempt < MAX_DAMAGED_IN_A_ROW; attempt++) {
      const result = await this.#context.receiveFrame(frame)
      if (result >= 0) return 'picture'
      if (result === AVERROR_EOF) return 'end'
      if (result === AVERROR_EAGAIN) return 'hungry'
    }
    return 'hungry'
  }

  /** Forgets everything, ready to start at another keyframe. */
  reset(): void {
    this.#context.flushBuffers()
  }

  close(): void {
    this.#context.freeContext()
    this.#packet.free()
  }
}

/** More than the pictures any decoder holds back, so that a draining decoder cannot be left before its end. */
const MAX_DAMAGED_IN_A_ROW = 64

function configure(context: CodecContext, setup: DecoderSetup): void {
  context.codecType = AVMEDIA_TYPE_VIDEO
  context.width = setup.width
  context.height = setup.height
  context.extraData = setup.extraData === undefined ? null : Buffer.from(setup.extraData)
  // Defaults only: what the bitstream itself says about colour comes later and wins.
  const matrix = setup.matrix === undefined ? undefined : MATRICES.get(setup.matrix)
  if (matrix !== undefined) context.colorSpace = matrix
  if (setup.fullRange !== undefined) {
    context.colorRange = setup.fullRange ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG
  }
}

/** A frame that holds nothing yet. */
export function emptyFrame(): Frame {
  const frame = new Frame()
  frame.alloc()
  return frame
}
