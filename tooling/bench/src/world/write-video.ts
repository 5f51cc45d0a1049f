import { EngineError } from '@longtake/core'
import {
  AV_CODEC_FLAG_BITEXACT,
  AV_CODEC_FLAG_GLOBAL_HEADER,
  AV_LOG_QUIET,
  AV_PIX_FMT_YUV420P,
  AVCOL_PRI_BT709,
  AVCOL_RANGE_MPEG,
  AVCOL_SPC_BT709,
  AVCOL_TRC_BT709,
  AVERROR_EAGAIN,
  AVERROR_EOF,
  FF_ENCODER_LIBX264,
} from 'node-av/constants'
import {
  Codec,
  CodecContext,
  Dictionary,
  FFmpegError,
  FormatContext,
  Frame,
  Log,
  Packet,
  Rational,
  type Stream,
} from 'node-av/lib'
import { toYuv420 } from './yuv.js'

/** How a video is stored. */
export interface VideoFormat {
  /** Side of the square picture, pixels, even. */
  readonly size: number
  /** Pictures a second. */
  readonly framesPerSecond: number
  /** Seconds between keyframes. */
  readonly keyframeSeconds: number
  /** Constant rate factor of x264: 0 to 51, lower is better. */
  readonly quality: number
}

/**
 * Writes an H.264 MP4 file. Equal pictures give equal bytes.
 *
 * @param pictures - `[size, size, 3]` red, green, blue each; a picture may be reused once the next is asked for.
 * @throws {EngineError} `ENGINE_FAILED` with FFmpeg's words.
 */
export async function writeVideo(
  path: string,
  pictures: Iterable<Uint8Array>,
  format: VideoFormat,
): Promise<void> {
  // It would describe every video on stderr.
  Log.setLevel(AV_LOG_QUIET)
  const coder = new CodecContext()
  const output = new FormatContext()
  try {
    await openCoder(coder, format)
    check(output.allocOutputContext2(null, 'mp4', path), 'making the container')
    const stream = output.newStream()
    stream.timeBase = coder.timeBase
    check(stream.codecpar.fromContext(coder), 'describing the stream')
    check(await output.openOutput(), `opening ${path}`)
    const options = Dictionary.fromObject({ movflags: '+faststart', fflags: '+bitexact' })
    check(await output.writeHeader(options), 'writing the header')
    options.free()
    encodeAll(pictures, { coder, output, stream }, format.size)
    check(await output.writeTrailer(), 'writing the index')
    await output.closeOutput()
  } finally {
    output.freeContext()
    coder.freeContext()
  }
}

async function openCoder(coder: CodecContext, format: VideoFormat): Promise<void> {
  const codec = Codec.findEncoderByName(FF_ENCODER_LIBX264)
  if (codec === null) throw new EngineError('ENGINE_UNAVAILABLE', 'This FFmpeg has no H.264 encoder.')
  coder.allocContext3(codec)
  coder.width = format.size
  coder.height = format.size
  coder.pixelFormat = AV_PIX_FMT_YUV420P
  coder.timeBase = new Rational(1, format.framesPerSecond)
  coder.framerate = new Rational(format.framesPerSecond, 1)
  coder.gopSize = Math.max(1, Math.round(format.keyframeSeconds * format.framesPerSecond))
  coder.colorSpace = AVCOL_SPC_BT709
  coder.colorPrimaries = AVCOL_PRI_BT709
  coder.colorTrc = AVCOL_TRC_BT709
  coder.colorRange = AVCOL_RANGE_MPEG
  // One thread: several would make the bytes depend on the machine.
  coder.threadCount = 1
  coder.setFlags(AV_CODEC_FLAG_GLOBAL_HEADER, AV_CODEC_FLAG_BITEXACT)
  const options = Dictionary.fromObject({ preset: 'veryfast', crf: String(format.quality) })
  check(await coder.open2(codec, options), 'opening the encoder')
  options.free()
}

interface Writer {
  readonly coder: CodecContext
  readonly output: FormatContext
  readonly stream: Stream
}

function encodeAll(pictures: Iterable<Uint8Array>, writer: Writer, size: number): void {
  const packet = new Packet()
  packet.alloc()
  const buffer = Buffer.alloc((size * size * 3) / 2)
  let time = 0n
  for (const rgb of pictures) {
    toYuv420(rgb, size, buffer)
    const properties = { width: size, height: size, format: AV_PIX_FMT_YUV420P, pts: time++ }
    const frame = Frame.fromVideoBuffer(buffer, properties)
    check(writer.coder.sendFrameSync(frame), 'encoding a picture')
    frame.free()
    writePackets(writer, packet)
  }
  check(writer.coder.sendFrameSync(null), 'ending the video')
  writePackets(writer, packet)
  packet.free()
}

function writePackets({ coder, output, stream }: Writer, packet: Packet): void {
  for (;;) {
    const result = coder.receivePacketSync(packet)
    if (result === AVERROR_EAGAIN || result === AVERROR_EOF) return
    check(result, 'encoding a picture')
    packet.rescaleTs(coder.timeBase, stream.timeBase)
    packet.streamIndex = stream.index
    check(output.interleavedWriteFrameSync(packet), 'writing a picture')
  }
}

function check(result: number, doing: string): void {
  if (result < 0) {
    throw new EngineError('ENGINE_FAILED', `FFmpeg, ${doing}: ${FFmpegError.strerror(result)}`)
  }
}
