import { readdirSync, readFileSync } from 'node:fs'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'

const DATA = ['video', 'images'].map((name) =>
  fileURLToPath(new URL(`../../../../tests/data/${name}/`, import.meta.url)),
)
const VIDEO_TYPES: Readonly<Record<string, string>> = {
  '.mp4': 'video/mp4',
  '.mov': 'video/quicktime',
  '.webm': 'video/webm',
  '.mkv': 'video/x-matroska',
  '.m2t': 'video/mp2t',
  '.avi': 'video/x-msvideo',
}
const PICTURE_TYPES: Readonly<Record<string, string>> = {
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.gif': 'image/gif',
  '.webp': 'image/webp',
  '.bmp': 'image/bmp',
}
/** Sizes and counts that code forgets. */
const EXTREMES = [0, 1, 7, 8, 0x7fff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_fff8, 0xffff_ffff]
const MOST_FLIPS = 32
const MOST_SPLICED_BYTES = 4096

/** A file that was whole. */
export interface Sample {
  readonly name: string
  readonly type: string
  readonly isPicture: boolean
  readonly bytes: Uint8Array
}

/** A file that somebody broke. */
export interface Mutated extends Sample {
  readonly how: (typeof MUTATIONS)[number]
}

/** Random whole numbers below a bound, the same for the same seed. */
type Random = (below: number) => number

export const MUTATIONS = ['flip', 'truncate', 'splice', 'extreme', 'run'] as const

/** All media files of the tests' data, in the order of their names. */
export function readSamples(): readonly Sample[] {
  return DATA.flatMap((folder) =>
    readdirSync(folder)
      .sort()
      .flatMap((name): Sample[] => {
        const extension = extname(name)
        const type = VIDEO_TYPES[extension] ?? PICTURE_TYPES[extension]
        if (type === undefined) return []
        const bytes = new Uint8Array(readFileSync(`${folder}${name}`))
        return [{ name, type, isPicture: extension in PICTURE_TYPES, bytes }]
      }),
  )
}

/** A broken file; the same number gives the same one. Kinds of files and of damage take turns. */
export function mutate(samples: readonly Sample[], number: number): Mutated {
  const random = mulberry32(number)
  const kinds = [...new Set(samples.map(({ type }) => type))]
  const type = kinds[number % kinds.length]
  const alike = samples.filter((one) => one.type === type)
  const sample = alike[random(alike.length)]
  if (sample === undefined) throw new RangeError('There are no samples.')
  const how = MUTATIONS[Math.floor(number / kinds.length) % MUTATIONS.length] ?? 'flip'
  const other = alike[random(alike.length)] ?? sample
  return { ...sample, how, bytes: damaged(how, sample.bytes, other.bytes, random) }
}

function damaged(how: Mutated['how'], whole: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
  const bytes = whole.slice()
  if (how === 'truncate') return bytes.subarray(0, random(bytes.length))
  if (how === 'splice') return splice(bytes, other, random)
  if (how === 'extreme') setExtreme(bytes, random)
  else if (how === 'run') {
    const start = random(bytes.length)
    bytes.fill(random(2) * 255, start, start + 1 + random(64))
  } else {
    for (let count = 1 + random(MOST_FLIPS); count > 0; count--) bytes[random(bytes.length)] = random(256)
  }
  return bytes
}

/** Puts a part of a file, from the begin of one of its boxes where it has such, into another or over it. */
function splice(bytes: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
  const from = startOfBox(other, random)
  const part = other.subarray(from, from + 1 + random(MOST_SPLICED_BYTES))
  const to = startOfBox(bytes, random)
  const rest = bytes.subarray(random(2) === 0 ? to : to + part.length)
  return Buffer.concat([bytes.subarray(0, to), part, rest])
}

/** Sets a number that may be a size, a count or an offset, of two, four or eight bytes in either order. */
function setExtreme(bytes: Uint8Array, random: Random): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const value = EXTREMES[random(EXTREMES.length)] ?? 0
  const isLittle = random(2) === 1
  // A size stands before the name of a box in MP4 and PNG, after it in RIFF, counts somewhere behind.
  const at = startOfBox(bytes, random) + ([0, 8, 12][random(4)] ?? random(64))
  if (at + 4 > bytes.length) return
  if (random(4) === 0) view.setUint16(at, value & 0xffff, isLittle)
  else view.setUint32(at, value, isLittle)
  if (random(8) === 0 && at + 8 <= bytes.length) view.setUint32(at + 4, value, isLittle)
}

/** Four bytes before four letters, as boxes and chunks are named; anywhere where there are none. */
function startOfBox(bytes: Uint8Array, random: Random): number {
  const text = Buffer.from(bytes).toString('latin1')
  const starts = [...text.matchAll(/[A-Za-z0-9 ]{4}/g)].flatMap(({ index }) =>
    index >= 4 ? [index - 4] : [],
  )
  return starts[random(starts.length || 1)] ?? random(bytes.length || 1)
}

/** Source: T. Ettinger's mulberry32, a mixer of 32 bits of state. */
function mulberry32(seed: number): Random {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}
