/** One encoded picture's place in time. */
export interface PacketRef {
  /** Presentation time, seconds. */
  readonly timestamp: number
  /** Seconds on screen; 0 where the container does not say. */
  readonly duration: number
  readonly type: 'key' | 'delta'
}

/** One encoded picture with its bytes. */
export interface Packet extends PacketRef {
  readonly data: Uint8Array
}

/** What a decoder must be told before the first packet. */
export interface DecoderSetup {
  /** Codec by its common name: `h264`, `hevc`, `vp8`, `vp9`, `av1`, `prores`, `mpeg4`, `msmpeg4v3`, `mjpeg`, or a still's. */
  readonly codec: string
  /** The same with profile and level, as WebCodecs names it; absent where the container does not say that much. */
  readonly webCodec?: string
  readonly extraData: Uint8Array | undefined
  readonly width: number
  readonly height: number
  /** Colour matrix by its WebCodecs name, where the container knows it. */
  readonly matrix: string | undefined
  readonly fullRange: boolean | undefined
  /** Timestamps count decoding order, as in AVI: the nth picture that comes out has the nth of them. */
  readonly decodingOrder?: boolean
  /** Whether damage that the decoder notices ends a picture's decoding. By default it shows what there is. */
  readonly refusesDamage?: boolean
}

/** How stored pixels become the picture that a viewer sees. */
export interface Geometry {
  /** Width of a pixel over its height. */
  readonly pixelAspect: number
  /** Clockwise turn that a player applies. */
  readonly rotation: 0 | 90 | 180 | 270
  /** Mirrored left to right, after turning. */
  readonly flip: boolean
}

/** Encoded pictures of one video track, whatever the container: the seam between demuxers and the decoder. */
export interface PacketTrack {
  readonly setup: DecoderSetup
  readonly geometry: Geometry
  /** Whether times below nought are of a clock that ran over, and shown; elsewhere an edit list hides them. */
  readonly showsBeforeZero?: boolean
  /** First packet in decoding order; null where there is none. */
  first(): Promise<PacketRef | null>
  /** The picture on screen at `seconds`: last in presentation order that begins no later; null before the first. */
  at(seconds: number): Promise<PacketRef | null>
  /** Last keyframe that begins no later than `seconds`, or the first of all; null where there is none. */
  keyAt(seconds: number): Promise<Packet | null>
  /** The keyframe after `packet`, with its bytes. */
  nextKey(packet: PacketRef): Promise<Packet | null>
  /** The packet after `packet` in decoding order; null at the end, and where the data ends early. */
  next(packet: PacketRef): Promise<Packet | null>
  /** The same without its bytes. */
  nextRef(packet: PacketRef): Promise<PacketRef | null>
  /** Whether the packet's bytes are there. */
  readable(seconds: number): Promise<boolean>
  close(): void
}

/** Time as packets and frames carry it. Finer than any container's clock, exact up to 285 years. */
export function microseconds(seconds: number): number {
  return Math.round(seconds * 1e6)
}
