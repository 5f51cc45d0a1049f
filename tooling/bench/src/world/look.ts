import type { Random } from './random.js'
import type { Trend } from './world.js'

export type Rgb = readonly [red: number, green: number, blue: number]
type Pair = readonly [number, number]

/** What a shot looks like beyond what is asked about it. Lengths and places are shares of the picture's side. */
export interface Look {
  /** The background's colour at the top, and at the bottom. */
  readonly top: Rgb
  readonly bottom: Rgb
  /** The thing's centre in the middle of the shot, and how far it moves during the shot. */
  readonly place: Pair
  readonly velocity: Pair
  readonly radius: number
  readonly captionShift: Pair
  readonly numberShift: Pair
  readonly gainJitter: number
  readonly dotJitter: number
  readonly barJitter: number
}

/** What changes slowly over the whole video: its value at the start and at the end. */
export interface SlowChange {
  /** Brightness: what pictures are multiplied by. */
  readonly gain: Pair
  /** Place of the dot in the strip above. */
  readonly dot: Pair
  /** End of the bar in the strip below. */
  readonly bar: Pair
}

/** Draws a look at random, in the ranges of `tooling/train/longtake_train/drawing.py`. */
export function drawLook(random: Random): Look {
  const muted = (): Rgb => {
    const grey = random.uniform(30, 95)
    return [grey + random.around(22), grey + random.around(22), grey + random.around(22)]
  }
  const pair = (x: number, y: number): Pair => [random.around(x), random.around(y)]
  const [x, y] = pair(0.14, 0.025)
  return {
    top: muted(),
    bottom: muted(),
    place: [0.5 + x, 0.325 + y],
    velocity: pair(0.12, 0.02),
    radius: random.uniform(0.17, 0.205),
    captionShift: pair(0.02, 0.02),
    numberShift: pair(0.02, 0.02),
    gainJitter: random.around(0.08),
    dotJitter: random.around(0.1),
    barJitter: random.around(0.1),
  }
}

/** Draws the slow change that the trend names; everything else stays as it is. */
export function drawSlowChange(trend: Trend, random: Random): SlowChange {
  const slow = (low: number, high: number, up: Trend, down: Trend): Pair => {
    if (trend !== up && trend !== down) {
      const still = random.uniform(low, high)
      return [still, still]
    }
    const share = random.uniform(0.75, 1)
    const start = low + random.uniform(0, 1 - share) * (high - low)
    const end = start + share * (high - low)
    return trend === up ? [start, end] : [end, start]
  }
  return {
    gain: slow(0.52, 0.98, 'brighter', 'darker'),
    dot: slow(0.2, 0.8, 'right', 'left'),
    bar: slow(0.2, 0.8, 'longer', 'shorter'),
  }
}
