import { createHash, type Hash } from 'node:crypto'
import { VideoError } from '@longtake/core'
import { throwIfAborted } from '../ort/abort.js'
import type { VideoSource } from '../video/video-source.js'

/** Up to here every byte counts: some hundred milliseconds. */
export const FULL_HASH_BYTES = 64 * 2 ** 20
/** Of a larger file, this much of its start and as much of its end: headers, indices and the first and last pictures. */
export const EDGE_HASH_BYTES = 8 * 2 ** 20
/** Between the edges, so many blocks at even distances. */
export const HASH_BLOCKS = 64
/** Length of each of them: about a picture of a stream of 10 Mbit/s. */
export const HASH_BLOCK_BYTES = 256 * 2 ** 10

/** Read at once, and the step within which a cancellation is honoured. */
const CHUNK_BYTES = 4 * 2 ** 20
/** Raised whenever the rule changes, so that keys of different rules never agree. */
const RULE = 'longtake content 1'

/**
 * Names a video by its content: SHA-256 over its size and, up to `FULL_HASH_BYTES`, all of its bytes; of larger ones,
 * the first and the last `EDGE_HASH_BYTES` and `HASH_BLOCKS` blocks of `HASH_BLOCK_BYTES`, spread evenly between, so that
 * hours of video cost 32 MiB of reading. Name, path and times do not count.
 *
 * @remarks Two videos above `FULL_HASH_BYTES` are taken for the same if they have the same size and differ only between
 * the blocks: a file edited in place without a change of length. Encoding again changes size, index or blocks.
 * @returns 64 hexadecimal digits.
 * @throws {VideoError} If reading fails or the source gives no size.
 * @throws {CancelledError} If the signal fires.
 */
export async function contentKey(source: VideoSource, signal?: AbortSignal): Promise<string> {
  throwIfAborted(signal)
  const sizeBytes = await source.size()
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) {
    throw new VideoError('VIDEO_UNREADABLE', `${source.name} has no usable size (${sizeBytes} bytes).`)
  }
  const hash = createHash('sha256').update(`${RULE}\n${sizeBytes}\n`)
  for (const { start, end } of hashedRanges(sizeBytes)) await addRange(hash, source, start, end, signal)
  return hash.digest('hex')
}

/** The parts of a file of this size that count, in order; they never overlap. */
function hashedRanges(sizeBytes: number): { start: number; end: number }[] {
  if (sizeBytes <= FULL_HASH_BYTES) return [{ start: 0, end: sizeBytes }]
  const ranges = [{ start: 0, end: EDGE_HASH_BYTES }]
  const last = sizeBytes - EDGE_HASH_BYTES
  const distance = (last - EDGE_HASH_BYTES) / HASH_BLOCKS
  for (let block = 0; block < HASH_BLOCKS; block++) {
    const start = EDGE_HASH_BYTES + Math.floor((block + 0.5) * distance - HASH_BLOCK_BYTES / 2)
    ranges.push({ start, end: start + HASH_BLOCK_BYTES })
  }
  ranges.push({ start: last, end: sizeBytes })
  return ranges
}

async function addRange(
  hash: Hash,
  source: VideoSource,
  start: number,
  end: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (let position = start; position < end; ) {
    throwIfAborted(signal)
    const bytes = await source.read(position, Math.min(end, position + CHUNK_BYTES))
    // Shorter than it said: what is there is named; what is wrong with it is for the demuxer to tell.
    if (bytes.length === 0) break
    hash.update(bytes)
    position += bytes.length
  }
  throwIfAborted(signal)
  hash.update(`\n${end}\n`)
}
