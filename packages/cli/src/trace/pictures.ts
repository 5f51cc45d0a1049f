import { chooseFrames, shrinkPng } from '@longtake/runtime/video'
import { importance } from './frame-facts.js'
import { dataUri } from './heat-sprite.js'
import type { TraceData } from './trace-data.js'

/** Frames that are shown large: what a person looks at one by one. */
const MOST_LARGE = 8
const LARGE_SIDE = 320
/** Large frames stand further apart than one part of so many of the video. */
const STRETCHES = 128
/** Frames of windows. */
const MEDIUM_SIDE = 176
const MEDIUM_SHADES = 64
/** Frames that are shown small: more would be neither seen nor opened. */
const MOST_SMALL = 1024
/** Size of all small pictures together, bytes before they are packed. */
const SMALL_BYTES = 3_500_000
const SMALL_SIDE = 128
const LEAST_SIDE = 32
/** Steps of a colour in small pictures; half the size for what nobody sees in them. */
const SMALL_SHADES = 32

/** Frames by how they are shown. */
export interface ShownFrames {
  /** Most important ones, in time order. */
  readonly large: readonly number[]
  /** Others, in time order. */
  readonly small: readonly number[]
  /** Frames without a picture on the page. */
  readonly left: number
}

/** Which frames are shown, and how. */
export function chooseShown(data: TraceData): ShownFrames {
  const weights = importance(data)
  const large = chooseLarge(weights)
  const rest = weights.map((_, index) => index).filter((index) => !large.includes(index))
  const small = chooseFrames(
    rest.map((index) => weights[index] ?? 0),
    MOST_SMALL,
  ).map((at) => rest[at] ?? 0)
  return { large, small, left: weights.length - large.length - small.length }
}

/** The most important frames; of many, none so near another one that both would tell the same. */
function chooseLarge(weights: readonly number[]): number[] {
  const distance = Math.floor(weights.length / STRETCHES)
  const ranked = weights.map((_, index) => index).sort((a, b) => (weights[b] ?? 0) - (weights[a] ?? 0))
  const large: number[] = []
  for (const index of ranked) {
    if (large.length === MOST_LARGE) break
    if (large.every((other) => Math.abs(other - index) > distance)) large.push(index)
  }
  return large.sort((a, b) => a - b)
}

/** A picture that is on the page. */
export interface PagePicture {
  readonly uri: string
  /** Pixels of the file that it was made from. */
  readonly width: number
  readonly height: number
}

/** The pictures of a page: each is read once and made as large as it is shown. */
export class Pictures {
  readonly #data: TraceData
  readonly #smallSide: number

  constructor(data: TraceData, smallCount: number) {
    this.#data = data
    const side = Math.floor(Math.sqrt(SMALL_BYTES / 3 / Math.max(1, smallCount)))
    this.#smallSide = Math.max(LEAST_SIDE, Math.min(SMALL_SIDE, side))
  }

  large(index: number): Promise<PagePicture> {
    return this.#picture(index, LARGE_SIDE, 256)
  }

  medium(index: number): Promise<PagePicture> {
    return this.#picture(index, MEDIUM_SIDE, MEDIUM_SHADES)
  }

  small(index: number): Promise<PagePicture> {
    return this.#picture(index, this.#smallSide, SMALL_SHADES)
  }

  async #picture(index: number, side: number, shades: number): Promise<PagePicture> {
    const png = await this.#data.picture(index)
    const { width, height } = pngSize(png)
    return { uri: dataUri(shrinkPng(png, side, side, shades)), width, height }
  }
}

/** Width and height stand at the same place in every PNG file. */
function pngSize(png: Uint8Array): { width: number; height: number } {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength)
  return { width: view.getUint32(16), height: view.getUint32(20) }
}
