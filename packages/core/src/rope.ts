import { checkChoice, checkInteger, checkNumber } from './check.js'
import { InvalidOptionError, ShapeError } from './errors.js'
import { MAX_CONTEXT_TOKENS, MAX_ROPE_FACTOR, MAX_ROPE_THETA } from './limits.js'
import type { RopeScaling, RopeType } from './spec.js'

export const ROPE_TYPES: readonly RopeType[] = ['none', 'linear', 'ntk', 'dynamic', 'yarn', 'llama3']

/** What the tables of rotary position embeddings are computed from. */
export interface RopeFrequencies {
  /** Base of the angles after scaling. */
  readonly theta: number
  /** `[headDim / 2]` radians per position. */
  readonly inverseFrequencies: readonly number[]
  /** Factor on cosines and sines; 1 but for `yarn`. */
  readonly attentionFactor: number
}

/**
 * Angles per position under a scaling, in float64.
 *
 * Dimensions: `d` head dimension, `k = 0 … d/2 - 1` its pairs. Unscaled, pair `k` turns by `θ^(-2k/d)` a position.
 * With `s` the factor and `L` the original length:
 *
 * - `linear`: all angles divided by `s` (position interpolation, arXiv 2306.15595).
 * - `ntk`: `θ' = θ · s^(d / (d-2))`, so the fastest pair stays and the slowest is divided by `s`.
 * - `dynamic`: as `ntk` with `s · length/L - (s - 1)` in place of `s`, where the context is longer than `L`.
 * - `yarn`: pairs that turn more than `betaFast` times in `L` stay, those that turn less than `betaSlow` times are
 *   divided by `s`, with a ramp between; `attentionFactor` is `0.1 · ln s + 1` (arXiv 2309.00071).
 * - `llama3`: the same idea by wavelength, between `L / highFrequencyFactor` and `L / lowFrequencyFactor`.
 *
 * @param theta - θ, above 1.
 * @param headDim - `d`, even; above 2 for `ntk` and `dynamic`.
 * @param contextLength - Tokens that the conversation will hold; only `dynamic` reads it.
 * @throws {InvalidOptionError} If an argument or a field of the scaling is out of its range.
 */
export function ropeFrequencies(
  theta: number,
  headDim: number,
  scaling: RopeScaling,
  contextLength: number,
): RopeFrequencies {
  checkNumber(
    'rope.theta',
    theta,
    `a number above 1, up to ${MAX_ROPE_THETA}`,
    (value) => value > 1 && value <= MAX_ROPE_THETA,
  )
  checkInteger('headDim', headDim, 2, 65_536)
  if (headDim % 2 !== 0) throw new InvalidOptionError('headDim', 'an even number', headDim)
  checkInteger('contextLength', contextLength, 0, MAX_CONTEXT_TOKENS)
  checkScaling(scaling)
  switch (scaling.type) {
    case 'none':
      return unscaled(theta, headDim)
    case 'linear':
      return mapFrequencies(unscaled(theta, headDim), (frequency) => frequency / scaling.factor)
    case 'ntk':
      return unscaled(ntkTheta(theta, headDim, scaling.factor), headDim)
    case 'dynamic':
      return unscaled(ntkTheta(theta, headDim, dynamicFactor(scaling, contextLength)), headDim)
    case 'yarn':
      return yarn(theta, headDim, scaling)
    case 'llama3':
      return mapFrequencies(unscaled(theta, headDim), (frequency) => llama3Frequency(frequency, scaling))
  }
}

/**
 * Cosines and sines of every position and pair, as the decoder graph takes them.
 *
 * @param rope - Frequencies of a plan, or of `ropeFrequencies`.
 * @param positions - The number of positions from 0, or the positions themselves: whole numbers, 0 or more.
 * @returns `[positions, headDim / 2]` each, row-major; angles are computed in float64 and rounded once.
 * @throws {InvalidOptionError} If a position is out of its range.
 * @throws {ShapeError} If there are no frequencies.
 */
export function ropeTables(
  rope: Pick<RopeFrequencies, 'inverseFrequencies' | 'attentionFactor'>,
  positions: number | readonly number[],
): { cos: Float32Array; sin: Float32Array } {
  const listed = typeof positions === 'number' ? undefined : positions
  const length = listed?.length ?? checkInteger('positions', positions, 0, MAX_CONTEXT_TOKENS)
  const pairs = rope.inverseFrequencies.length
  if (pairs === 0) throw new ShapeError('inverseFrequencies', '[headDim / 2]', [0])
  listed?.forEach((position) => {
    checkInteger('positions', position, 0, MAX_CONTEXT_TOKENS)
  })
  const cos = new Float32Array(length * pairs)
  const sin = new Float32Array(length * pairs)
  for (let row = 0; row < length; row++) {
    const position = listed?.[row] ?? row
    for (let pair = 0; pair < pairs; pair++) {
      const angle = position * rope.inverseFrequencies[pair]!
      cos[row * pairs + pair] = Math.cos(angle) * rope.attentionFactor
      sin[row * pairs + pair] = Math.sin(angle) * rope.attentionFactor
    }
  }
  return { cos, sin }
}

/** Checks the fields of a scaling. @throws {InvalidOptionError} If one is missing or out of its range. */
function checkScaling(scaling: RopeScaling): void {
  if (typeof scaling !== 'object' || scaling === null) {
    throw new InvalidOptionError('rope', `a scaling, or one of ${ROPE_TYPES.join(', ')}`, scaling)
  }
  checkChoice('rope.type', scaling.type, ROPE_TYPES)
  if (scaling.type === 'none') return
  checkFactor('rope.factor', scaling.factor)
  if (scaling.type === 'linear' || scaling.type === 'ntk') return
  checkInteger('rope.originalLength', scaling.originalLength, 1, MAX_CONTEXT_TOKENS)
  if (scaling.type === 'yarn') {
    const betaSlow = positive('rope.betaSlow', scaling.betaSlow ?? YARN_BETA_SLOW)
    checkNumber(
      'rope.betaFast',
      scaling.betaFast ?? YARN_BETA_FAST,
      `a number of at least ${betaSlow}`,
      (beta) => beta >= betaSlow,
    )
    if (scaling.attentionFactor !== undefined) positive('rope.attentionFactor', scaling.attentionFactor)
  }
  if (scaling.type === 'llama3') {
    const low = positive('rope.lowFrequencyFactor', scaling.lowFrequencyFactor)
    checkNumber(
      'rope.highFrequencyFactor',
      scaling.highFrequencyFactor,
      `a number above ${low}`,
      (high) => high > low,
    )
  }
}

/** Turns within the original length above and below which YaRN keeps and divides; the paper's values for Llama. */
const YARN_BETA_FAST = 32
const YARN_BETA_SLOW = 1

type Scaling<Type extends RopeType> = Extract<RopeScaling, { type: Type }>

function checkFactor(option: string, value: unknown): number {
  const requirement = `a number from 1 to ${MAX_ROPE_FACTOR}`
  return checkNumber(option, value, requirement, (factor) => factor >= 1 && factor <= MAX_ROPE_FACTOR)
}

function positive(option: string, value: unknown): number {
  return checkNumber(option, value, 'a number above 0', (number) => number > 0)
}

function unscaled(theta: number, headDim: number): RopeFrequencies {
  const inverseFrequencies = Array.from(
    { length: headDim / 2 },
    (_, pair) => theta ** ((-2 * pair) / headDim),
  )
  return { theta, inverseFrequencies, attentionFactor: 1 }
}

function mapFrequencies(rope: RopeFrequencies, change: (frequency: number) => number): RopeFrequencies {
  return { ...rope, inverseFrequencies: rope.inverseFrequencies.map(change) }
}

function ntkTheta(theta: number, headDim: number, factor: number): number {
  // With a single pair nothing is slower than the pair that has to stay, so there is nothing to stretch.
  if (headDim === 2) throw new InvalidOptionError('headDim', 'above 2 for ntk and dynamic scaling', headDim)
  return theta * factor ** (headDim / (headDim - 2))
}

function dynamicFactor({ factor, originalLength }: Scaling<'dynamic'>, contextLength: number): number {
  const length = Math.max(contextLength, originalLength)
  return (factor * length) / originalLength - (factor - 1)
}

function yarn(theta: number, headDim: number, scaling: Scaling<'yarn'>): RopeFrequencies {
  const { factor, originalLength } = scaling
  // The pair, as a real number, that turns `turns` times within the original length.
  const pairOf = (turns: number) =>
    (headDim * Math.log(originalLength / (turns * 2 * Math.PI))) / (2 * Math.log(theta))
  const low = clamp(Math.floor(pairOf(scaling.betaFast ?? YARN_BETA_FAST)), 0, headDim - 1)
  const high = clamp(Math.ceil(pairOf(scaling.betaSlow ?? YARN_BETA_SLOW)), low, headDim - 1)
  // A ramp without width would divide by zero; the reference implementations widen it by this much.
  const width = high === low ? 0.001 : high - low
  const plain = unscaled(theta, headDim)
  return {
    theta,
    inverseFrequencies: plain.inverseFrequencies.map((frequency, pair) => {
      const interpolated = clamp((pair - low) / width, 0, 1)
      return (frequency / factor) * interpolated + frequency * (1 - interpolated)
    }),
    attentionFactor: scaling.attentionFactor ?? 0.1 * Math.log(factor) + 1,
  }
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most)
}

function llama3Frequency(frequency: number, scaling: Scaling<'llama3'>): number {
  const { factor, originalLength, lowFrequencyFactor: low, highFrequencyFactor: high } = scaling
  const turns = (originalLength * frequency) / (2 * Math.PI)
  if (turns > high) return frequency
  if (turns < low) return frequency / factor
  const kept = (turns - low) / (high - low)
  return (frequency / factor) * (1 - kept) + frequency * kept
}
