/** A long film that is reckoned, not stored: an index as real files have it, and real keyframes between zeros. */
export interface SparseFilm {
  readonly sizeBytes: number
  readonly seconds: number
  /** Bytes of the index, which lies in front. */
  readonly indexBytes: number
  read(start: number, end: number): Buffer
}

/** A group of pictures of a film of about 4.8 Mbit/s. */
const PICTURES_PER_SECOND = 25
const GROUP_PICTURES = 250
const KEY_BYTES = 120_000
const OTHER_BYTES = 23_400
const GROUP_BYTES = KEY_BYTES + (GROUP_PICTURES - 1) * OTHER_BYTES
/** Pictures that lie together, as muxers write them. */
const CHUNK_PICTURES = 25

/**
 * Makes an MP4 of so many groups of 250 pictures, 25 a second, of 5.9 MB each.
 *
 * @param model - An H.264 MP4 with one video track; its first picture becomes every keyframe.
 */
export function makeSparseFilm(model: Buffer, groups: number): SparseFilm {
  const key = keyPicture(model)
  const header = (dataStart: number) =>
    Buffer.concat([find(model, ['ftyp']), movie(model, groups, dataStart), dataHeader(groups * GROUP_BYTES)])
  // Its length does not depend on the numbers in it.
  const head = header(header(0).length)
  const sizeBytes = head.length + groups * GROUP_BYTES
  return {
    sizeBytes,
    seconds: (groups * GROUP_PICTURES) / PICTURES_PER_SECOND,
    indexBytes: head.length,
    read(start, end) {
      const bytes = Buffer.alloc(end - start)
      const put = (piece: Buffer, at: number) =>
        bytes.set(piece.subarray(Math.max(0, start - at), Math.max(0, end - at)), Math.max(0, at - start))
      put(head, 0)
      const first = Math.max(0, Math.floor((start - head.length) / GROUP_BYTES))
      for (let group = first; group < groups; group++) {
        const at = head.length + group * GROUP_BYTES
        if (at >= end) break
        put(key, at)
      }
      return bytes
    },
  }
}

/** The first picture, with filler (NAL unit type 12) up to the length of a keyframe. */
function keyPicture(model: Buffer): Buffer {
  const table = ['moov', 'trak', 'mdia', 'minf', 'stbl']
  const length = find(model, [...table, 'stsz']).readUInt32BE(20)
  const at = find(model, [...table, 'stco']).readUInt32BE(16)
  const picture = model.subarray(at, at + length)
  const filler = Buffer.alloc(KEY_BYTES - length, 0xff)
  filler.writeUInt32BE(filler.length - 4)
  filler[4] = 12
  return Buffer.concat([picture, filler])
}

function movie(model: Buffer, groups: number, dataStart: number): Buffer {
  const pictures = groups * GROUP_PICTURES
  const ticks = pictures
  const mediaHeader = [0, 0, PICTURES_PER_SECOND, ticks]
  const movieHeader = [...mediaHeader, 0x10000, 0x1000000, 0, 0, ...MATRIX, 0, 0, 0, 0, 0, 0, 2]
  const { width, height } = { width: 128, height: 64 }
  const trackHeader = [0, 0, 1, 0, ticks, 0, 0, 0, 0, ...MATRIX, width << 16, height << 16]
  const inMedia = (name: string) => find(model, ['moov', 'trak', 'mdia', ...name.split('/')])
  const table = box('stbl', [inMedia('minf/stbl/stsd'), ...sampleTables(groups, dataStart)])
  const information = box('minf', [inMedia('minf/vmhd'), inMedia('minf/dinf'), table])
  const media = box('mdia', [fullBox('mdhd', [...mediaHeader, 0x55c40000]), inMedia('hdlr'), information])
  return box('moov', [fullBox('mvhd', movieHeader), box('trak', [fullBox('tkhd', trackHeader, 3), media])])
}

/** The matrix that turns nothing. */
const MATRIX = [0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000]

function sampleTables(groups: number, dataStart: number): readonly Buffer[] {
  const pictures = groups * GROUP_PICTURES
  const sizes = Array.from({ length: pictures }, (_, at) =>
    at % GROUP_PICTURES === 0 ? KEY_BYTES : OTHER_BYTES,
  )
  const chunks = Array.from({ length: pictures / CHUNK_PICTURES }, (_, chunk) => {
    const picture = chunk * CHUNK_PICTURES
    const inGroup = picture % GROUP_PICTURES
    const before = inGroup === 0 ? 0 : KEY_BYTES + (inGroup - 1) * OTHER_BYTES
    return dataStart + Math.floor(picture / GROUP_PICTURES) * GROUP_BYTES + before
  })
  const keys = Array.from({ length: groups }, (_, group) => group * GROUP_PICTURES + 1)
  const offsets = chunks.flatMap((at) => [Math.floor(at / 2 ** 32), at % 2 ** 32])
  return [
    fullBox('stts', [1, pictures, 1]),
    fullBox('stss', [keys.length, ...keys]),
    fullBox('stsc', [1, 1, CHUNK_PICTURES, 1]),
    fullBox('stsz', [0, sizes.length, ...sizes]),
    fullBox('co64', [chunks.length, ...offsets]),
  ]
}

function dataHeader(length: number): Buffer {
  const header = Buffer.from('\0\0\0\x01mdat\0\0\0\0\0\0\0\0', 'latin1')
  header.writeBigUInt64BE(BigInt(length + header.length), 8)
  return header
}

function fullBox(name: string, words: readonly number[], flags = 0): Buffer {
  const content = Buffer.alloc(4 + words.length * 4)
  content.writeUInt32BE(flags)
  for (const [index, word] of words.entries()) content.writeUInt32BE(word, 4 + index * 4)
  return box(name, [content])
}

function box(name: string, content: readonly Buffer[]): Buffer {
  const header = Buffer.from(`\0\0\0\0${name}`, 'latin1')
  const whole = Buffer.concat([header, ...content])
  whole.writeUInt32BE(whole.length)
  return whole
}

/** The first box at a path, its header included. */
function find(bytes: Buffer, path: readonly string[]): Buffer {
  const [name = '', ...rest] = path
  for (let at = 0; at + 8 <= bytes.length; ) {
    const length = Math.max(8, bytes.readUInt32BE(at))
    const found = bytes.subarray(at, at + length)
    if (found.toString('latin1', 4, 8) === name)
      return rest.length === 0 ? found : find(found.subarray(8), rest)
    at += length
  }
  throw new RangeError(`The model film has no box ${name}.`)
}
