import {
  AV_PIX_FMT_GRAY8,
  AVCOL_RANGE_JPEG,
  AVCOL_SPC_SMPTE170M,
  AVCOL_SPC_UNSPECIFIED,
} from 'node-av/constants'
import type { Frame } from 'node-av/lib'
import { check } from './ffmpeg.js'
import type { Picture } from './picture.js'
import { buildPipeline } from './picture-converter.js'
import { emptyFrame, PictureDecoder } from './picture-decoder.js'
import { damagedStill, type StillScan } from './still-scan.js'
import { shownStill, WHITE } from './still-shape.js'

/**
 * Chroma between its samples as libjpeg and libwebp draw it: linear, and in full precision. Where it is stored at half
 * size and the picture has an odd side, FFmpeg moves it by up to half a pixel.
 */
const SCALE_FLAGS = 'bilinear+accurate_rnd+full_chroma_int+full_chroma_inp'

/**
 * Decodes a still picture: upright, over white where it is transparent.
 *
 * JPEG is BT.601 in full range, WebP BT.601 in limited range, the others hold RGB. Embedded colour profiles and gamma
 * are not applied, as in the models' own training pipelines.
 *
 * @throws {VideoError} `VIDEO_UNREADABLE` if it is damaged.
 */
export async function decodeStill(scan: StillScan, name: string): Promise<Picture> {
  const { width, height } = scan.place ?? scan
  const frame = emptyFrame()
  try {
    await decodeInto(frame, scan, name)
    if (frame.width !== width || frame.height !== height) {
      throw damagedStill(name, `it is ${frame.width}×${frame.height}, and not ${width}×${height} as it says`)
    }
    const pixels = await convert(frame, scan.hasAlpha)
    const rgb = scan.hasAlpha ? overWhite(pixels, width * height) : pixels
    return shownStill({ width, height, rgb }, scan)
  } finally {
    frame.free()
  }
}

async function decodeInto(frame: Frame, { codec, data, ...scan }: StillScan, name: string): Promise<void> {
  const { width, height } = scan.place ?? scan
  const colour = { matrix: undefined, fullRange: undefined, extraData: undefined }
  const decoder = await PictureDecoder.open({ codec, width, height, ...colour, refusesDamage: true }, 1)
  try {
    await decoder.send({ data, type: 'key', timestamp: 0, duration: 0 })
    await decoder.drain()
    const received = await decoder.receive(frame)
    if (received !== 'picture') throw damagedStill(name, 'its pixels cannot be decoded')
  } finally {
    decoder.close()
  }
}

/** Pixels of a decoded frame, `[height, width, 3]` RGB or, with alpha, `[height, width, 4]` RGBA. */
async function convert(frame: Frame, hasAlpha: boolean): Promise<Uint8Array> {
  if (frame.colorSpace === AVCOL_SPC_UNSPECIFIED) frame.colorSpace = AVCOL_SPC_SMPTE170M
  // Grey stills use all values; only film grey does not.
  if (frame.format === AV_PIX_FMT_GRAY8) frame.colorRange = AVCOL_RANGE_JPEG
  const { width, height, format, colorSpace, colorRange } = frame
  const pipeline = await buildPipeline(
    'still',
    `video_size=${width}x${height}:pix_fmt=${format}:time_base=1/1:pixel_aspect=1/1:colorspace=${colorSpace}:range=${colorRange}`,
    `scale=flags=${SCALE_FLAGS},format=${hasAlpha ? 'rgba' : 'rgb24'}`,
  )
  const output = emptyFrame()
  try {
    check(await pipeline.input.buffersrcAddFrame(frame), 'converting a picture')
    check(await pipeline.output.buffersinkGetFrame(output), 'converting a picture')
    const bytes = output.toBuffer()
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  } finally {
    output.free()
    pipeline.graph.free()
  }
}

/** Mixes each pixel with white by its alpha, rounded. The result lies in the same memory, three bytes a pixel. */
function overWhite(rgba: Uint8Array, pixels: number): Uint8Array {
  for (let from = 0, to = 0; from < pixels * 4; from += 4, to += 3) {
    const alpha = rgba[from + 3]!
    // In whole numbers, half of 255 rounded down rounds as usual: no quotient by an odd number ends in a half.
    const white = WHITE * (255 - alpha) + 127
    rgba[to] = (rgba[from]! * alpha + white) / 255
    rgba[to + 1] = (rgba[from + 1]! * alpha + white) / 255
    rgba[to + 2] = (rgba[from + 2]! * alpha + white) / 255
  }
  return rgba.subarray(0, pixels * 3)
}
