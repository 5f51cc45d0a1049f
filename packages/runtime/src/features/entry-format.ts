import { InvalidOptionError } from '@longtake/core'
import { crc32 } from '../crc32.js'
import type { AttachmentPlace, EntryIndex } from './entry-index.js'
import { FeatureCacheError } from './error.js'
import { canonicalJson } from './json.js'
import {
  isName,
  isRecord,
  layoutProblem,
  MAX_ATTACHMENT_BYTES,
  MAX_CHECKSUMS,
  type PlacedLayout,
  placeLayout,
} from './layout.js'
import type { FeatureLayout, JsonValue } from './types.js'

/*
 * An entry is one file:
 *
 *   preamble     64 bytes, below
 *   blocks       [frames, floatsPerFrame] float32 each, one after the other, in the byte order of the machine
 *   attachments  one after the other
 *   index        JSON: key, layout, details, attachments as [name, bytes, CRC-32]
 *   checksums    uint32 little-endian, CRC-32 of frame f of block b at b · frames + f
 *
 * Every byte is covered by exactly one CRC-32. It finds damage, not forgery: who can write to the folder can write
 * an entry that is right by every checksum, so sizes are believed only where they add up to the file's own. The key
 * tells a file that got the name of another one.
 */

/** Bytes of the preamble: the first block starts here. */
export const DATA_START = 64

/** Raised whenever the meaning of a byte changes; entries of other versions are dropped. */
const VERSION = 2

/** Eight bytes, the last two of which tell the byte order of the floats. */
const MAGIC = `LTFEAT${new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? 'le' : 'be'}`

/** Bounds memory for an index nobody vouches for: 100,000 attachments and as much again in details fit. */
const MAX_INDEX_BYTES = 16 * 2 ** 20

/** Longest details, UTF-16 units: each takes three bytes of UTF-8 at most, so that they fill half of the index. */
const MAX_DETAILS_LENGTH = Math.floor(MAX_INDEX_BYTES / 2 / 3)

const CHECKSUM_BYTES = 4

/** Places in the preamble; the rest of it is zero. All numbers are unsigned little-endian. */
const AT = { version: 8, indexBytes: 12, checksums: 16, indexChecksum: 20, fileBytes: 24, ownChecksum: 60 }

/** What the preamble says, with sizes that add up to the file's. */
export interface Preamble {
  readonly indexStart: number
  readonly indexBytes: number
  /** Index and checksums together. */
  readonly tailBytes: number
  readonly tailChecksum: number
}

/** Bytes of an entry that has no attachments and `null` for details. */
export function leastEntryBytes(key: string, placed: PlacedLayout): number {
  const checksums = placed.layout.frames * placed.blocks.size
  return DATA_START + placed.dataBytes + indexText(key, placed, null, []).length + checksums * CHECKSUM_BYTES
}

/** Index and checksums of an entry, and the preamble that vouches for them. */
export function encodeEntry(
  key: string,
  entry: EntryIndex,
): {
  preamble: Uint8Array
  tail: Uint8Array
  tailStart: number
} {
  const attachments = [...entry.attachments.values()]
  const index = indexText(key, entry.placed, entry.details, attachments)
  if (index.length > MAX_INDEX_BYTES) {
    throw new FeatureCacheError('full', `Details and names take more than ${MAX_INDEX_BYTES} bytes.`)
  }
  const tail = new Uint8Array(index.length + entry.checksums.length * CHECKSUM_BYTES)
  tail.set(index)
  const table = new DataView(tail.buffer, index.length)
  entry.checksums.forEach((checksum, slot) => {
    table.setUint32(slot * CHECKSUM_BYTES, checksum, true)
  })
  const tailStart = attachments.reduce((end, { length }) => end + length, DATA_START + entry.placed.dataBytes)
  const preamble = encodePreamble(index.length, entry.checksums.length, tail, tailStart + tail.length)
  return { preamble, tail, tailStart }
}

function indexText(
  key: string,
  { layout }: PlacedLayout,
  details: JsonValue,
  attachments: readonly AttachmentPlace[],
): Uint8Array {
  const list = attachments.map(({ name, length, checksum }) => [name, length, checksum])
  return new TextEncoder().encode(JSON.stringify({ key, layout, details, attachments: list }))
}

function encodePreamble(
  indexBytes: number,
  checksums: number,
  tail: Uint8Array,
  fileBytes: number,
): Uint8Array {
  const preamble = new Uint8Array(DATA_START)
  new TextEncoder().encodeInto(MAGIC, preamble)
  const view = new DataView(preamble.buffer)
  view.setUint32(AT.version, VERSION, true)
  view.setUint32(AT.indexBytes, indexBytes, true)
  view.setUint32(AT.checksums, checksums, true)
  view.setUint32(AT.indexChecksum, crc32(tail), true)
  view.setBigUint64(AT.fileBytes, BigInt(fileBytes), true)
  view.setUint32(AT.ownChecksum, crc32(preamble.subarray(0, AT.ownChecksum)), true)
  return preamble
}

/**
 * Reads the first 64 bytes of a file of `fileBytes`.
 *
 * @throws {FeatureCacheError} `changed` if they are not those of an entry of this version and size.
 */
export function decodePreamble(preamble: Uint8Array, fileBytes: number): Preamble {
  const view = new DataView(preamble.buffer, preamble.byteOffset, DATA_START)
  const magic = String.fromCharCode(...preamble.subarray(0, MAGIC.length))
  if (magic !== MAGIC || view.getUint32(AT.version, true) !== VERSION)
    throw wrong('is of another kind or version')
  if (view.getUint32(AT.ownChecksum, true) !== crc32(preamble.subarray(0, AT.ownChecksum))) {
    throw wrong('has a damaged header')
  }
  const indexBytes = view.getUint32(AT.indexBytes, true)
  const checksums = view.getUint32(AT.checksums, true)
  const tailBytes = indexBytes + checksums * CHECKSUM_BYTES
  const isWhole = view.getBigUint64(AT.fileBytes, true) === BigInt(fileBytes)
  if (!isWhole || indexBytes > MAX_INDEX_BYTES || checksums > MAX_CHECKSUMS) {
    throw wrong('has another size than its header says')
  }
  if (DATA_START + tailBytes > fileBytes) throw wrong('is smaller than its index')
  const indexStart = fileBytes - tailBytes
  return { indexStart, indexBytes, tailBytes, tailChecksum: view.getUint32(AT.indexChecksum, true) }
}

/**
 * Reads index and checksums.
 *
 * @throws {FeatureCacheError} `changed` if they are damaged, malformed, of another key, or do not add up to the file's
 *   size.
 */
export function decodeTail(key: string, tail: Uint8Array, preamble: Preamble): EntryIndex {
  if (crc32(tail) !== preamble.tailChecksum) throw wrong('has a damaged index')
  const index = parse(tail.subarray(0, preamble.indexBytes))
  if (!isRecord(index) || layoutProblem(index.layout) !== undefined) throw wrong('has no usable layout')
  if (index.key !== key) throw wrong('was written under another key')
  const placed = placeLayout(index.layout as unknown as FeatureLayout)
  const count = placed.layout.frames * placed.blocks.size
  if (count * CHECKSUM_BYTES !== tail.length - preamble.indexBytes) throw wrong('lacks checksums')
  const { attachments, end } = decodeAttachments(index.attachments, DATA_START + placed.dataBytes)
  if (end !== preamble.indexStart) throw wrong('has another size than its layout')
  const table = new DataView(tail.buffer, tail.byteOffset + preamble.indexBytes)
  const checksums = Uint32Array.from({ length: count }, (_, slot) =>
    table.getUint32(slot * CHECKSUM_BYTES, true),
  )
  return { placed, details: (index.details ?? null) as JsonValue, attachments, checksums }
}

function decodeAttachments(
  list: unknown,
  start: number,
): { attachments: Map<string, AttachmentPlace>; end: number } {
  if (!Array.isArray(list)) throw wrong('has no list of attachments')
  const attachments = new Map<string, AttachmentPlace>()
  let end = start
  for (const item of list) {
    const [name, length, checksum]: unknown[] = Array.isArray(item) ? item : []
    if (
      !isName(name) ||
      attachments.has(name) ||
      !isSize(length, MAX_ATTACHMENT_BYTES) ||
      !isSize(checksum, 2 ** 32 - 1)
    ) {
      throw wrong('has a malformed list of attachments')
    }
    attachments.set(name, { name, start: end, length, checksum })
    end += length
  }
  return { attachments, end }
}

function isSize(value: unknown, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max
}

function parse(text: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(text))
  } catch (cause) {
    throw new FeatureCacheError('changed', 'The entry has an index that is not JSON.', { cause })
  }
}

/**
 * Copies a value as the entry will give it back.
 *
 * @throws {InvalidOptionError} If it is not JSON or too long.
 */
export function jsonCopy(details: JsonValue): JsonValue {
  const text = canonicalJson(details, 'details')
  if (text.length > MAX_DETAILS_LENGTH) {
    const need = `JSON of at most ${MAX_DETAILS_LENGTH} characters`
    throw new InvalidOptionError('details', need, text.length)
  }
  return JSON.parse(text)
}

function wrong(how: string): FeatureCacheError {
  return new FeatureCacheError('changed', `The entry ${how}.`)
}
