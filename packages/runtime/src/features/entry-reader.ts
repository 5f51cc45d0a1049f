import { InvalidOptionError } from '@longtake/core'
import { crc32 } from '../crc32.js'
import { type ByteStore, bytesOf, closedError } from './byte-store.js'
import { DATA_START } from './entry-format.js'
import type { EntryIndex } from './entry-index.js'
import { FeatureCacheError } from './error.js'
import type { BlockPlace } from './layout.js'
import type { FeatureLayout, FeatureReader, JsonValue } from './types.js'

/** Reads a complete entry, wherever its bytes are; owns the store. */
export class EntryReader implements FeatureReader {
  readonly #store: ByteStore
  readonly #index: EntryIndex
  #closing: Promise<void> | undefined

  constructor(store: ByteStore, index: EntryIndex) {
    this.#store = store
    this.#index = index
  }

  get layout(): FeatureLayout {
    return this.#index.placed.layout
  }

  get details(): JsonValue {
    return this.#index.details
  }

  async read(block: string, startFrame: number, endFrame: number): Promise<Float32Array> {
    const place = this.#index.placed.blocks.get(block)
    if (place === undefined) throw new InvalidOptionError('block', this.#knownBlocks(), block)
    checkRange(startFrame, endFrame, this.layout.frames)
    if (this.#closing !== undefined) throw closedError()
    const values = new Float32Array((endFrame - startFrame) * place.floatsPerFrame)
    const bytes = bytesOf(values)
    await this.#store.read(bytes, DATA_START + place.start + startFrame * place.frameBytes)
    this.#checkFrames(bytes, place, startFrame)
    return values
  }

  async bytes(name: string): Promise<Uint8Array | undefined> {
    if (this.#closing !== undefined) throw closedError()
    const place = this.#index.attachments.get(name)
    if (place === undefined) return undefined
    const bytes = new Uint8Array(place.length)
    await this.#store.read(bytes, place.start)
    if (crc32(bytes) !== place.checksum) throw changed(name)
    return bytes
  }

  close(): Promise<void> {
    this.#closing ??= this.#store.close()
    return this.#closing
  }

  #checkFrames(bytes: Uint8Array, place: BlockPlace, startFrame: number): void {
    const first = place.index * this.layout.frames + startFrame
    for (let frame = 0; frame * place.frameBytes < bytes.length; frame++) {
      const piece = bytes.subarray(frame * place.frameBytes, (frame + 1) * place.frameBytes)
      if (crc32(piece) !== this.#index.checksums[first + frame]) throw changed(`Frame ${startFrame + frame}`)
    }
  }

  #knownBlocks(): string {
    return `one of ${[...this.#index.placed.blocks.keys()].join(', ')}`
  }
}

function checkRange(start: number, end: number, frames: number): void {
  if (!Number.isInteger(start) || start < 0 || start > frames) {
    throw new InvalidOptionError('startFrame', `a whole number from 0 to ${frames}`, start)
  }
  if (!Number.isInteger(end) || end < start || end > frames) {
    throw new InvalidOptionError('endFrame', `a whole number from ${start} to ${frames}`, end)
  }
}

function changed(what: string): FeatureCacheError {
  return new FeatureCacheError('changed', `${what} was changed after it was written.`)
}
