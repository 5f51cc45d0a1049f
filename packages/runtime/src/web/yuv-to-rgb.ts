/** Weights of red and blue in the luma of each matrix, by its WebCodecs name. */
const LUMA_WEIGHTS: Readonly<Record<string, readonly [red: number, blue: number]>> = {
  bt709: [0.2126, 0.0722],
  bt470bg: [0.299, 0.114],
  smpte170m: [0.299, 0.114],
  'bt2020-ncl': [0.2627, 0.0593],
}

/** A plane of samples. */
export interface Plane {
  readonly samples: Uint8Array | Uint16Array
  /** Samples from one row to the next, and from one to its neighbour: 2 where two planes alternate. */
  readonly rowStep: number
  readonly step: number
  /** Place of the first sample. */
  readonly start: number
}

/** Luma and colour difference, the latter stored at half the width or height or both. */
export interface YuvPicture {
  readonly width: number
  readonly height: number
  readonly y: Plane
  readonly u: Plane
  readonly v: Plane
  /** Binary logarithm of luma's samples for one of chroma. */
  readonly shiftX: 0 | 1
  readonly shiftY: 0 | 1
  /** Bits of a sample, 8 to 12. */
  readonly bits: number
}

/** How samples are meant. */
export interface YuvMeaning {
  /** Matrix by its WebCodecs name; others are read as BT.601, as where nothing is said. */
  readonly matrix: string | undefined
  readonly fullRange: boolean | undefined
}

/**
 * Turns a picture into RGB, each chroma sample for all the pixels it stands for, as FFmpeg does.
 *
 * @returns `[height, width, 3]`
 * @remarks Source: ITU-T H.273, section 8.3 (matrix coefficients, and narrow range with 219 and 224 steps).
 */
export function yuvToRgb(picture: YuvPicture, meaning: YuvMeaning): Uint8Array {
  const { width, height, y, u, v, shiftX, shiftY, bits } = picture
  const { luma, black, redV, greenU, greenV, blueU } = factors(meaning, bits)
  const middle = 2 ** (bits - 1)
  const rgb = new Uint8Array(width * height * 3)
  let to = 0
  for (let row = 0; row < height; row++) {
    const yRow = y.start + row * y.rowStep
    const uRow = u.start + (row >> shiftY) * u.rowStep
    const vRow = v.start + (row >> shiftY) * v.rowStep
    for (let column = 0; column < width; column++) {
      const bright = (y.samples[yRow + column * y.step]! - black) * luma
      const blue = u.samples[uRow + (column >> shiftX) * u.step]! - middle
      const red = v.samples[vRow + (column >> shiftX) * v.step]! - middle
      rgb[to] = clamped(bright + redV * red)
      rgb[to + 1] = clamped(bright - greenU * blue - greenV * red)
      rgb[to + 2] = clamped(bright + blueU * blue)
      to += 3
    }
  }
  return rgb
}

function factors({ matrix, fullRange }: YuvMeaning, bits: number) {
  const [red, blue] = LUMA_WEIGHTS[matrix ?? ''] ?? LUMA_WEIGHTS.smpte170m!
  const green = 1 - red - blue
  const scale = 2 ** (bits - 8)
  const most = 2 ** bits - 1
  const luma = 255 / (fullRange === true ? most : 219 * scale)
  const chroma = 255 / (fullRange === true ? most : 224 * scale)
  return {
    luma,
    black: fullRange === true ? 0 : 16 * scale,
    redV: 2 * (1 - red) * chroma,
    greenU: ((2 * (1 - blue) * blue) / green) * chroma,
    greenV: ((2 * (1 - red) * red) / green) * chroma,
    blueU: 2 * (1 - blue) * chroma,
  }
}

/** Rounded, within a byte. */
function clamped(value: number): number {
  return value <= 0 ? 0 : value >= 255 ? 255 : (value + 0.5) | 0
}
