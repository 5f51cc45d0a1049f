import { encode } from 'fast-png'
import { FONT, GLYPH_COLUMNS, GLYPH_ROWS } from './font.js'

export type Colour = readonly [red: number, green: number, blue: number]

export const WHITE: Colour = [255, 255, 255]
export const INK: Colour = [33, 37, 41]
export const FAINT: Colour = [222, 226, 230]

/** Where a text's given point is: at its left end, in its middle, or at its right end. */
export type Anchor = 'left' | 'middle' | 'right'

/** A picture to draw diagrams on. What is outside it is left out. Places and sizes in pixels. */
export class Picture {
  readonly width: number
  readonly height: number
  readonly rgb: Uint8Array

  constructor(width: number, height: number) {
    this.width = width
    this.height = height
    this.rgb = new Uint8Array(width * height * 3).fill(255)
  }

  fill(x: number, y: number, width: number, height: number, colour: Colour): void {
    const [left, right] = [Math.max(0, Math.round(x)), Math.min(this.width, Math.round(x + width))]
    const [top, bottom] = [Math.max(0, Math.round(y)), Math.min(this.height, Math.round(y + height))]
    for (let row = top; row < bottom; row++) {
      for (let column = left; column < right; column++) this.rgb.set(colour, (row * this.width + column) * 3)
    }
  }

  /** A filled circle with a smooth edge. */
  disc(x: number, y: number, radius: number, colour: Colour): void {
    this.#cover(
      [x - radius, y - radius, x + radius, y + radius],
      colour,
      (column, row) => Math.hypot(column - x, row - y) - radius,
    )
  }

  /** A straight line with round ends and a smooth edge. */
  line(
    from: readonly [number, number],
    to: readonly [number, number],
    thickness: number,
    colour: Colour,
  ): void {
    const [x, y] = from
    const [dx, dy] = [to[0] - x, to[1] - y]
    const square = dx * dx + dy * dy || 1
    const reach = thickness / 2
    const box = [
      Math.min(x, to[0]) - reach,
      Math.min(y, to[1]) - reach,
      Math.max(x, to[0]) + reach,
      Math.max(y, to[1]) + reach,
    ] as const
    this.#cover(box, colour, (column, row) => {
      const share = Math.min(Math.max(((column - x) * dx + (row - y) * dy) / square, 0), 1)
      return Math.hypot(column - x - share * dx, row - y - share * dy) - reach
    })
  }

  /**
   * Writes one line of text; characters that the font lacks leave a gap.
   *
   * @param y - Top of its digits, which are `7 · scale` high.
   * @param scale - Pixels of one dot.
   */
  write(text: string, x: number, y: number, scale: number, colour: Colour, anchor: Anchor = 'left'): void {
    const share = { left: 0, middle: 0.5, right: 1 }[anchor]
    let left = Math.round(x - share * textWidth(text, scale))
    for (const character of text) {
      for (const [row, bits] of (FONT.get(character) ?? []).entries()) {
        for (let column = 0; column < GLYPH_COLUMNS; column++) {
          const isSet = (bits >> (GLYPH_COLUMNS - 1 - column)) & 1
          if (isSet) this.fill(left + column * scale, y + row * scale, scale, scale, colour)
        }
      }
      left += (GLYPH_COLUMNS + 1) * scale
    }
  }

  /** As a PNG file. */
  encode(): Uint8Array {
    const { width, height, rgb } = this
    return encode({ width, height, data: rgb, channels: 3, depth: 8 })
  }

  /** Paints where `distance` to the edge is below 0, partly within half a pixel of it. */
  #cover(
    [left, top, right, bottom]: readonly [number, number, number, number],
    colour: Colour,
    distance: (column: number, row: number) => number,
  ): void {
    for (let row = Math.max(0, Math.floor(top) - 1); row <= Math.min(this.height - 1, bottom + 1); row++) {
      for (
        let column = Math.max(0, Math.floor(left) - 1);
        column <= Math.min(this.width - 1, right + 1);
        column++
      ) {
        const share = Math.min(Math.max(0.5 - distance(column, row), 0), 1)
        if (share > 0) this.#mix((row * this.width + column) * 3, colour, share)
      }
    }
  }

  #mix(at: number, colour: Colour, share: number): void {
    for (const [channel, value] of colour.entries()) {
      const old = this.rgb[at + channel] ?? 0
      this.rgb[at + channel] = Math.round(old + share * (value - old))
    }
  }
}

/** Pixels from the first dot of a text to its last. */
export function textWidth(text: string, scale: number): number {
  return Math.max(0, [...text].length * (GLYPH_COLUMNS + 1) - 1) * scale
}

/** Pixels from the top of a text to below its longest letters. */
export function textHeight(scale: number): number {
  return GLYPH_ROWS * scale
}
