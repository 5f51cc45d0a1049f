import { InvalidOptionError } from '@longtake/core'
import type { Colour } from './canvas.js'

/** At most this many frames are marked: a mark on everything marks nothing. */
const MAX_MARKED = 8

/** Where nothing stands out, the top of the scale is this many times the mean, so that nothing looks special. */
const CALM = 2

/** From little to much: dark slate, violet, red, orange, pale yellow; lightness grows evenly. */
const RAMP: readonly Colour[] = [
  [38, 42, 54],
  [92, 45, 98],
  [176, 58, 84],
  [240, 128, 48],
  [255, 232, 150],
]

/**
 * Which frames mattered: those with at least half of the largest weight that also stand out from the mean by a
 * quarter, at most eight of them. None where all weigh alike.
 *
 * @param weights - 0 or more each.
 * @returns Indices in time order.
 * @throws {InvalidOptionError} If a weight is negative or not finite.
 */
export function mattered(weights: readonly number[]): number[] {
  checkWeights('weights', weights)
  const largest = largestOf(weights)
  const mean = meanOf(weights)
  return weights
    .map((weight, index) => ({ weight, index }))
    .filter(({ weight }) => weight >= largest / 2 && weight > mean * 1.25)
    .sort((a, b) => b.weight - a.weight)
    .slice(0, MAX_MARKED)
    .map(({ index }) => index)
    .sort((a, b) => a - b)
}

/**
 * Frames that speak for all: half of them the heaviest of equal stretches of time, so that every part is seen, the
 * rest the heaviest that are left. All frames where there are no more than `most`.
 *
 * @param weights - One for each frame, 0 or more; all alike gives frames spread evenly.
 * @param most - Frames to choose, 1 or more.
 * @returns Indices in time order.
 */
export function chooseFrames(weights: readonly number[], most: number): number[] {
  const frames = weights.length
  if (frames <= most) return weights.map((_, index) => index)
  // Where nothing weighs more, spreading is all there is to do.
  const isEven = weights.every((weight) => weight === weights[0])
  const stretches = isEven ? most : Math.ceil(most / 2)
  const chosen = new Set<number>()
  for (let stretch = 0; stretch < stretches; stretch++) {
    const first = Math.floor((stretch * frames) / stretches)
    const end = Math.floor(((stretch + 1) * frames) / stretches)
    chosen.add(heaviest(weights, first, end))
  }
  const rest = weights.map((_, index) => index).filter((index) => !chosen.has(index))
  rest.sort((a, b) => weights[b]! - weights[a]!)
  for (const index of rest.slice(0, most - chosen.size)) chosen.add(index)
  return [...chosen].sort((a, b) => a - b)
}

/**
 * Heat from 0 (little) to 1 (much): the share of the largest value, or of twice the mean where nothing stands out.
 *
 * @param values - 0 or more each.
 */
export function heatShares(values: ArrayLike<number>): Float32Array {
  const top = Math.max(largestOf(values), CALM * meanOf(values))
  const shares = new Float32Array(values.length)
  if (top > 0) for (let index = 0; index < shares.length; index++) shares[index] = values[index]! / top
  return shares
}

/** Colour of a heat from 0 to 1 on a dark ground. */
export function heatColour(share: number): Colour {
  const place = Math.min(1, Math.max(0, share)) * (RAMP.length - 1)
  const below = Math.min(RAMP.length - 2, Math.floor(place))
  const [from, to] = [RAMP[below]!, RAMP[below + 1]!]
  const mix = (channel: 0 | 1 | 2): number =>
    Math.round(from[channel] + (to[channel] - from[channel]) * (place - below))
  return [mix(0), mix(1), mix(2)]
}

/** @throws {InvalidOptionError} If a weight is negative or not finite. */
export function checkWeights(option: string, weights: readonly number[]): void {
  for (const [index, weight] of weights.entries()) {
    if (!(weight >= 0 && Number.isFinite(weight))) {
      throw new InvalidOptionError(`${option}[${index}]`, 'a finite number, 0 or more', weight)
    }
  }
}

/** The middle of the heaviest, so that a stretch where all weigh alike is shown by its middle. */
function heaviest(weights: readonly number[], first: number, end: number): number {
  let best = (first + end - 1) >> 1
  for (let index = first; index < end; index++) if (weights[index]! > weights[best]!) best = index
  return best
}

function largestOf(values: ArrayLike<number>): number {
  let largest = 0
  for (let index = 0; index < values.length; index++) largest = Math.max(largest, values[index]!)
  return largest
}

function meanOf(values: ArrayLike<number>): number {
  let sum = 0
  for (let index = 0; index < values.length; index++) sum += values[index]!
  return values.length > 0 ? sum / values.length : 0
}
