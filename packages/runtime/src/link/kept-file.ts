import { readdir, rename, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BLOCK_BYTES, type StoredBlocks } from '../block-reader.js'
import { partName } from '../features/cache-names.js'
import { systemCode } from '../features/error.js'
import { makeFolder } from '../features/make-folder.js'
import { removePath } from '../features/make-room.js'
import { forget, removeOnExit } from '../features/removed-on-exit.js'
import { type CacheRoom, HEAD_NAME } from './cache-room.js'
import { contentOf, decodeHead, encodeHead, hashOf, type KeptHead } from './kept-head.js'
import {
  blocksOf,
  encodePiece,
  MAX_PIECE_BLOCKS,
  markUsed,
  type Piece,
  parsePieceName,
  pieceName,
  readBlock,
  readPart,
} from './kept-pieces.js'

/** Longer than any head: its texts are headers of an answer. */
const MAX_HEAD_BYTES = 64 * 2 ** 10

/** Where an entry lies. */
export interface KeptPlace {
  /** Hash of what the entry is asked for by. */
  readonly key: string
  readonly folder: string
  readonly room: CacheRoom
  /** Told why something is not kept. */
  readonly onProblem: (error: unknown) => void
}

/**
 * What is kept of one file behind a link. Nothing of it is trusted and nothing fails because of it: a block that is damaged
 * or gone is as one that was never kept.
 */
export class KeptFile implements StoredBlocks {
  readonly head: KeptHead
  readonly #place: KeptPlace
  readonly #content: string
  readonly #pieces = new Map<number, Piece>()
  readonly #marked = new Set<string>()

  private constructor(place: KeptPlace, head: KeptHead) {
    this.#place = place
    this.head = head
    this.#content = contentOf(place.key, head)
  }

  /** What is kept under a key; undefined where there is nothing that can be used. */
  static async find(place: KeptPlace): Promise<KeptFile | undefined> {
    const bytes = await readPart(join(place.folder, HEAD_NAME), 0, MAX_HEAD_BYTES).catch(() => undefined)
    if (bytes === undefined) return undefined
    const head = decodeHead(place.key, bytes.toString('utf8'))
    if (head === undefined) {
      await dropPieces(place.folder, undefined)
      return undefined
    }
    const file = new KeptFile(place, head)
    await file.#list()
    if (head.way === 'ranges' || file.#isWhole()) return file
    await file.drop()
    return undefined
  }

  /** An entry to fill. Pieces of another content under the same key are removed; those of the same are taken over. */
  static async begin(place: KeptPlace, head: KeptHead): Promise<KeptFile> {
    const file = new KeptFile(place, head)
    await dropPieces(place.folder, file.#content)
    await file.#list()
    return file
  }

  /** Makes the entry be found: for ranges before the first piece, for what has to be whole after the last one. */
  async publish(): Promise<void> {
    const text = Buffer.from(encodeHead(this.#place.key, this.head))
    await this.#write(HEAD_NAME, text)
  }

  /** Whether an address gave what is kept. */
  isFrom(url: URL): boolean {
    return this.head.address === hashOf(url.href)
  }

  /** Whether it is kept under a head: the same content from the same address. */
  isOf(head: KeptHead): boolean {
    return contentOf(this.#place.key, head) === this.#content && head.address === this.head.address
  }

  get isEmpty(): boolean {
    return this.#pieces.size === 0
  }

  has(block: number): boolean {
    return this.#pieces.has(block)
  }

  async read(block: number): Promise<Uint8Array | undefined> {
    const piece = this.#pieces.get(block)
    if (piece === undefined) return undefined
    const path = join(this.#place.folder, pieceName(piece))
    const length = Math.min(BLOCK_BYTES, this.head.sizeBytes - block * BLOCK_BYTES)
    const bytes = await readBlock(path, piece, block, length).catch(() => undefined)
    if (bytes === undefined) {
      for (let gone = piece.first; gone < piece.first + piece.count; gone++) this.#pieces.delete(gone)
      await removePath(path)
    } else if (!this.#marked.has(path)) {
      this.#marked.add(path)
      await markUsed(path)
    }
    return bytes
  }

  /**
   * Keeps neighbouring blocks, `MAX_PIECE_BLOCKS` at most.
   *
   * @returns False where they could not be kept.
   */
  async keep(first: number, bytes: Uint8Array): Promise<boolean> {
    const piece = { content: this.#content, first, count: blocksOf(bytes.length) }
    if (!(await this.#write(pieceName(piece), encodePiece(piece, bytes)))) return false
    this.#add(piece)
    return true
  }

  /**
   * Passes all bytes on in order.
   *
   * @returns False where some are missing; those before them were passed on.
   */
  async copyTo(append: (bytes: Uint8Array) => Promise<void>): Promise<boolean> {
    for (let block = 0; block < blocksOf(this.head.sizeBytes); block++) {
      const bytes = await this.read(block)
      if (bytes === undefined) return false
      await append(bytes)
    }
    return true
  }

  /** Keeps a file that is here in full, and publishes it. */
  async keepWhole(read: (start: number, end: number) => Promise<Uint8Array>): Promise<void> {
    const { room, onProblem } = this.#place
    const fits = await room.fits(this.head.sizeBytes).catch(onProblem)
    if (fits !== true) return
    const step = MAX_PIECE_BLOCKS * BLOCK_BYTES
    for (let start = 0; start < this.head.sizeBytes; start += step) {
      const bytes = await read(start, Math.min(this.head.sizeBytes, start + step))
      if (!(await this.keep(start / BLOCK_BYTES, bytes))) return
    }
    await this.publish()
  }

  async drop(): Promise<void> {
    this.#pieces.clear()
    await dropPieces(this.#place.folder, undefined)
  }

  async #list(): Promise<void> {
    for (const name of await readdir(this.#place.folder).catch(() => [])) {
      const piece = parsePieceName(name)
      if (piece?.content === this.#content) this.#add(piece)
    }
  }

  #add(piece: Piece): void {
    const end = Math.min(piece.first + piece.count, blocksOf(this.head.sizeBytes))
    for (let block = piece.first; block < end; block++) this.#pieces.set(block, piece)
  }

  #isWhole(): boolean {
    return this.#pieces.size === blocksOf(this.head.sizeBytes)
  }

  /** Writes a file that has its name only when it is complete. */
  async #write(name: string, bytes: Uint8Array): Promise<boolean> {
    const { folder, room, onProblem } = this.#place
    const part = join(folder, partName(this.#content))
    try {
      return await room.write(bytes.length, async () => {
        removeOnExit(part)
        await writeNew(part, bytes, folder)
        await rename(part, join(folder, name))
        forget(part)
      })
    } catch (error) {
      onProblem(error)
      if (await removePath(part)) forget(part)
      return false
    }
  }
}

/** Another process may have removed the folder because it was empty. */
async function writeNew(path: string, bytes: Uint8Array, folder: string): Promise<void> {
  const options = { flag: 'wx', mode: 0o600 } as const
  try {
    await writeFile(path, bytes, options)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
    await makeFolder(folder)
    await writeFile(path, bytes, options)
  }
}

/** Removes an entry but for pieces of one content, which stay without a head. */
async function dropPieces(folder: string, kept: string | undefined): Promise<void> {
  const names = await readdir(folder).catch(() => [])
  for (const name of names) {
    const piece = parsePieceName(name)
    if (name === HEAD_NAME || (piece && piece.content !== kept)) await removePath(join(folder, name))
  }
  if (kept === undefined) await rmdir(folder).catch(() => {})
}
