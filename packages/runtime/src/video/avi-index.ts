import { VideoError } from '@longtake/core'
import type { VideoSource } from './video-source.js'

/** Stream headers of real files take a few KB. */
const MAX_HEADER_BYTES = 2 ** 20

/** 64 MiB of index: four million chunks, 18 hours of video and sound. */
const MAX_INDEX_BYTES = 2 ** 26

const KEYFRAME_FLAG = 0x10

/** One stored picture: where its bytes lie. */
export interface AviEntry {
  readonly offset: number
  readonly size: number
  readonly isKey: boolean
}

/** What an AVI file says of its first video stream. */
export interface AviVideo {
  /** Four characters naming the codec. */
  readonly fourcc: string
  readonly width: number
  readonly height: number
  readonly secondsPerPicture: number
  readonly extraData: Uint8Array | undefined
  readonly entries: readonly AviEntry[]
}

interface Chunk {
  readonly id: string
  readonly start: number
  readonly size: number
  /** Kind of a `LIST` or `RIFF` chunk. */
  readonly kind: string
}

interface StreamHeader {
  readonly number: number
  readonly video: Omit<AviVideo, 'entries'>
  /** Places of the OpenDML index chunks, for files beyond 1 GB. */
  readonly indexChunks: readonly number[]
}

/**
 * Reads the headers and the index of an AVI file.
 *
 * @throws {VideoError} `VIDEO_NO_VIDEO_TRACK`, `VIDEO_TRUNCATED` where the index is missing, `VIDEO_UNREADABLE`.
 */
export async function readAvi(source: VideoSource): Promise<AviVideo> {
  const size = await source.size()
  const chunks = await listChunks(source, 12, size)
  const headers = chunks.find((chunk) => chunk.kind === 'hdrl')
  if (headers === undefined || headers.size > MAX_HEADER_BYTES) {
    throw new VideoError('VIDEO_UNREADABLE', `${source.name} is damaged: its AVI header could not be read.`)
  }
  const stream = findVideo(await source.read(headers.start, headers.start + headers.size))
  if (stream === undefined) {
    throw new VideoError(
      'VIDEO_NO_VIDEO_TRACK',
      `${source.name} has sound but no pictures: give a file with video.`,
    )
  }
  const entries = await readIndex(source, chunks, stream)
  if (entries === undefined) {
    throw new VideoError(
      'VIDEO_TRUNCATED',
      `${source.name} is cut off: its index is missing. Repair it with: ffmpeg -i in.avi -c copy out.mkv`,
    )
  }
  return { ...stream.video, entries }
}

async function listChunks(source: VideoSource, start: number, end: number): Promise<Chunk[]> {
  const chunks: Chunk[] = []
  let at = start
  while (at + 8 <= end && chunks.length < 1024) {
    const view = viewOf(await source.read(at, at + 12))
    if (view.byteLength < 8) break
    const id = fourccAt(view, 0)
    const size = view.getUint32(4, true)
    const kind = id === 'LIST' && view.byteLength >= 12 ? fourccAt(view, 8) : ''
    chunks.push({ id, start: at + 8, size: Math.min(size, end - at - 8), kind })
    at += 8 + size + (size % 2)
  }
  return chunks
}

/** Chunks inside memory; `bytes` begins with the four characters of a list's kind. */
function innerChunks(bytes: Uint8Array): { id: string; kind: string; body: Uint8Array }[] {
  const view = viewOf(bytes)
  const found: { id: string; kind: string; body: Uint8Array }[] = []
  let at = 4
  while (at + 8 <= bytes.length) {
    const size = view.getUint32(at + 4, true)
    const body = bytes.subarray(at + 8, at + 8 + size)
    const id = fourccAt(view, at)
    found.push({ id, kind: id === 'LIST' && body.length >= 4 ? fourccAt(viewOf(body), 0) : '', body })
    at += 8 + size + (size % 2)
  }
  return found
}

function findVideo(headers: Uint8Array): StreamHeader | undefined {
  const streams = innerChunks(headers).filter((chunk) => chunk.kind === 'strl')
  for (const [number, stream] of streams.entries()) {
    const inner = innerChunks(stream.body)
    const head = inner.find((chunk) => chunk.id === 'strh')?.body
    const format = inner.find((chunk) => chunk.id === 'strf')?.body
    if (head === undefined || format === undefined || head.length < 36 || format.length < 40) continue
    if (fourccAt(viewOf(head), 0) !== 'vids') continue
    const superIndex = inner.find((chunk) => chunk.id === 'indx')?.body
    return {
      number,
      video: readFormat(viewOf(head), format),
      indexChunks: superIndex === undefined ? [] : readSuperIndex(viewOf(superIndex)),
    }
  }
  return undefined
}

function readFormat(head: DataView, format: Uint8Array): Omit<AviVideo, 'entries'> {
  const view = viewOf(format)
  const scale = head.getUint32(20, true)
  const rate = head.getUint32(24, true)
  return {
    fourcc: fourccAt(view, 16),
    width: view.getInt32(4, true),
    // Negative for pictures stored from the top.
    height: Math.abs(view.getInt32(8, true)),
    secondsPerPicture: scale > 0 && rate > 0 ? scale / rate : 1 / 25,
    extraData: format.length > 40 ? format.slice(40) : undefined,
  }
}

function readSuperIndex(view: DataView): number[] {
  if (view.byteLength < 24 || view.getUint8(3) !== 0) return []
  const count = Math.min(view.getUint32(4, true), Math.floor((view.byteLength - 24) / 16))
  return Array.from({ length: count }, (_, index) => Number(view.getBigUint64(24 + index * 16, true)))
}

async function readIndex(
  source: VideoSource,
  chunks: readonly Chunk[],
  stream: StreamHeader,
): Promise<AviEntry[] | undefined> {
  if (stream.indexChunks.length > 0) return readOpenDml(source, stream.indexChunks)
  const index = chunks.find((chunk) => chunk.id === 'idx1')
  const movie = chunks.find((chunk) => chunk.kind === 'movi')
  if (index === undefined || movie === undefined || index.size > MAX_INDEX_BYTES) return undefined
  return readOldIndex(source, index, movie.start, stream.number)
}

async function readOldIndex(
  source: VideoSource,
  index: Chunk,
  movieStart: number,
  stream: number,
): Promise<AviEntry[]> {
  const view = viewOf(await source.read(index.start, index.start + index.size))
  const prefix = String(stream).padStart(2, '0')
  const entries: AviEntry[] = []
  let base: number | undefined
  for (let at = 0; at + 16 <= view.byteLength; at += 16) {
    const id = fourccAt(view, at)
    if (!id.startsWith(prefix) || !/d[bc]$/.test(id)) continue
    const place = view.getUint32(at + 8, true)
    // Places count from the list's start in most files, from the file's start in some.
    base ??=
      fourccAt(viewOf(await source.read(movieStart + place, movieStart + place + 4)), 0) === id
        ? movieStart
        : 0
    const isKey = (view.getUint32(at + 4, true) & KEYFRAME_FLAG) !== 0
    entries.push({ offset: base + place + 8, size: view.getUint32(at + 12, true), isKey })
  }
  return entries
}

async function readOpenDml(source: VideoSource, places: readonly number[]): Promise<AviEntry[]> {
  const entries: AviEntry[] = []
  for (const place of places) {
    const head = viewOf(await source.read(place, place + 32))
    if (head.byteLength < 32) break
    const size = head.getUint32(4, true)
    const base = Number(head.getBigUint64(20, true))
    if (size > MAX_INDEX_BYTES) break
    const view = viewOf(await source.read(place + 32, place + 8 + size))
    const count = Math.min(head.getUint32(12, true), Math.floor(view.byteLength / 8))
    for (let index = 0; index < count; index++) {
      const length = view.getUint32(index * 8 + 4, true)
      // The highest bit marks pictures that need earlier ones.
      entries.push({
        offset: base + view.getUint32(index * 8, true),
        size: length & 0x7fffffff,
        isKey: length < 0x80000000,
      })
    }
  }
  return entries
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function fourccAt(view: DataView, at: number): string {
  if (at + 4 > view.byteLength) return ''
  return String.fromCharCode(...new Uint8Array(view.buffer, view.byteOffset + at, 4))
}
