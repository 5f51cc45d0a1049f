import { EngineError, isLongtakeError, ShapeError } from '@longtake/core'
import {
  AV_CODEC_FLAG_QSCALE,
  AV_PIX_FMT_RGB24,
  AV_PIX_FMT_YUV420P,
  AVCOL_RANGE_JPEG,
  AVCOL_SPC_RGB,
  AVCOL_SPC_SMPTE170M,
  FF_ENCODER_MJPEG,
  FF_QP2LAMBDA,
} from 'node-av/constants'
import { Codec, CodecContext, Frame, Packet, Rational } from 'node-av/lib'
import { check, silenceFfmpeg } from './ffmpeg.js'
import type { Picture } from './picture.js'
import { buildPipeline, type Pipeline } from './picture-converter.js'
import { emptyFrame } from './picture-decoder.js'

/** FFmpeg's scale from 1 to 31, lower is better: about what others call a quality of 90 of 100. */
const QUANTISER = 3

/** Full range BT.601 with chroma at half size, which every reader of JPEG takes it for. */
const TO_YUV =
  'scale=flags=bicubic+accurate_rnd+full_chroma_int:out_color_matrix=bt601:out_range=full,format=yuv420p'

/** A coder and what turns RGB into its pixels, for pictures of one size. */
interface Coder {
  readonly pipeline: Pipeline
  readonly context: CodecContext
}

/** Writes pictures as JPEG files, one after the other. Close it. */
export class JpegWriter {
  readonly #frame = emptyFrame()
  readonly #packet = new Packet()
  #coder: Coder | undefined
  /** FFmpeg wants later pictures to have later times. */
  #time = 0n

  constructor() {
    silenceFfmpeg()
    this.#packet.alloc()
  }

  /**
   * @param picture - `rgb` is `[height, width, 3]`; read, never retained.
   * @returns A file of its own.
   * @throws {ShapeError} If `rgb` has not `height · width · 3` values.
   * @throws {EngineError} `ENGINE_UNAVAILABLE` if FFmpeg here cannot write JPEG; `ENGINE_FAILED` with its words.
   */
  async write(picture: Picture): Promise<Uint8Array> {
    const { rgb, width, height } = picture
    if (!(width > 0 && height > 0) || rgb.length !== width * height * 3)
      throw new ShapeError('rgb', `[${height}, ${width}, 3]`, [rgb.length])
    try {
      return await this.#write(picture)
    } catch (error) {
      if (isLongtakeError(error)) throw error
      const said = error instanceof Error ? error.message : String(error)
      throw new EngineError('ENGINE_FAILED', `A picture of ${width}×${height} pixels: ${said}`, {
        cause: error,
      })
    }
  }

  close(): void {
    this.#release()
    this.#frame.free()
    this.#packet.free()
  }

  async #write({ rgb, width, height }: Picture): Promise<Uint8Array> {
    const { pipeline, context } = await this.#prepare(width, height)
    const buffer = Buffer.from(rgb.buffer, rgb.byteOffset, rgb.length)
    const source = Frame.fromVideoBuffer(buffer, {
      width,
      height,
      format: AV_PIX_FMT_RGB24,
      pts: this.#time++,
    })
    source.colorSpace = AVCOL_SPC_RGB
    source.colorRange = AVCOL_RANGE_JPEG
    try {
      check(await pipeline.input.buffersrcAddFrame(source), 'converting a picture')
      check(await pipeline.output.buffersinkGetFrame(this.#frame), 'converting a picture')
      this.#frame.quality = QUANTISER * FF_QP2LAMBDA
      check(await context.sendFrame(this.#frame), 'writing a JPEG')
      check(await context.receivePacket(this.#packet), 'writing a JPEG')
      return Uint8Array.from(this.#packet.data ?? [])
    } finally {
      source.free()
      this.#frame.unref()
      this.#packet.unref()
    }
  }

  async #prepare(width: number, height: number): Promise<Coder> {
    const key = `${width}x${height}`
    if (this.#coder?.pipeline.key === key) return this.#coder
    this.#release()
    const input = `video_size=${key}:pix_fmt=${AV_PIX_FMT_RGB24}:time_base=1/1:pixel_aspect=1/1:colorspace=${AVCOL_SPC_RGB}:range=${AVCOL_RANGE_JPEG}`
    const pipeline = await buildPipeline(key, input, TO_YUV)
    try {
      this.#coder = { pipeline, context: await openCoder(width, height) }
      return this.#coder
    } catch (error) {
      pipeline.graph.free()
      throw error
    }
  }

  #release(): void {
    this.#coder?.pipeline.graph.free()
    this.#coder?.context.freeContext()
    this.#coder = undefined
  }
}

async function openCoder(width: number, height: number): Promise<CodecContext> {
  const codec = Codec.findEncoderByName(FF_ENCODER_MJPEG)
  if (codec === null) throw new EngineError('ENGINE_UNAVAILABLE', 'This FFmpeg has no JPEG encoder.')
  const context = new CodecContext()
  context.allocContext3(codec)
  try {
    context.width = width
    context.height = height
    context.pixelFormat = AV_PIX_FMT_YUV420P
    context.colorRange = AVCOL_RANGE_JPEG
    context.colorSpace = AVCOL_SPC_SMPTE170M
    context.timeBase = new Rational(1, 1)
    context.setFlags(AV_CODEC_FLAG_QSCALE)
    context.globalQuality = QUANTISER * FF_QP2LAMBDA
    // One picture in, one file out: more threads would hold pictures back.
    context.threadCount = 1
    check(await context.open2(codec), 'opening the JPEG encoder')
    return context
  } catch (error) {
    context.freeContext()
    throw error
  }
}
