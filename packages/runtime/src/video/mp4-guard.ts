import { VideoError } from '@longtake/core'
import { indexOfName } from '../bytes.js'
import type { VideoSource } from './video-source.js'

/** Boxes that hold the sample tables, from the outside in. */
const CONTAINERS = new Set(['moov', 'trak', 'mdia', 'minf', 'stbl', 'edts'])

/** Bytes of each entry in the tables that begin with a count. */
const ENTRY_BYTES = new Map([
  ['stts', 8],
  ['ctts', 8],
  ['stsc', 12],
  ['stco', 4],
  ['co64', 8],
  ['stss', 4],
  ['elst', 12],
])

/** A day of film with sound takes some MB of tables; more than this in one is an attack. */
const MAX_TABLE_BYTES = 2 ** 27

/** Boxes looked at in all; a film with a hundred tracks has some thousand. */
const MAX_BOXES = 10_000

/** Of different sizes in one chunk: five hours at 60 a second stored without gaps. The demuxer adds all up for each picture. */
const MAX_CHUNK_SAMPLES = 2 ** 20

/** All tables of a film together. */
const MAX_INDEX_BYTES = 2 ** 28

/** Of the index looked at in one go. */
const PIECE_BYTES = 2 ** 20

/** Some files count a few samples more in one table than in another. */
const SLACK = 1024

interface Box {
  readonly kind: string
  readonly start: number
  readonly end: number
}

/**
 * Refuses MP4 and MOV files whose index claims more samples than the file can hold: the demuxer would believe it
 * and fill the memory with them.
 *
 * @returns Whether more of the index lies in fragments over the file, which are not checked here.
 * @throws {VideoError} `VIDEO_UNREADABLE`.
 */
export async function checkSampleTables(source: VideoSource): Promise<boolean> {
  const size = await source.size()
  const budget = { boxes: MAX_BOXES }
  for await (const box of boxesIn(source, 0, size, budget)) {
    if (box.kind === 'moov') {
      if (box.end - box.start > MAX_INDEX_BYTES) throw damagedIndex(source)
      await checkContainer(source, box, size, budget)
      return hasFragments(source, box)
    }
    // Other containers do not begin with a box.
    if (box.start === 8 && !/^[a-z]{4}$/.test(box.kind)) return false
  }
  return false
}

/** Whether `mvex` stands anywhere in the index: the demuxer believes it wherever it is. */
async function hasFragments(source: VideoSource, { start, end }: Box): Promise<boolean> {
  for (let at = start; at < end; at += PIECE_BYTES) {
    // A few more, for a name that is cut in two.
    const piece = await source.read(at, Math.min(end, at + PIECE_BYTES + 3))
    if (indexOfName(piece, 'mvex') >= 0) return true
  }
  return false
}

async function* boxesIn(
  source: VideoSource,
  start: number,
  end: number,
  budget: { boxes: number },
): AsyncGenerator<Box> {
  let at = start
  while (at + 8 <= end) {
    // What is behind them would be believed without having been looked at.
    if (budget.boxes-- === 0) throw damagedIndex(source)
    const bytes = await source.read(at, Math.min(at + 16, end))
    if (bytes.length < 8) return
    const view = viewOf(bytes)
    const short = view.getUint32(0)
    const isLong = short === 1 && bytes.length >= 16
    const length = isLong ? Number(view.getBigUint64(8)) : short === 0 ? end - at : short
    if (length < 8) return
    const kind = String.fromCharCode(...bytes.subarray(4, 8))
    yield { kind, start: at + (isLong ? 16 : 8), end: Math.min(end, at + length) }
    at += length
  }
}

async function checkContainer(
  source: VideoSource,
  container: Box,
  size: number,
  budget: { boxes: number },
): Promise<void> {
  const inside: Box[] = []
  for await (const box of boxesIn(source, container.start, container.end, budget)) {
    inside.push(box)
    if (CONTAINERS.has(box.kind)) await checkContainer(source, box, size, budget)
    await checkEntries(source, box)
  }
  if (container.kind !== 'stbl') return
  const { samples, areAlike } = await countSamples(source, inside, size)
  for (const box of inside) {
    if (box.kind === 'stts' || box.kind === 'ctts') {
      if ((await sumCounts(source, box)) > samples + SLACK) throw damagedIndex(source)
    } else if (box.kind === 'stsc' && !areAlike) {
      const most = Math.min(samples + SLACK, MAX_CHUNK_SAMPLES)
      if ((await largestChunk(source, box)) > most) throw damagedIndex(source)
    }
  }
}

/** The table must hold as many entries as it says. */
async function checkEntries(source: VideoSource, box: Box): Promise<void> {
  const entryBytes = ENTRY_BYTES.get(box.kind)
  if (entryBytes === undefined) return
  const head = await source.read(box.start, box.start + 8)
  if (head.length < 8 || box.end - box.start > MAX_TABLE_BYTES) throw damagedIndex(source)
  if (8 + viewOf(head).getUint32(4) * entryBytes > box.end - box.start) throw damagedIndex(source)
}

interface Samples {
  readonly samples: number
  /** Whether all have the same size, which is then not written for each. */
  readonly areAlike: boolean
}

async function countSamples(source: VideoSource, boxes: readonly Box[], size: number): Promise<Samples> {
  const tables = boxes.filter(({ kind }) => kind === 'stsz' || kind === 'stz2')
  const box = tables.find(({ kind }) => kind === 'stsz')
  if (box === undefined) return { samples: 0, areAlike: false }
  const head = await source.read(box.start, box.start + 12)
  if (head.length < 12) throw damagedIndex(source)
  const [sampleBytes, samples] = [viewOf(head).getUint32(4), viewOf(head).getUint32(8)]
  const room = sampleBytes === 0 ? (box.end - box.start - 12) / 4 : size / sampleBytes
  if (samples > room + (sampleBytes === 0 ? 0 : SLACK)) throw damagedIndex(source)
  // The demuxer puts the sizes of several tables behind each other.
  return { samples, areAlike: sampleBytes > 0 && tables.length === 1 }
}

/** Samples that the runs of a time table cover. */
async function sumCounts(source: VideoSource, box: Box): Promise<number> {
  const bytes = await source.read(box.start, box.end)
  const view = viewOf(bytes)
  let sum = 0
  for (let at = 8; at + 8 <= bytes.length; at += 8) sum += view.getUint32(at)
  return sum
}

/** Most samples that any chunk is said to have. */
async function largestChunk(source: VideoSource, box: Box): Promise<number> {
  const bytes = await source.read(box.start, box.end)
  const view = viewOf(bytes)
  let largest = 0
  for (let at = 8; at + 12 <= bytes.length; at += 12) largest = Math.max(largest, view.getUint32(at + 4))
  return largest
}

function damagedIndex(source: VideoSource): VideoError {
  return new VideoError('VIDEO_UNREADABLE', `${source.name} is damaged: its index contradicts itself.`)
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
