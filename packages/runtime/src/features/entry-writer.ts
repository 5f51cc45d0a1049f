import { InvalidOptionError, ShapeError } from '@longtake/core'
import { crc32 } from '../crc32.js'
import { bytesOf, closedError } from './byte-store.js'
import type { ChainStore } from './chain-store.js'
import { DATA_START, jsonCopy } from './entry-format.js'
import type { AttachmentPlace, EntryIndex } from './entry-index.js'
import { EntryReader } from './entry-reader.js'
import { isName, MAX_ATTACHMENT_BYTES, MAX_NAME_LENGTH, type PlacedLayout } from './layout.js'
import type { FeatureReader, FeatureWriter, JsonValue } from './types.js'

/** Makes what was written last, where it can; must not fail for reasons of the disk. */
export type Seal = (index: EntryIndex) => Promise<void>

/** Writes an entry, wherever its bytes go; owns the store until `commit` hands it to the reader. */
export class EntryWriter implements FeatureWriter {
  readonly #placed: PlacedLayout
  readonly #store: ChainStore
  readonly #seal: Seal
  readonly #checksums: Uint32Array
  /** 1 where a frame of a block was put, in the order of the checksums. */
  readonly #isPut: Uint8Array
  readonly #attachments = new Map<string, AttachmentPlace>()
  #missing: number
  #end: number
  #failure: { readonly error: unknown } | undefined
  #isOver = false

  constructor(placed: PlacedLayout, store: ChainStore, seal: Seal = async () => {}) {
    this.#placed = placed
    this.#store = store
    this.#seal = seal
    this.#missing = placed.layout.frames * placed.blocks.size
    this.#checksums = new Uint32Array(this.#missing)
    this.#isPut = new Uint8Array(this.#missing)
    this.#end = DATA_START + placed.dataBytes
  }

  async put(block: string, frame: number, values: Float32Array): Promise<void> {
    this.#checkOpen()
    const { frames } = this.#placed.layout
    const place = this.#placed.blocks.get(block)
    if (place === undefined) throw new InvalidOptionError('block', this.#knownBlocks(), block)
    if (!Number.isInteger(frame) || frame < 0 || frame >= frames) {
      throw new InvalidOptionError('frame', `a whole number from 0 to ${frames - 1}`, frame)
    }
    if (values.length !== place.floatsPerFrame) {
      throw new ShapeError('values', `[${place.floatsPerFrame}]`, [values.length])
    }
    const slot = place.index * frames + frame
    if (this.#isPut[slot] === 1) {
      throw new InvalidOptionError('frame', `one of block ${block} that was not put before`, frame)
    }
    this.#isPut[slot] = 1
    this.#missing--
    const bytes = bytesOf(values)
    this.#checksums[slot] = crc32(bytes)
    await this.#write(bytes, DATA_START + place.start + frame * place.frameBytes)
  }

  async putBytes(name: string, bytes: Uint8Array): Promise<void> {
    this.#checkOpen()
    if (!isName(name)) throw new InvalidOptionError('name', `1 to ${MAX_NAME_LENGTH} characters`, name)
    if (this.#attachments.has(name)) {
      throw new InvalidOptionError('name', 'one that was not attached before', name)
    }
    if (bytes.length > MAX_ATTACHMENT_BYTES) {
      throw new InvalidOptionError('bytes', `at most ${MAX_ATTACHMENT_BYTES} bytes`, bytes.length)
    }
    const start = this.#end
    this.#end += bytes.length
    this.#attachments.set(name, { name, start, length: bytes.length, checksum: crc32(bytes) })
    await this.#write(bytes, start)
  }

  async commit(details: JsonValue): Promise<FeatureReader> {
    this.#checkOpen()
    if (this.#missing > 0 && this.#failure === undefined) {
      const all = this.#checksums.length
      throw new InvalidOptionError('commit', `all ${all} frames of all blocks to be put`, all - this.#missing)
    }
    const index = {
      placed: this.#placed,
      details: jsonCopy(details),
      attachments: this.#attachments,
      checksums: this.#checksums,
    }
    this.#isOver = true
    try {
      await this.#store.idle()
      if (this.#failure !== undefined) throw this.#failure.error
      await this.#seal(index)
    } catch (error) {
      await this.#store.close()
      throw error
    }
    return new EntryReader(this.#store, index)
  }

  async abort(): Promise<void> {
    if (this.#isOver) return
    this.#isOver = true
    await this.#store.close()
  }

  async #write(bytes: Uint8Array, position: number): Promise<void> {
    try {
      await this.#store.write(bytes, position)
    } catch (error) {
      this.#failure ??= { error }
      throw error
    }
  }

  #checkOpen(): void {
    if (this.#isOver) throw closedError()
  }

  #knownBlocks(): string {
    return `one of ${[...this.#placed.blocks.keys()].join(', ')}`
  }
}
