import {
  AV_BUFFERSRC_FLAG_KEEP_REF,
  AV_PIX_FMT_YUVJ411P,
  AV_PIX_FMT_YUVJ420P,
  AV_PIX_FMT_YUVJ422P,
  AV_PIX_FMT_YUVJ440P,
  AV_PIX_FMT_YUVJ444P,
  AVCOL_RANGE_JPEG,
  AVCOL_RANGE_MPEG,
  AVCOL_RANGE_UNSPECIFIED,
  AVCOL_SPC_SMPTE170M,
  AVCOL_SPC_UNSPECIFIED,
} from 'node-av/constants'
import { Filter, type FilterContext, FilterGraph, FilterInOut, type Frame } from 'node-av/lib'
import { check } from './ffmpeg.js'
import type { Geometry } from './packet-track.js'
import { orient, type Picture, squareSize } from './picture.js'
import { emptyFrame } from './picture-decoder.js'

/** FFmpeg's own default, which training pipelines used too; finer chroma costs 100 times as much and vanishes later. */
const SCALE_FLAGS = 'bicubic'

const FULL_RANGE_FORMATS = new Set<number>([
  AV_PIX_FMT_YUVJ411P,
  AV_PIX_FMT_YUVJ420P,
  AV_PIX_FMT_YUVJ422P,
  AV_PIX_FMT_YUVJ440P,
  AV_PIX_FMT_YUVJ444P,
])

/** A chain of filters, ready for frames of one form. */
export interface Pipeline {
  readonly key: string
  readonly graph: FilterGraph
  readonly input: FilterContext
  readonly output: FilterContext
}

/**
 * Turns decoded frames into RGB: colour matrix and range as the video states them (BT.601 limited where it states
 * nothing, as FFmpeg and the models' own training pipelines do), square pixels, upright.
 */
export class PictureConverter {
  readonly #geometry: Geometry
  readonly #output = emptyFrame()
  #pipeline: Pipeline | undefined

  constructor(geometry: Geometry) {
    this.#geometry = geometry
  }

  /** Reads `frame` without keeping it. */
  async convert(frame: Frame): Promise<Picture> {
    const pipeline = await this.#prepare(frame)
    check(await pipeline.input.buffersrcAddFrame(frame, AV_BUFFERSRC_FLAG_KEEP_REF), 'converting a picture')
    const output = this.#output
    check(await pipeline.output.buffersinkGetFrame(output), 'converting a picture')
    try {
      const { rotation, flip } = this.#geometry
      const bytes = output.toBuffer()
      const rgb = new Uint8Array(bytes.buffer, bytes.byteOffset, output.width * output.height * 3)
      return orient({ width: output.width, height: output.height, rgb }, rotation, flip)
    } finally {
      output.unref()
    }
  }

  async #prepare(frame: Frame): Promise<Pipeline> {
    if (frame.colorSpace === AVCOL_SPC_UNSPECIFIED) frame.colorSpace = AVCOL_SPC_SMPTE170M
    if (FULL_RANGE_FORMATS.has(frame.format)) frame.colorRange = AVCOL_RANGE_JPEG
    else if (frame.colorRange === AVCOL_RANGE_UNSPECIFIED) frame.colorRange = AVCOL_RANGE_MPEG
    const { width, height, format, colorSpace, colorRange } = frame
    const key = [width, height, format, colorSpace, colorRange].join(' ')
    if (this.#pipeline?.key === key) return this.#pipeline
    this.#pipeline?.graph.free()
    this.#pipeline = undefined
    const [squareWidth, squareHeight] = squareSize(width, height, this.#geometry.pixelAspect)
    this.#pipeline = await buildPipeline(
      key,
      `video_size=${width}x${height}:pix_fmt=${format}:time_base=1/1000000:pixel_aspect=1/1:colorspace=${colorSpace}:range=${colorRange}`,
      `scale=${squareWidth}:${squareHeight}:flags=${SCALE_FLAGS},format=rgb24`,
    )
    return this.#pipeline
  }

  close(): void {
    this.#pipeline?.graph.free()
    this.#pipeline = undefined
    this.#output.free()
  }
}

/**
 * @param input - What the frames are, as the `buffer` filter's arguments.
 * @param chain - Filters, as FFmpeg writes them.
 */
export async function buildPipeline(key: string, input: string, chain: string): Promise<Pipeline> {
  const graph = new FilterGraph()
  graph.alloc()
  try {
    graph.nbThreads = 1
    const source = createFilter(graph, 'buffer', 'in', input)
    const sink = createFilter(graph, 'buffersink', 'out')
    // FFmpeg names these from the outside: the chain's input is the output of what lies before it.
    const outputs = FilterInOut.createList([{ name: 'in', filterCtx: source, padIdx: 0 }])
    const inputs = FilterInOut.createList([{ name: 'out', filterCtx: sink, padIdx: 0 }])
    check(graph.parsePtr(`[in]${chain}[out]`, inputs, outputs), `building ${chain}`)
    check(await graph.config(), `building ${chain}`)
    return { key, graph, input: source, output: sink }
  } catch (error) {
    graph.free()
    throw error
  }
}

function createFilter(graph: FilterGraph, kind: string, name: string, args?: string): FilterContext {
  const filter = Filter.getByName(kind)
  const context = filter === null ? null : graph.createFilter(filter, name, args ?? null)
  if (context === null) throw new Error(`FFmpeg: the filter ${kind} could not be made`)
  return context
}
