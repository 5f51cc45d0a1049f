import { VideoError, type VideoFacts } from '@longtake/core'
import { isCutOff } from './container-kind.js'
import { throwIfAborted } from './frame-iteration.js'
import type { PacketRef, PacketTrack } from './packet-track.js'
import { MAX_PIXELS, squareSize } from './picture.js'
import type { VideoSource } from './video-source.js'

/** Packets looked at for the frame rate; a video with fewer has its pictures counted exactly. */
const COUNTED_PACKETS = 600

/** H.264 and HEVC keep at most this many pictures for later. */
const REORDERED_PACKETS = 16

/** Places over the video where the distance between two keyframes is measured. */
const KEYFRAME_PROBES = 4

/** Halvings in the search for the end of a cut file: a day down to a millisecond. */
const END_SEARCH_STEPS = 27

/** Thirty thousand years: times beyond are damage, and too coarse to tell pictures apart. */
const MAX_SECONDS = 1e12

/** Facts, and what the caller should know besides. */
export interface Inspection {
  readonly facts: VideoFacts
  readonly notes: readonly string[]
  /** When the last picture begins whose bytes are there. */
  readonly lastSeconds: number
}

/**
 * Finds length, frame rate and keyframe distance from the container's index and a few packets, without decoding.
 *
 * @throws {VideoError} `VIDEO_EMPTY` without pictures, `VIDEO_TRUNCATED` where none is complete, `VIDEO_TOO_LARGE`,
 *   `VIDEO_UNREADABLE` with impossible times.
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
  if (!(Math.abs(counted.start) <= MAX_SECONDS && Math.abs(end.seconds) <= MAX_SECONDS)) {
    throw new VideoError('VIDEO_UNREADABLE', `${source.name} is damaged: its times lie beyond all films.`)
  }
  // A player does not show what an edit list puts before nought when the video goes on beyond it.
  const isHidden = counted.start < 0 && end.seconds > 0 && track.showsBeforeZero !== true
  const startSeconds = isHidden ? 0 : rounded(counted.start)
  const durationSeconds = Math.max(0, rounded(end.seconds - startSeconds))
  const interval = await keyframeInterval(track, startSeconds, end.seconds, signal)
  const shown = counted.isComplete ? countShown(counted.pictures, startSeconds, end.seconds) : undefined
  return {
    facts: {
      startSeconds,
      durationSeconds,
      ...(shown === undefined ? {} : { frameCount: shown }),
      ...(counted.rate === undefined ? {} : { framesPerSecond: rounded(counted.rate) }),
      ...(interval === undefined ? {} : { keyframeIntervalSeconds: rounded(interval) }),
      width,
      height,
      codec: track.setup.codec,
    },
    notes:
      end.isCut || (await isCutOff(source))
        ? [`${source.name} is cut off: only ${durationSeconds.toFixed(1)} seconds of it can be watched.`]
        : [],
    lastSeconds: end.lastSeconds,
  }
}

/** To a microsecond, so that sums of binary fractions print as what they mean. */
function rounded(seconds: number): number {
  return Math.round(seconds * 1e6) / 1e6
}

function countShown(pictures: readonly PacketRef[], start: number, end: number): number {
  return pictures.filter((picture) => {
    const isOver = picture.timestamp < start && picture.timestamp + picture.duration <= start + 1e-6
    return !isOver && picture.timestamp < end
  }).length
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
  /** The first packets, without their bytes. */
  readonly pictures: readonly PacketRef[]
  /** Whether these are all. */
  readonly isComplete: boolean
  /** Earliest presentation time seen. */
  readonly start: number
  /** Pictures per second. */
  readonly rate: number | undefined
}

async function countPackets(track: PacketTrack, first: PacketRef, signal?: AbortSignal): Promise<Counted> {
  const pictures: PacketRef[] = []
  let packet: PacketRef | null = first
  while (packet !== null && pictures.length < COUNTED_PACKETS) {
    throwIfAborted(signal)
    pictures.push(packet)
    packet = await track.nextRef(packet)
  }
  const isComplete = packet === null
  const times = pictures.map((picture) => picture.timestamp).sort((a, b) => a - b)
  const start = times[0] ?? 0
  // Where more follow, the last ones in time still have gaps for pictures that are stored behind them.
  const dense = isComplete ? times : times.slice(0, -REORDERED_PACKETS)
  const span = (dense.at(-1) ?? start) - start
  return { pictures, isComplete, start, rate: span > 0 ? (dense.length - 1) / span : undefined }
}

interface End {
  readonly lastSeconds: number
  /** When the last picture leaves the screen. */
  readonly seconds: number
  readonly isCut: boolean
}

/** Finds the last picture whose bytes are there. */
async function findEnd(
  track: PacketTrack,
  first: PacketRef,
  counted: Counted,
  signal?: AbortSignal,
): Promise<End> {
  const last = await track.at(Number.MAX_VALUE)
  const isCut = last === null || !(await track.readable(last.timestamp))
  const found = last !== null && !isCut ? last : await findCut(track, first, last, signal)
  const length = found.duration > 0 ? found.duration : 1 / (counted.rate ?? Number.POSITIVE_INFINITY)
  return { lastSeconds: found.timestamp, seconds: found.timestamp + length, isCut }
}

async function findCut(
  track: PacketTrack,
  first: PacketRef,
  last: PacketRef | null,
  signal?: AbortSignal,
): Promise<PacketRef> {
  if (last === null) return walkToEnd(track, first, signal)
  let low = first.timestamp
  let high = last.timestamp
  for (let step = 0; step < END_SEARCH_STEPS && high - low > 1e-3; step++) {
    throwIfAborted(signal)
    const middle = (low + high) / 2
    if (await track.readable(middle)) low = middle
    else high = middle
  }
  return (await track.at(low)) ?? first
}

/** For files whose index itself is cut: from packet to packet. */
async function walkToEnd(track: PacketTrack, first: PacketRef, signal?: AbortSignal): Promise<PacketRef> {
  let latest = first
  for (let packet: PacketRef | null = first; packet !== null; packet = await track.nextRef(packet)) {
    throwIfAborted(signal)
    if (packet.timestamp > latest.timestamp) latest = packet
  }
  return latest
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
