import { readExactly } from '../stored-tensors.js'
import type { RandomAccess } from '../tensor-source.js'
import { malformed, refused, shown } from './refuse.js'
import { utf8 } from './utf8.js'

/** Most files in one archive: one for each tensor; the largest shards that are published have about 2,000. */
const MAX_ENTRIES = 65_536
/** Longest central directory, bytes: 65,536 entries with names of 200 bytes. */
const MAX_DIRECTORY_BYTES = 16 * 1024 * 1024

const END_BYTES = 22
const LOCATOR_BYTES = 20
const END64_BYTES = 56
const CENTRAL_BYTES = 46
const LOCAL_BYTES = 30

/** Flags of encrypted entries, of encrypted directories, and of patches. */
const REFUSED_FLAGS = 0x0001 | 0x0020 | 0x0040 | 0x2000

/** A stored file of an archive: its bytes lie in the archive as they are. */
export interface ZipEntry {
  readonly name: string
  /** First byte of the content in the archive. */
  readonly offset: number
  /** Length of the content, bytes. */
  readonly size: number
  readonly crc32: number
}

interface Directory {
  readonly offset: number
  readonly size: number
  readonly count: number
}

interface CentralEntry {
  readonly name: string
  readonly nameBytes: number
  readonly size: number
  readonly crc32: number
  readonly localOffset: number
}

/**
 * Reads the directory of a zip archive in the form that torch writes: stored, one disk, no comment, zip64 or not.
 *
 * @throws {CheckpointError} CHECKPOINT_UNSUPPORTED for compressed or encrypted entries; CHECKPOINT_INVALID for
 *   records that contradict each other, entries of one name, that overlap, or reach beyond the file.
 * @remarks Source: PKWARE, APPNOTE 6.3.10, sections 4.3 and 4.5.3.
 */
export async function readZip(file: RandomAccess): Promise<Map<string, ZipEntry>> {
  const directory = await readEnd(file)
  const bytes = await readExactly(
    file,
    directory.offset,
    directory.size,
    'CHECKPOINT_INVALID',
    'its directory',
  )
  const central = parseDirectory(bytes, directory.count, file.name)
  central.sort((a, b) => a.localOffset - b.localOffset)
  const entries = new Map<string, ZipEntry>()
  let free = 0
  for (const entry of central) {
    if (entries.has(entry.name)) throw malformed(file.name, `it has ${shown(entry.name)} twice`)
    if (entry.localOffset < free)
      throw malformed(file.name, `${shown(entry.name)} overlaps the entry before it`)
    const offset = await contentOffset(file, entry, directory.offset)
    free = offset + entry.size
    if (free > directory.offset) {
      throw malformed(file.name, `${shown(entry.name)} of ${entry.size} bytes reaches beyond the entries`)
    }
    entries.set(entry.name, { name: entry.name, offset, size: entry.size, crc32: entry.crc32 })
  }
  return entries
}

async function readEnd(file: RandomAccess): Promise<Directory> {
  const length = Math.min(file.size, END64_BYTES + LOCATOR_BYTES + END_BYTES)
  if (length < END_BYTES) throw malformed(file.name, `${file.size} bytes are too few for a zip archive`)
  const start = file.size - length
  const view = viewOf(await readExactly(file, start, length, 'CHECKPOINT_INVALID', 'its end'))
  const end = length - END_BYTES
  if (view.getUint32(end, true) !== 0x06054b50 || view.getUint16(end + 20, true) !== 0) {
    throw malformed(file.name, 'it does not end as a zip archive does; it may be cut off')
  }
  if (view.getUint32(end + 4, true) !== 0) throw refused(file.name, 'it is one part of a split zip archive')
  const short = {
    count: view.getUint16(end + 10, true),
    size: view.getUint32(end + 12, true),
    offset: view.getUint32(end + 16, true),
  }
  if (view.getUint16(end + 8, true) !== short.count)
    throw malformed(file.name, 'its counts of entries differ')
  const long = length === END64_BYTES + LOCATOR_BYTES + END_BYTES ? readEnd64(view, start, file) : undefined
  if (long) checkAgree(short, long, file.name)
  const directory = long ?? short
  const directoryEnd = start + (long ? 0 : end)
  checkDirectory(directory, directoryEnd, file.name)
  return directory
}

/** The record of 64-bit sizes, which torch always writes; undefined where there is none. */
function readEnd64(view: DataView, start: number, file: RandomAccess): Directory | undefined {
  if (view.getUint32(END64_BYTES, true) !== 0x07064b50) return undefined
  const place = view.getBigUint64(END64_BYTES + 8, true)
  const simple =
    view.getUint32(0, true) === 0x06064b50 &&
    view.getBigUint64(4, true) === BigInt(END64_BYTES - 12) &&
    view.getUint32(16, true) === 0 &&
    view.getUint32(20, true) === 0 &&
    view.getBigUint64(24, true) === view.getBigUint64(32, true)
  if (place !== BigInt(start) || !simple)
    throw malformed(file.name, 'its zip64 records contradict each other')
  return {
    count: Number(view.getBigUint64(32, true)),
    size: Number(view.getBigUint64(40, true)),
    offset: Number(view.getBigUint64(48, true)),
  }
}

/** The short record repeats what it has room for. */
function checkAgree(short: Directory, long: Directory, file: string): void {
  const agree =
    (short.count === 0xffff || short.count === long.count) &&
    (short.size === 0xffffffff || short.size === long.size) &&
    (short.offset === 0xffffffff || short.offset === long.offset)
  if (!agree) throw malformed(file, 'its zip and zip64 records differ')
}

function checkDirectory({ offset, size, count }: Directory, end: number, file: string): void {
  if (count > MAX_ENTRIES || size > MAX_DIRECTORY_BYTES) {
    throw refused(file, `its directory of ${count} entries and ${size} bytes is larger than is read`)
  }
  if (offset + size !== end) throw malformed(file, 'its directory does not lie before its end')
}

function parseDirectory(bytes: Uint8Array, count: number, file: string): CentralEntry[] {
  const view = viewOf(bytes)
  const entries: CentralEntry[] = []
  let position = 0
  for (let index = 0; index < count; index++) {
    if (position + CENTRAL_BYTES > bytes.length || view.getUint32(position, true) !== 0x02014b50) {
      throw malformed(file, `entry ${index} of its directory is damaged`)
    }
    const nameBytes = view.getUint16(position + 28, true)
    const extraBytes = view.getUint16(position + 30, true)
    const next = position + CENTRAL_BYTES + nameBytes + extraBytes + view.getUint16(position + 32, true)
    if (next > bytes.length) throw malformed(file, `entry ${index} of its directory is cut off`)
    entries.push(parseEntry(bytes.subarray(position, next), nameBytes, extraBytes, index, file))
    position = next
  }
  if (position !== bytes.length) throw malformed(file, 'its directory has more bytes than entries')
  return entries
}

function parseEntry(
  bytes: Uint8Array,
  nameBytes: number,
  extraBytes: number,
  index: number,
  file: string,
): CentralEntry {
  const view = viewOf(bytes)
  const name = utf8(bytes.subarray(CENTRAL_BYTES, CENTRAL_BYTES + nameBytes))
  if (name === undefined) throw malformed(file, `the name of entry ${index} is not UTF-8`)
  if (view.getUint16(8, true) & REFUSED_FLAGS) throw refused(file, `${shown(name)} is encrypted`)
  if (view.getUint16(10, true) !== 0)
    throw refused(file, `${shown(name)} is compressed, which torch never does`)
  if (view.getUint16(34, true) !== 0) throw refused(file, `${shown(name)} lies on another disk`)
  const extra = bytes.subarray(CENTRAL_BYTES + nameBytes, CENTRAL_BYTES + nameBytes + extraBytes)
  const [size, packed, localOffset] = wide(
    [view.getUint32(24, true), view.getUint32(20, true), view.getUint32(42, true)],
    extra,
  )
  if (![size, packed, localOffset].every(Number.isSafeInteger)) {
    throw malformed(file, `the zip64 sizes of ${shown(name)} are damaged`)
  }
  if (size !== packed) throw malformed(file, `${shown(name)} is stored, but its two sizes differ`)
  return { name, nameBytes, size, crc32: view.getUint32(16, true), localOffset }
}

type Three = [number, number, number]

/** Replaces the numbers that did not fit by those of the zip64 field; NaN where it lacks one. */
function wide(short: Three, extra: Uint8Array): Three {
  const field = short.includes(0xffffffff) ? findField(extra, 1) : undefined
  const view = field && viewOf(field)
  let position = 0
  return short.map((value) => {
    if (value !== 0xffffffff) return value
    if (!view || position + 8 > view.byteLength) return Number.NaN
    position += 8
    return Number(view.getBigUint64(position - 8, true))
  }) as Three
}

function findField(extra: Uint8Array, id: number): Uint8Array | undefined {
  const view = viewOf(extra)
  for (let position = 0; position + 4 <= extra.length; ) {
    const end = position + 4 + view.getUint16(position + 2, true)
    if (view.getUint16(position, true) === id) return extra.subarray(position + 4, end)
    position = end
  }
  return undefined
}

/** Where an entry's content begins: behind its local header, whose padding only the header itself tells. */
async function contentOffset(file: RandomAccess, entry: CentralEntry, end: number): Promise<number> {
  const { name, nameBytes, size, localOffset } = entry
  const length = LOCAL_BYTES + nameBytes
  if (localOffset + length > end) throw malformed(file.name, `${shown(name)} begins beyond the entries`)
  const bytes = await readExactly(file, localOffset, length, 'CHECKPOINT_INVALID', `the header of ${name}`)
  const view = viewOf(bytes)
  const sizes = [view.getUint32(18, true), view.getUint32(22, true)]
  const agree =
    view.getUint32(0, true) === 0x04034b50 &&
    (view.getUint16(6, true) & REFUSED_FLAGS) === 0 &&
    view.getUint16(8, true) === 0 &&
    view.getUint16(26, true) === nameBytes &&
    utf8(bytes.subarray(LOCAL_BYTES)) === name &&
    sizes.every((local) => local === size || local === 0 || local === 0xffffffff)
  if (!agree) throw malformed(file.name, `the header of ${shown(name)} differs from the directory`)
  return localOffset + length + view.getUint16(28, true)
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
