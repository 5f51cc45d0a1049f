import { CancelledError, VideoError, type VideoFacts } from '@longtake/core'
import { isCutOff } from './container-kind.js'
import type { PacketRef, PacketTrack } from './packet-track.js'
import { squareSize } from './picture-converter.js'
import { MAX_PIXELS } from './picture-decoder.js'
import type { VideoSource } from './video-source.js'

/** Packets looked at for the frame rate; a video with fewer has its pictures counted exactly. */
const COUNTED_PACKETS = 600

/** Places over the video where the distance between two keyframes is measured. */
const KEYFRAME_PROBES = 8

/** Halvings in the search for the end of a cut file: a day down to a millisecond. */
const END_SEARCH_STEPS = 27

/** Facts, and what the caller should know besides. */
export interface Inspection {
  readonly facts: VideoFacts
  readonly notes: readonly string[]
}

/**
 * Finds length, frame rate and keyframe distance from the container's index and a few packets, without decoding.
 *
 * @throws {VideoError} `VIDEO_EMPTY` without pictures, `VIDEO_TRUNCATED` where none is complete, `VIDEO_TOO_LARGE`.
 * @throws {CancelledError} When `signal` aborts.
 */
export async function inspect(
  track: PacketTrack,
  source: VideoSource,
  signal?: AbortSignal,
): Promise<Inspection> {
  const { width, height } = displaySize(track, source.name)
  const first = await track.first()
  if (first === null || !(await track.readable(first.timestamp))) throw await noPictures(source)
  throwIfAborted(signal)
  const counted = await countPackets(track, first, signal)
  const end = await findEnd(track, first, counted, signal)
  // A player does not show what lies before nought when the video goes on beyond it.
  const startSeconds = counted.start < 0 && end.seconds > 0 ? 0 : counted.start
  const durationSeconds = Math.max(0, end.seconds - startSeconds)
  const keyframeIntervalSeconds = await keyframeInterval(track, startSeconds, end.seconds, signal)
  const notes = end.isCut
    ? [`${source.name} is cut off: only its first ${durationSeconds.toFixed(1)} seconds can be watched.`]
    : []
  const frameCount = counted.isComplete ? counted.packets : undefined
  return {
    facts: {
      startSeconds,
      durationSeconds,
      ...(frameCount === undefined ? {} : { frameCount }),
      ...(counted.rate === undefined ? {} : { framesPerSecond: counted.rate }),
      ...(keyframeIntervalSeconds === undefined ? {} : { keyframeIntervalSeconds }),
      width,
      height,
      codec: track.setup.codec,
    },
    notes,
  }
}

function displaySize(track: PacketTrack, name: string): { width: number; height: number } {
  const { setup, geometry } = track
  const [width, height] = squareSize(setup.width, setup.height, geometry.pixelAspect)
  if (setup.width * setup.height > MAX_PIXELS || width * height > MAX_PIXELS) {
    throw new VideoError(
      'VIDEO_TOO_LARGE',
      `${name} has pictures of ${width}×${height}: more than ${MAX_PIXELS / 2 ** 20} megapixels cannot be read.`,
    )
  }
  if (!(width > 0 && height > 0)) {
    throw new VideoError('VIDEO_UNREADABLE', `${name} is damaged: its pictures have no size.`)
  }
  const turned = geometry.rotation === 90 || geometry.rotation === 270
  return turned ? { width: height, height: width } : { width, height }
}

async function noPictures(source: VideoSource): Promise<VideoError> {
  return (await isCutOff(source))
    ? new VideoError('VIDEO_TRUNCATED', `${source.name} is cut off before its first complete picture.`)
    : new VideoError('VIDEO_EMPTY', `${source.name} has a video track without pictures.`)
}

interface Counted {
  readonly packets: number
  readonly isComplete: boolean
  /** Earliest presentation time seen. */
  readonly start: number
  /** Latest end of a picture seen. */
  readonly end: number
  readonly rate: number | undefined
}

async function countPackets(track: PacketTrack, first: PacketRef, signal?: AbortSignal): Promise<Counted> {
  let packets = 0
  let start = Number.POSITIVE_INFINITY
  let last = Number.NEGATIVE_INFINITY
  let end = Number.NEGATIVE_INFINITY
  let packet: PacketRef | null = first
  while (packet !== null && packets < COUNTED_PACKETS) {
    throwIfAborted(signal)
    packets++
    start = Math.min(start, packet.timestamp)
    last = Math.max(last, packet.timestamp)
    end = Math.max(end, packet.timestamp + packet.duration)
    packet = await track.nextRef(packet)
  }
  const span = last - start
  const rate = packets > 1 && span > 0 ? (packets - 1) / span : undefined
  return { packets, isComplete: packet === null, start, end, rate }
}

/** End of the last picture whose bytes are there. */
async function findEnd(
  track: PacketTrack,
  first: PacketRef,
  counted: Counted,
  signal?: AbortSignal,
): Promise<{ seconds: number; isCut: boolean }> {
  const endOf = (packet: PacketRef) =>
    packet.timestamp +
    (packet.duration > 0 ? packet.duration : 1 / (counted.rate ?? Number.POSITIVE_INFINITY))
  const last = await track.at(Number.MAX_VALUE)
  if (last === null) return { seconds: await walkToEnd(track, first, signal), isCut: true }
  if (await track.readable(last.timestamp))
    return { seconds: Math.max(counted.end, endOf(last)), isCut: false }
  let low = first.timestamp
  let high = last.timestamp
  for (let step = 0; step < END_SEARCH_STEPS && high - low > 1e-3; step++) {
    throwIfAborted(signal)
    const middle = (low + high) / 2
    if (await track.readable(middle)) low = middle
    else high = middle
  }
  const end = await track.at(low)
  return { seconds: end === null ? low : endOf(end), isCut: true }
}

/** For files whose index itself is cut: from packet to packet. */
async function walkToEnd(track: PacketTrack, first: PacketRef, signal?: AbortSignal): Promise<number> {
  let end = first.timestamp
  for (let packet: PacketRef | null = first; packet !== null; packet = await track.nextRef(packet)) {
    throwIfAborted(signal)
    end = Math.max(end, packet.timestamp + packet.duration)
  }
  return end
}

/** Largest distance between neighbouring keyframes at some places over the video; the whole length with one keyframe. */
async function keyframeInterval(
  track: PacketTrack,
  start: number,
  end: number,
  signal?: AbortSignal,
): Promise<number | undefined> {
  let largest: number | undefined
  for (let probe = 0; probe < KEYFRAME_PROBES; probe++) {
    throwIfAborted(signal)
    const key = await track.keyAt(start + ((end - start) * probe) / KEYFRAME_PROBES)
    if (key === null) break
    const next = await track.nextKey(key)
    const distance = Math.min(next?.timestamp ?? end, end) - Math.max(key.timestamp, start)
    largest = Math.max(largest ?? 0, distance)
  }
  return largest
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new CancelledError(undefined, { cause: signal.reason })
}
