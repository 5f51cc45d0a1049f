import { isLongtakeError, VideoError } from '@longtake/core'
import {
  CustomSource,
  EncodedPacket,
  EncodedPacketSink,
  Input,
  type InputVideoTrack,
  Logging,
  LogLevel,
  MATROSKA,
  MP4,
  MPEG_TS,
  QTFF,
  WEBM,
} from 'mediabunny'
import { BlockReader } from '../block-reader.js'
import { Circling } from './circling.js'
import { checkSampleTables } from './mp4-guard.js'
import type { DecoderSetup, Geometry, Packet, PacketRef, PacketTrack } from './packet-track.js'
import { checkRuns } from './run-guard.js'
import type { VideoSource } from './video-source.js'

/** Playlists are left out on purpose: they would open further files by themselves. */
const FORMATS = [MP4, QTFF, MATROSKA, WEBM, MPEG_TS]

const CODEC_NAMES = {
  avc: 'h264',
  hevc: 'hevc',
  vp8: 'vp8',
  vp9: 'vp9',
  av1: 'av1',
  prores: 'prores',
} as const

/** Films have a dozen languages and subtitles each; every further track costs, and none of them is watched. */
const MAX_TRACKS = 100

/** 8 MiB: holds the index of a long film and some seconds of its data. */
const CACHE_BYTES = 8 * 2 ** 20

/** 512 MiB read at once: more than any index, and than any seconds of film that are stored together. */
const MAX_READ_BYTES = 2 ** 29

/** With what Matroska and WebM files begin. */
const EBML = [0x1a, 0x45, 0xdf, 0xa3]

/**
 * Opens MP4, MOV, MKV, WebM and MPEG-TS.
 *
 * @returns Undefined where the bytes are none of these.
 * @throws {VideoError} `VIDEO_NO_VIDEO_TRACK`, `VIDEO_UNSUPPORTED_CODEC`, `VIDEO_TRUNCATED` without an index,
 *   `VIDEO_TOO_LARGE` with too many tracks.
 */
export async function openMediabunnyTrack(source: VideoSource): Promise<PacketTrack | undefined> {
  // Its messages about damaged files go to the console, which belongs to the caller.
  Logging.level = LogLevel.Silent
  const hasFragments = await checkSampleTables(source)
  const circling = new Circling()
  const isWatched = hasFragments || (await isMatroska(source))
  const read = isWatched ? await watchedSource(source, circling, hasFragments) : demuxerSource(source)
  const input = new Input({ formats: FORMATS, source: read })
  try {
    const track = await findTrack(input, source.name)
    if (track === undefined) {
      input.dispose()
      return undefined
    }
    const setup = await readSetup(track, source.name)
    const geometry = await readGeometry(track)
    // A transport stream's clock runs over every 26.5 hours; then it was below nought before.
    const showsBeforeZero = (await input.getFormat()) === MPEG_TS
    const sink = new EncodedPacketSink(track)
    return { ...packetTrack(input, sink, setup, geometry, () => circling.begin()), showsBeforeZero }
  } catch (error) {
    input.dispose()
    if (isLongtakeError(error)) throw error
    throw new VideoError('VIDEO_UNREADABLE', `${source.name} is damaged: its index could not be read.`, {
      cause: error,
    })
  }
}

async function isMatroska(source: VideoSource): Promise<boolean> {
  const head = await source.read(0, Math.min(EBML.length, await source.size()))
  return head.length === EBML.length && EBML.every((byte, at) => byte === head[at])
}

function demuxerSource(source: VideoSource): CustomSource {
  return new CustomSource({
    getSize: () => source.size(),
    async read(start, end) {
      requireBounded(start, end, source.name)
      return readOrFail(source, start, end)
    },
    maxCacheSize: CACHE_BYTES,
    prefetchProfile: source.readsAhead === true ? 'none' : 'fileSystem',
    // A read ahead that fails is asked for again when it is needed, and fails there.
    handleUnhandledError: () => {},
  })
}

/** What the demuxer keeps itself it reads unseen, so here it keeps nothing. */
async function watchedSource(
  source: VideoSource,
  circling: Circling,
  hasFragments: boolean,
): Promise<CustomSource> {
  const sizeBytes = await source.size()
  const blocks = new BlockReader(sizeBytes, CACHE_BYTES, (start, end) => readOrFail(source, start, end))
  return new CustomSource({
    getSize: () => sizeBytes,
    async read(start, end) {
      circling.note(start)
      requireBounded(start, end, source.name)
      const bytes = await blocks.read(start, end)
      if (hasFragments) checkRuns(bytes, source.name)
      return bytes
    },
    maxCacheSize: 0,
    prefetchProfile: 'none',
    handleUnhandledError: () => {},
  })
}

function requireBounded(start: number, end: number, name: string): void {
  if (end - start <= MAX_READ_BYTES) return
  const message = `${name} is damaged: a part of its index claims ${Math.round((end - start) / 2 ** 20)} MiB.`
  throw new VideoError('VIDEO_UNREADABLE', message)
}

/** A source that fails must not look like one that ends. */
async function readOrFail(source: VideoSource, start: number, end: number): Promise<Uint8Array> {
  try {
    const bytes = await source.read(start, end)
    if (bytes.length === end - start) return bytes
    throw new RangeError(`${end - start} bytes were expected, ${bytes.length} came.`)
  } catch (error) {
    if (isLongtakeError(error)) throw error
    throw new VideoError('VIDEO_UNREADABLE', `${source.name} could not be read to its end.`, { cause: error })
  }
}

async function findTrack(input: Input, name: string): Promise<InputVideoTrack | undefined> {
  try {
    await input.getFormat()
  } catch (error) {
    // Besides its own refusal the demuxer trips over files of a few bytes.
    if (isLongtakeError(error)) throw error
    return undefined
  }
  const track = await input.getPrimaryVideoTrack()
  const tracks = await input.getTracks()
  if (tracks.length > MAX_TRACKS) {
    throw new VideoError('VIDEO_TOO_LARGE', `${name} has more than the ${MAX_TRACKS} tracks that are read.`)
  }
  if (track !== null) return track
  if (tracks.length > 0) {
    throw new VideoError('VIDEO_NO_VIDEO_TRACK', `${name} has sound but no pictures: give a file with video.`)
  }
  throw new VideoError(
    'VIDEO_TRUNCATED',
    `${name} is cut off: its index is missing, so no picture can be found. Copy or download it again.`,
  )
}

async function readSetup(track: InputVideoTrack, name: string): Promise<DecoderSetup> {
  const codec = await track.getCodec()
  const config = await track.getDecoderConfig()
  if (codec === null || config === null) {
    const id = await track.getInternalCodecId()
    const shown = typeof id === 'string' || typeof id === 'number' ? ` (${id})` : ''
    throw new VideoError(
      'VIDEO_UNSUPPORTED_CODEC',
      `${name} is encoded with a codec that is not supported${shown}: convert it to H.264, HEVC, VP9 or AV1.`,
    )
  }
  const colour = await track.getColorSpace()
  return {
    codec: CODEC_NAMES[codec],
    webCodec: config.codec,
    extraData: config.description === undefined ? undefined : toBytes(config.description),
    width: await track.getCodedWidth(),
    height: await track.getCodedHeight(),
    matrix: colour.matrix ?? undefined,
    fullRange: colour.fullRange ?? undefined,
  }
}

function toBytes(data: ArrayBufferView | ArrayBufferLike): Uint8Array {
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data)
}

async function readGeometry(track: InputVideoTrack): Promise<Geometry> {
  const aspect = await track.getPixelAspectRatio()
  const pixelAspect = aspect.num > 0 && aspect.den > 0 ? aspect.num / aspect.den : 1
  return { pixelAspect, rotation: await track.getRotation(), flip: await track.getFlip() }
}

function packetTrack(
  input: Input,
  sink: EncodedPacketSink,
  setup: DecoderSetup,
  geometry: Geometry,
  onQuestion: () => void,
): PacketTrack {
  const metadataOnly = { metadataOnly: true }
  // The container's own marks cannot be trusted: some mark pictures that need earlier ones.
  const verifyKeyPackets = { verifyKeyPackets: true }
  const ask = <T extends PacketRef>(question: () => Promise<T | null>): Promise<T | null> => {
    onQuestion()
    return orNull(question())
  }
  return {
    setup,
    geometry,
    first: () => sink.getFirstPacket(metadataOnly),
    at: (seconds) => ask(() => sink.getPacket(seconds, metadataOnly)),
    keyAt: async (seconds) =>
      (await ask<Packet>(() => sink.getKeyPacket(seconds, verifyKeyPackets))) ??
      ask<Packet>(() => sink.getFirstKeyPacket(verifyKeyPackets)),
    nextKey: (packet) => ask<Packet>(() => sink.getNextKeyPacket(encoded(packet), verifyKeyPackets)),
    next: (packet) => ask<Packet>(() => sink.getNextPacket(encoded(packet))),
    nextRef: (packet) => ask(() => sink.getNextPacket(encoded(packet), metadataOnly)),
    readable: async (seconds) => (await ask(() => sink.getPacket(seconds))) !== null,
    close: () => input.dispose(),
  }
}

/** Where the data ends early the demuxer fails rather than answer null; a failing source stays a failure. */
async function orNull<T extends PacketRef>(packet: Promise<T | null>): Promise<T | null> {
  try {
    return await packet
  } catch (error) {
    if (isLongtakeError(error)) throw error
    return null
  }
}

function encoded(packet: PacketRef): EncodedPacket {
  if (packet instanceof EncodedPacket) return packet
  throw new TypeError('The packet belongs to another track.')
}
