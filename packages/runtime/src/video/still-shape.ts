import { orient, type Picture } from './picture.js'
import type { Orientation, StillScan } from './still-scan.js'

export const WHITE = 255

/** Clockwise turn and the mirroring after it that EXIF's orientations ask for. */
const TURNS: Readonly<Record<Orientation, readonly [rotation: 0 | 90 | 180 | 270, flip: boolean]>> = {
  1: [0, false],
  2: [0, true],
  3: [180, false],
  4: [180, true],
  5: [90, true],
  6: [90, false],
  7: [270, true],
  8: [270, false],
}

/** Size of a still as it is shown. */
export function shownSize({ width, height, orientation }: StillScan): { width: number; height: number } {
  const isTurned = TURNS[orientation][0] % 180 !== 0
  return isTurned ? { width: height, height: width } : { width, height }
}

/**
 * The whole of a still picture, upright.
 *
 * @param part - What the decoder gave: the picture, or the part of it at `scan.place`; the rest is white.
 */
export function shownStill(part: Picture, scan: StillScan): Picture {
  return orient(placed(part, scan), ...TURNS[scan.orientation])
}

/** Puts a part of a picture where it belongs, on white. */
function placed(part: Picture, { width, height, place }: StillScan): Picture {
  if (place === undefined) return part
  const rgb = new Uint8Array(width * height * 3).fill(WHITE)
  for (let row = 0; row < part.height; row++) {
    const from = row * part.width * 3
    rgb.set(part.rgb.subarray(from, from + part.width * 3), ((place.y + row) * width + place.x) * 3)
  }
  return { width, height, rgb }
}
