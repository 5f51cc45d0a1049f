import { VideoError } from '@longtake/core'
import type { DecoderSetup, Geometry, Packet, PacketTrack } from '../video/packet-track.js'
import { microseconds } from '../video/packet-track.js'
import { MAX_PIXELS, orient, type Picture, squareSize } from '../video/picture.js'
import type { DecodedFrame, PictureDecoding, Received } from '../video/picture-decoding.js'
import { framePicture } from './frame-picture.js'

/** Packets that wait in the decoder: enough to keep it busy, few enough to keep few pictures. */
const MAX_WAITING = 4

/**
 * Decodes with the browser's own decoders (WebCodecs).
 *
 * @throws {VideoError} `VIDEO_UNSUPPORTED_CODEC` if this browser has none for the track.
 */
export async function openWebCodecs({
  setup,
  geometry,
}: Pick<PacketTrack, 'setup' | 'geometry'>): Promise<PictureDecoding> {
  const config = await supportedConfig(setup)
  return new WebCodecsDecoding(config, setup, geometry)
}

async function supportedConfig(setup: DecoderSetup): Promise<VideoDecoderConfig> {
  const { codec, webCodec, extraData, width, height } = setup
  const refused = (why: string, options?: ErrorOptions) =>
    new VideoError('VIDEO_UNSUPPORTED_CODEC', `This browser cannot decode ${codec}${why}.`, options)
  if (typeof VideoDecoder === 'undefined' || webCodec === undefined)
    throw refused(': it has no WebCodecs; use a newer one, on a page from https: or localhost')
  const config: VideoDecoderConfig = {
    codec: webCodec,
    codedWidth: width,
    codedHeight: height,
    ...(extraData && { description: extraData }),
  }
  try {
    if ((await VideoDecoder.isConfigSupported(config)).supported === true) return config
  } catch (cause) {
    throw refused(' as this file has it', { cause })
  }
  throw refused(` (${webCodec}); convert the video to H.264, VP9 or AV1`)
}

/** A frame of the browser's, which is freed by hand: its decoders have few. */
class WebFrame implements DecodedFrame {
  readonly at: number
  readonly native: VideoFrame

  constructor(native: VideoFrame) {
    this.at = native.timestamp
    this.native = native
  }

  free(): void {
    this.native.close()
  }
}

class WebCodecsDecoding implements PictureDecoding {
  readonly #config: VideoDecoderConfig
  readonly #setup: DecoderSetup
  readonly #geometry: Geometry
  readonly #frames: WebFrame[] = []
  #decoder: VideoDecoder
  #hasWork = false
  /** Damage ends a decoder; what came out before it can be taken still. */
  #isBroken = false
  #draining: 'no' | 'flushing' | 'done' = 'no'
  #wake = (): void => {}

  constructor(config: VideoDecoderConfig, setup: DecoderSetup, geometry: Geometry) {
    this.#config = config
    this.#setup = setup
    this.#geometry = geometry
    this.#decoder = this.#start()
  }

  async send({ type, timestamp, duration, data }: Packet): Promise<void> {
    if (this.#isBroken) return
    this.#hasWork = true
    const times = { timestamp: microseconds(timestamp), duration: microseconds(duration) }
    try {
      this.#decoder.decode(new EncodedVideoChunk({ type, data, ...times }))
    } catch {
      this.#break()
    }
  }

  async drain(): Promise<void> {
    if (this.#isBroken || this.#draining !== 'no') return
    this.#draining = 'flushing'
    const decoder = this.#decoder
    const end = (): void => {
      if (decoder !== this.#decoder) return
      this.#draining = 'done'
      this.#wake()
    }
    decoder.flush().then(end, end)
  }

  async receive(): Promise<Received> {
    for (;;) {
      const frame = this.#frames.shift()
      if (frame !== undefined) return frame
      if (this.#isBroken || this.#draining === 'done') return 'end'
      if (this.#draining === 'no' && this.#decoder.decodeQueueSize < MAX_WAITING) return 'hungry'
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  reset(): void {
    if (!this.#hasWork) return
    this.close()
    this.#isBroken = false
    this.#hasWork = false
    this.#draining = 'no'
    this.#decoder = this.#start()
  }

  async toPicture(frame: DecodedFrame): Promise<Picture> {
    if (!(frame instanceof WebFrame)) throw new TypeError('The frame is of another decoder.')
    const { displayWidth, displayHeight, visibleRect } = frame.native
    const { width, height } = visibleRect ?? { width: displayWidth, height: displayHeight }
    if (width * height > MAX_PIXELS)
      throw new VideoError('VIDEO_TOO_LARGE', `A picture of ${width}×${height} is more than can be read.`)
    const { pixelAspect, rotation, flip } = this.#geometry
    const picture = await framePicture(frame.native, this.#setup, squareSize(width, height, pixelAspect))
    return orient(picture, rotation, flip)
  }

  close(): void {
    for (const frame of this.#frames.splice(0)) frame.free()
    if (this.#decoder.state !== 'closed') this.#decoder.close()
  }

  #start(): VideoDecoder {
    const decoder: VideoDecoder = new VideoDecoder({
      output: (native) => {
        if (decoder !== this.#decoder) return native.close()
        this.#frames.push(new WebFrame(native))
        this.#wake()
      },
      error: () => {
        if (decoder === this.#decoder) this.#break()
      },
    })
    decoder.ondequeue = () => this.#wake()
    decoder.configure(this.#config)
    return decoder
  }

  #break(): void {
    this.#isBroken = true
    this.#wake()
  }
}
