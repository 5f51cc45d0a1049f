import { crc32 } from '../crc32.js'
import type { ByteStore } from './byte-store.js'
import { DATA_START, decodePreamble, decodeTail } from './entry-format.js'
import type { EntryIndex } from './entry-index.js'
import { FeatureCacheError } from './error.js'

/** Read at once while checking: memory stays bounded whatever an entry's size. */
const CHUNK_BYTES = 1 << 20

/**
 * Reads an entry from start to end and checks every byte of it.
 *
 * @param key - What the entry must have been written under.
 * @param fileBytes - Size of the file, from the system.
 * @param pause - Called between chunks; may throw to stop.
 * @throws {FeatureCacheError} `changed` or `unreadable`.
 */
export async function verifyEntry(
  key: string,
  store: ByteStore,
  fileBytes: number,
  pause: () => void = () => {},
): Promise<EntryIndex> {
  if (fileBytes < DATA_START) throw new FeatureCacheError('changed', 'The entry ends inside its header.')
  const head = new Uint8Array(DATA_START)
  await store.read(head, 0)
  const preamble = decodePreamble(head, fileBytes)
  const tail = new Uint8Array(preamble.tailBytes)
  await store.read(tail, preamble.indexStart)
  const index = decodeTail(key, tail, preamble)
  const bytes = { start: DATA_START, end: preamble.indexStart }
  await checkPieces(store, bytes, pieces(index), pause)
  return index
}

interface Piece {
  readonly length: number
  readonly checksum: number
}

/** Frames and attachments, in the order in which they lie one after the other. */
function* pieces({ placed, attachments, checksums }: EntryIndex): Generator<Piece> {
  const { frames } = placed.layout
  for (const { index, frameBytes } of placed.blocks.values()) {
    for (let frame = 0; frame < frames; frame++) {
      yield { length: frameBytes, checksum: checksums[index * frames + frame]! }
    }
  }
  yield* attachments.values()
}

async function checkPieces(
  store: ByteStore,
  bytes: { start: number; end: number },
  pieces: Iterable<Piece>,
  pause: () => void,
): Promise<void> {
  const buffer = new Uint8Array(Math.min(CHUNK_BYTES, bytes.end - bytes.start))
  let position = bytes.start
  let chunk = buffer.subarray(0, 0)
  for (const { length, checksum } of pieces) {
    let found = 0
    for (let left = length; left > 0; ) {
      if (chunk.length === 0) {
        pause()
        chunk = buffer.subarray(0, Math.min(buffer.length, bytes.end - position))
        await store.read(chunk, position)
        position += chunk.length
      }
      const part = chunk.subarray(0, left)
      found = crc32(part, found)
      chunk = chunk.subarray(part.length)
      left -= part.length
    }
    if (found !== checksum) throw new FeatureCacheError('changed', 'The entry is damaged.')
  }
}
