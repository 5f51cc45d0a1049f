import { constants } from 'node:fs'
import { open, utimes } from 'node:fs/promises'
import { BLOCK_BYTES } from '../block-reader.js'
import { crc32 } from '../crc32.js'

/** A block and the sum behind it. */
const RECORD_BYTES = BLOCK_BYTES + 4
/** Blocks of one piece, as many as one request fetches. */
export const MAX_PIECE_BLOCKS = 32
/** Neither links are followed, nor is a pipe waited for; absent on Windows. */
const FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

/** Neighbouring blocks of a file that are kept together. */
export interface Piece {
  readonly content: string
  readonly first: number
  readonly count: number
}

export function pieceName({ content, first, count }: Piece): string {
  return `${content}.${first}-${count}.piece`
}

/** Undefined for a name that is no piece's. */
export function parsePieceName(name: string): Piece | undefined {
  const [, content, first, count] = /^([0-9a-f]{32})\.(\d{1,9})-(\d{1,2})\.piece$/.exec(name) ?? []
  if (content === undefined) return undefined
  const piece = { content, first: Number(first), count: Number(count) }
  const isWhole = piece.count >= 1 && piece.count <= MAX_PIECE_BLOCKS && pieceName(piece) === name
  return isWhole ? piece : undefined
}

/** Blocks of a file of so many bytes. */
export function blocksOf(sizeBytes: number): number {
  return Math.ceil(sizeBytes / BLOCK_BYTES)
}

/** Blocks one after the other, each with the sum of what it is and where it belongs. */
export function encodePiece({ content, first, count }: Piece, bytes: Uint8Array): Uint8Array {
  const encoded = Buffer.alloc(bytes.length + 4 * count)
  for (let index = 0; index < count; index++) {
    const block = bytes.subarray(index * BLOCK_BYTES, (index + 1) * BLOCK_BYTES)
    encoded.set(block, index * RECORD_BYTES)
    encoded.writeUInt32LE(sumOf(content, first + index, block), index * RECORD_BYTES + block.length)
  }
  return encoded
}

/**
 * Reads one block of a piece.
 *
 * @param length - Of the block: `BLOCK_BYTES`, and less only at the end of the file.
 * @returns Undefined where it is not what was written.
 * @throws The system's error where it cannot be read.
 */
export async function readBlock(
  path: string,
  { content, first }: Piece,
  block: number,
  length: number,
): Promise<Uint8Array | undefined> {
  const record = await readPart(path, (block - first) * RECORD_BYTES, length + 4)
  if (record.length < length + 4) return undefined
  const bytes = record.subarray(0, length)
  return record.readUInt32LE(length) === sumOf(content, block, bytes) ? bytes : undefined
}

/**
 * Reads so many bytes of a file, fewer only at its end.
 *
 * @throws The system's error; also for what is no file.
 */
export async function readPart(path: string, start: number, length: number): Promise<Buffer> {
  const handle = await open(path, FLAGS)
  try {
    const bytes = Buffer.alloc(length)
    let filled = 0
    while (filled < length) {
      const { bytesRead } = await handle.read(bytes, filled, length - filled, start + filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    return bytes.subarray(0, filled)
  } finally {
    await handle.close()
  }
}

/** File systems often do not note reading, so it is noted here. Fails without harm where that may not be written. */
export async function markUsed(path: string): Promise<void> {
  const now = new Date()
  await utimes(path, now, now).catch(() => {})
}

function sumOf(content: string, block: number, bytes: Uint8Array): number {
  return crc32(bytes, crc32(Buffer.from(`${content} ${block}`)))
}
