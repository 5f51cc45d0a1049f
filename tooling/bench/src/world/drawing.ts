import { textDots } from './glyphs.js'
import type { Look, Rgb } from './look.js'
import { EDGE_DISTANCES } from './shapes.js'
import type { ColourName, Shot } from './world.js'

const COLOURS: Readonly<Record<ColourName, Rgb>> = {
  red: [225, 30, 35],
  green: [30, 170, 50],
  blue: [40, 70, 230],
  yellow: [245, 220, 30],
  purple: [150, 40, 190],
  orange: [250, 130, 15],
  cyan: [40, 210, 220],
  white: [240, 240, 240],
}
const STRIP: Rgb = [12, 12, 12]
const DOT: Rgb = [250, 250, 250]
const BAR: Rgb = [170, 220, 255]

/** One picture, and everything that drawing it needs. */
export interface Scene {
  readonly shot: Shot
  readonly look: Look
  /** Where in its shot the picture is: −0.5 at the start, 0.5 at the end. */
  readonly inside: number
  /** Brightness, the dot's place and the bar's end at this moment of the video, without the shot's jitter. */
  readonly gain: number
  readonly dot: number
  readonly bar: number
}

/**
 * Draws one picture of the world, as `draw_frame` of `tooling/train/longtake_train/drawing.py` does.
 *
 * @param size - Side, pixels.
 * @returns `[size, size, 3]` red, green, blue.
 */
export function drawScene(scene: Scene, size: number): Uint8Array {
  return new ShotPainter(scene.look, size).draw(scene)
}

/** Draws the pictures of one shot; what does not move is drawn once. */
export class ShotPainter {
  readonly #still: Picture
  readonly #moving: Picture

  constructor(look: Look, size: number) {
    this.#still = { size, rgb: new Float32Array(size * size * 3) }
    this.#moving = { size, rgb: new Float32Array(size * size * 3) }
    drawBackground(this.#still, look)
  }

  /** @param scene - Of the shot that has this painter's look. */
  draw(scene: Scene): Uint8Array {
    const picture = this.#moving
    picture.rgb.set(this.#still.rgb)
    drawThing(picture, scene)
    drawTexts(picture, scene)
    drawStrips(picture, scene)
    return withGain(picture.rgb, scene.gain + scene.look.gainJitter)
  }
}

interface Picture {
  readonly size: number
  readonly rgb: Float32Array
}

interface Paint {
  readonly ink: Rgb
  readonly paper: Rgb
}
const CAPTION: Paint = { ink: [250, 235, 150], paper: [25, 25, 60] }
const NUMBER: Paint = { ink: [255, 255, 255], paper: [10, 10, 10] }

function drawBackground(picture: Picture, { top, bottom }: Look): void {
  const { size } = picture
  for (let row = 0; row < size; row++) {
    const share = (row + 0.5) / size
    const between = (channel: 0 | 1 | 2): number => top[channel] * (1 - share) + bottom[channel] * share
    fill(picture, [row, row + 1, 0, size], [between(0), between(1), between(2)])
  }
}

function drawThing({ size, rgb }: Picture, { shot, look, inside }: Scene): void {
  const [cx, cy] = [look.place[0] + look.velocity[0] * inside, look.place[1] + look.velocity[1] * inside]
  const reach = look.radius + 2 / size
  const edge = (place: number): number => Math.trunc(Math.min(Math.max(place, 0), 1) * size)
  const distanceOf = EDGE_DISTANCES[shot.shape]
  const colour = COLOURS[shot.colour]
  for (let row = edge(cy - reach); row < edge(cy + reach); row++) {
    for (let column = edge(cx - reach); column < edge(cx + reach); column++) {
      const distance = distanceOf((column + 0.5) / size - cx, (row + 0.5) / size - cy, look.radius)
      const cover = Math.min(Math.max(0.5 - distance * size, 0), 1)
      if (cover > 0) mix(rgb, (row * size + column) * 3, colour, cover)
    }
  }
}

function mix(rgb: Float32Array, at: number, colour: Rgb, cover: number): void {
  for (let channel = 0; channel < 3; channel++) {
    const old = rgb[at + channel] ?? 0
    rgb[at + channel] = old + cover * ((colour[channel] ?? 0) - old)
  }
}

function drawTexts(picture: Picture, { shot, look }: Scene): void {
  const [captionX, captionY] = look.captionShift
  const [numberX, numberY] = look.numberShift
  writeText(picture, shot.caption, { x: 0.26 + captionX, y: 0.735 + captionY, cell: 0.031 }, CAPTION)
  writeText(picture, shot.number, { x: 0.75 + numberX, y: 0.735 + numberY, cell: 0.034 }, NUMBER)
}

/** A box with the text in it, centred on (x, y); each dot is `cell` of the side wide. */
function writeText(
  picture: Picture,
  text: string,
  { x, y, cell }: { readonly x: number; readonly y: number; readonly cell: number },
  { ink, paper }: Paint,
): void {
  const { size } = picture
  const { rows, columns, dots } = textDots(text)
  const [height, width] = [roundEven(rows * cell * size), roundEven(columns * cell * size)]
  const [left, top] = [roundEven(x * size - width / 2), roundEven(y * size - height / 2)]
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const dot = Math.floor((row * rows) / height) * columns + Math.floor((column * columns) / width)
      paint(picture.rgb, ((top + row) * size + left + column) * 3, dots[dot] === 1 ? ink : paper)
    }
  }
}

function drawStrips(picture: Picture, { look, dot, bar }: Scene): void {
  const { size, rgb } = picture
  const upper = roundEven(0.09 * size)
  fill(picture, [0, upper, 0, size], STRIP)
  const centre = dot + look.dotJitter
  for (let row = 0; row < upper; row++) {
    for (let column = 0; column < size; column++) {
      const [dx, dy] = [(column + 0.5) / size - centre, (row + 0.5) / size - 0.045]
      if (dx * dx + dy * dy < 0.04 ** 2) paint(rgb, (row * size + column) * 3, DOT)
    }
  }
  fill(picture, [roundEven(0.925 * size), size, 0, size], STRIP)
  const end = Math.min(roundEven((bar + look.barJitter) * size), size)
  fill(picture, [roundEven(0.945 * size), roundEven(0.985 * size), roundEven(0.03 * size), end], BAR)
}

/** Rows `top` to `bottom`, columns `left` to `right`, ends left out. */
function fill(
  { size, rgb }: Picture,
  [top, bottom, left, right]: readonly [top: number, bottom: number, left: number, right: number],
  colour: Rgb,
): void {
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) paint(rgb, (row * size + column) * 3, colour)
  }
}

function paint(rgb: Float32Array, at: number, colour: Rgb): void {
  rgb[at] = colour[0]
  rgb[at + 1] = colour[1]
  rgb[at + 2] = colour[2]
}

function withGain(rgb: Float32Array, gain: number): Uint8Array {
  const picture = new Uint8Array(rgb.length)
  for (let at = 0; at < rgb.length; at++) picture[at] = Math.min((rgb[at] ?? 0) * gain, 255)
  return picture
}

/** Halves go to the even neighbour, as Python rounds. */
function roundEven(value: number): number {
  const below = Math.floor(value)
  if (value - below !== 0.5) return Math.round(value)
  return below % 2 === 0 ? below : below + 1
}
