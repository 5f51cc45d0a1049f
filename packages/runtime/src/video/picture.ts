/** 134 megapixels, four times 8K: beyond it one picture takes more than 400 MB and is an attack or an accident. */
export const MAX_PIXELS = 16_384 * 8_192

/** Pixels as a viewer sees them. */
export interface Picture {
  readonly width: number
  readonly height: number
  /** `[height, width, 3]`, red first, rows from the top. */
  readonly rgb: Uint8Array
}

/**
 * Size in square pixels: the longer side of a pixel is stretched, so that no detail is lost.
 *
 * @param pixelAspect - Width of a pixel over its height.
 */
export function squareSize(width: number, height: number, pixelAspect: number): [number, number] {
  return pixelAspect >= 1
    ? [Math.max(1, Math.round(width * pixelAspect)), height]
    : [width, Math.max(1, Math.round(height / pixelAspect))]
}

/**
 * Turns a picture clockwise, then mirrors it left to right.
 *
 * @returns The same picture where nothing is to be done, otherwise a new one.
 */
export function orient(picture: Picture, rotation: 0 | 90 | 180 | 270, flip: boolean): Picture {
  if (rotation === 0 && !flip) return picture
  const { width, height, rgb } = picture
  const turned = rotation === 90 || rotation === 270
  const outWidth = turned ? height : width
  const outHeight = turned ? width : height
  const out = new Uint8Array(rgb.length)
  // Steps through the old picture for one step right and one step down in the new one, and where it begins.
  const [right, down, origin] = strides(width, height, rotation)
  const step = flip ? -right : right
  const begin = flip ? origin + right * (outWidth - 1) : origin
  let target = 0
  for (let y = 0; y < outHeight; y++) {
    let from = (begin + down * y) * 3
    for (let x = 0; x < outWidth; x++) {
      out[target] = rgb[from]!
      out[target + 1] = rgb[from + 1]!
      out[target + 2] = rgb[from + 2]!
      target += 3
      from += step * 3
    }
  }
  return { width: outWidth, height: outHeight, rgb: out }
}

function strides(width: number, height: number, rotation: 0 | 90 | 180 | 270): [number, number, number] {
  const last = width * height - 1
  if (rotation === 90) return [-width, 1, width * (height - 1)]
  if (rotation === 180) return [-1, -width, last]
  if (rotation === 270) return [width, -1, width - 1]
  return [1, width, 0]
}
