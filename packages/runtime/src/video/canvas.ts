import { GLYPH_WIDTH, GLYPHS } from './glyphs.js'
import type { Picture } from './picture.js'

export type Colour = readonly [red: number, green: number, blue: number]

/** Narrow marks take less room than digits. */
const NARROW = new Set([':', '.'])
const NARROW_WIDTH = 1
const NARROW_OFFSET = 2

/** A picture to draw on, `[height, width, 3]`. Everything outside it is left out silently. */
export class Canvas {
  readonly width: number
  readonly height: number
  readonly rgb: Uint8Array

  constructor(width: number, height: number, background: Colour) {
    this.width = width
    this.height = height
    this.rgb = new Uint8Array(width * height * 3)
    this.fill(0, 0, width, height, background)
  }

  fill(x: number, y: number, width: number, height: number, colour: Colour): void {
    const left = Math.max(0, x)
    const right = Math.min(this.width, x + width)
    for (let row = Math.max(0, y); row < Math.min(this.height, y + height); row++) {
      for (let column = left; column < right; column++) this.rgb.set(colour, (row * this.width + column) * 3)
    }
  }

  /** Four bars of `thickness`, just outside the given rectangle. */
  frame(x: number, y: number, width: number, height: number, thickness: number, colour: Colour): void {
    const full = width + 2 * thickness
    this.fill(x - thickness, y - thickness, full, thickness, colour)
    this.fill(x - thickness, y + height, full, thickness, colour)
    this.fill(x - thickness, y, thickness, height, colour)
    this.fill(x + width, y, thickness, height, colour)
  }

  draw(picture: Picture, x: number, y: number): void {
    for (let row = 0; row < picture.height; row++) {
      const from = row * picture.width * 3
      this.rgb.set(picture.rgb.subarray(from, from + picture.width * 3), ((y + row) * this.width + x) * 3)
    }
  }

  /** Writes digits, small letters, spaces and `:.-`; each pixel of a character is `scale` pixels wide. */
  write(text: string, x: number, y: number, scale: number, colour: Colour): void {
    let left = x
    for (const character of text) {
      const offset = NARROW.has(character) ? NARROW_OFFSET : 0
      for (const [row, bits] of (GLYPHS.get(character) ?? []).entries()) {
        for (let column = 0; column < GLYPH_WIDTH; column++) {
          const isSet = (bits >> (GLYPH_WIDTH - 1 - column)) & 1
          if (isSet) this.fill(left + (column - offset) * scale, y + row * scale, scale, scale, colour)
        }
      }
      left += advance(character) * scale
    }
  }
}

/** Width of a text as `write` draws it. */
export function textWidth(text: string, scale: number): number {
  return [...text].reduce((width, character) => width + advance(character), -1) * scale
}

function advance(character: string): number {
  return (NARROW.has(character) ? NARROW_WIDTH : GLYPH_WIDTH) + 1
}
