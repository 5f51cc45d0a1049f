import { VideoError, type VideoFacts } from '@longtake/core'
import type { PictureSource } from './frame-iteration.js'
import { damaged, throwIfAborted } from './frame-iteration.js'
import type { Picture } from './picture.js'
import type { Shown } from './picture-reader.js'
import { scanBmp } from './still-bmp.js'
import { type StillCodec, stillCodec } from './still-format.js'
import { scanGif } from './still-gif.js'
import { scanJpeg } from './still-jpeg.js'
import { scanPng } from './still-png.js'
import { damagedStill, MAX_STILL_BYTES, type StillScan } from './still-scan.js'
import { shownSize } from './still-shape.js'
import { scanWebp } from './still-webp.js'
import type { VideoSource } from './video-source.js'

const SCANNERS: Readonly<Record<StillCodec, (bytes: Uint8Array, name: string) => StillScan>> = {
  png: scanPng,
  jpeg: scanJpeg,
  webp: scanWebp,
  gif: scanGif,
  bmp: scanBmp,
}

/** One still picture of a file that is kept open. */
export interface Still {
  readonly source: VideoSource
  /** What messages call it. */
  readonly name: string
}

/**
 * Decodes a still picture: upright, over white where it is transparent.
 *
 * @throws {VideoError} `VIDEO_UNREADABLE` if it is damaged.
 */
export type DecodeStill = (scan: StillScan, name: string) => Promise<Picture>

/** What is known of stills before anything is decoded. */
export interface StillsInspection {
  readonly facts: VideoFacts
  readonly notes: readonly string[]
}

/**
 * Checks stills one after the other, reading each whole but holding none.
 *
 * @throws {VideoError} `VIDEO_UNREADABLE`, `VIDEO_TRUNCATED`, `VIDEO_TOO_LARGE` or `VIDEO_UNSUPPORTED_CODEC`, by name.
 * @throws {CancelledError} When `signal` aborts.
 */
export async function inspectStills(
  stills: readonly Still[],
  signal?: AbortSignal,
): Promise<StillsInspection> {
  const notes: string[] = []
  const codecs = new Set<StillCodec>()
  const sizes: (readonly [height: number, width: number])[] = []
  for (const still of stills) {
    throwIfAborted(signal)
    const scan = await readStill(still)
    const { width, height } = shownSize(scan)
    sizes.push([height, width])
    codecs.add(scan.codec)
    if (scan.isAnimated) notes.push(`${still.name} is animated: only its first picture is watched.`)
    if (scan.hasAlpha) notes.push(`${still.name} may be transparent in parts, which are shown white.`)
  }
  const count = stills.length
  const [height, width] = sizes[0] ?? [0, 0]
  const isOneSize = sizes.every(([rows, columns]) => rows === height && columns === width)
  return {
    facts: {
      startSeconds: 0,
      durationSeconds: 0,
      frameCount: count,
      stills: count,
      width,
      height,
      ...(!isOneSize && { stillSizes: sizes }),
      codec: [...codecs].join(', '),
    },
    notes,
  }
}

/** Gives stills by their index for a time, and holds the last of them. */
export class StillPictures implements PictureSource {
  readonly #stills: readonly Still[]
  readonly #decode: DecodeStill
  #last: Shown | undefined

  constructor(stills: readonly Still[], decode: DecodeStill) {
    this.#stills = stills
    this.#decode = decode
  }

  async show(seconds: number): Promise<Shown> {
    const index = Math.round(Math.min(Math.max(seconds, 0), this.#stills.length - 1))
    if (this.#last?.timestamp === index) return this.#last
    const still = this.#stills[index]!
    // What was held is let go first: two of the largest would take twice the memory.
    this.#last = undefined
    try {
      const picture = await this.#decode(await readStill(still), still.name)
      this.#last = { timestamp: index, picture }
      return this.#last
    } catch (error) {
      throw damaged(error, still.name)
    }
  }

  close(): void {
    this.#last = undefined
  }
}

async function readStill({ source, name }: Still): Promise<StillScan> {
  const size = await source.size()
  if (size > MAX_STILL_BYTES) {
    throw new VideoError(
      'VIDEO_TOO_LARGE',
      `${name} is a picture of ${Math.ceil(size / 2 ** 20)} MiB: at most ${MAX_STILL_BYTES / 2 ** 20} MiB can be read.`,
    )
  }
  try {
    const bytes = await source.read(0, size)
    const codec = stillCodec(bytes)
    if (codec === undefined) throw damagedStill(name, 'it has changed since it was opened')
    return SCANNERS[codec](bytes, name)
  } catch (error) {
    throw damaged(error, name)
  }
}
