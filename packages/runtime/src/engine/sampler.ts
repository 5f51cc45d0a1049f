import { type CheckedSampling, checkSampling, type SamplingOptions } from './ask-options.js'

/** Chooses the next token from the logits of one position, `[vocabulary]`. */
export type Sampler = (logits: Float32Array) => number

/**
 * Makes the sampler of one answer. At temperature 0 (the default) it takes the most probable token; otherwise it draws
 * from softmax(logits / temperature), of which `topK`, then `topP` and `minP` leave the most probable tokens.
 *
 * Equal seeds give equal choices on equal logits; without a seed the choices differ from run to run.
 *
 * @param promptIds - Tokens of the prompt, to which a repetition penalty applies as to those that were chosen.
 * @throws {InvalidOptionError} If an option is out of its range.
 */
export function makeSampler(options: SamplingOptions = {}, promptIds: readonly number[] = []): Sampler {
  const sampling = checkSampling(options)
  const { temperature, repetitionPenalty } = sampling
  const random = randomNumbers(sampling.seed ?? Math.floor(Math.random() * 2 ** 32))
  const choose: Sampler =
    temperature === 0 ? greedy : (logits) => draw(weightsOf(logits, temperature), sampling, random())
  if (repetitionPenalty === 1) return choose
  const seen = new Set(promptIds)
  return (logits) => {
    const id = choose(penalised(logits, seen, repetitionPenalty))
    seen.add(id)
    return id
  }
}

/**
 * Logits with those of `seen` tokens lowered, each once however often it was seen: arXiv 1909.05858 §4.1, in the form
 * that later became usual, which multiplies what is below 0 so that a penalty never raises a logit.
 */
function penalised(logits: Float32Array, seen: ReadonlySet<number>, penalty: number): Float32Array {
  const lowered = logits.slice()
  for (const id of seen) {
    const logit = lowered[id]
    if (logit !== undefined) lowered[id] = logit < 0 ? logit * penalty : logit / penalty
  }
  return lowered
}

/** The most probable token; the lowest id among equals. */
export function greedy(logits: Float32Array): number {
  let best = 0
  for (let id = 1; id < logits.length; id++) {
    if (logits[id]! > logits[best]!) best = id
  }
  return best
}

/** exp(logit / temperature), scaled so that the largest is 1. */
function weightsOf(logits: Float32Array, temperature: number): Float64Array {
  const top = logits[greedy(logits)]!
  return Float64Array.from(logits, (logit) => Math.exp((logit - top) / temperature))
}

function draw(
  weights: Float64Array,
  { topK, topP, minP }: Pick<CheckedSampling, 'topK' | 'topP' | 'minP'>,
  chance: number,
): number {
  const most = topK === 0 ? weights.length : topK
  const best = mostProbable(weights, most, topP).slice(0, most)
  const whole = topK === 0 ? sumOf(weights) : best.reduce((sum, id) => sum + weights[id]!, 0)
  const candidates = best.filter((id) => weights[id]! >= minP)
  // The nucleus: as few tokens as reach topP, at least one.
  let kept = 0
  let mass = 0
  while (kept < candidates.length && (kept === 0 || topP === 1 || mass < topP * whole))
    mass += weights[candidates[kept++]!]!
  let rest = chance * mass
  for (const id of candidates.slice(0, kept)) {
    rest -= weights[id]!
    if (rest < 0) return id
  }
  return candidates[kept - 1]!
}

/**
 * The most probable tokens in order, at least as many as `count` or as have `share` of all probability; in no order if
 * that is all of them. Sorting a whole vocabulary at every step would cost as much as the step.
 */
function mostProbable(weights: Float64Array, count: number, share: number): number[] {
  if (count >= weights.length && share === 1) return [...weights.keys()]
  const whole = sumOf(weights)
  for (const least of [1e-3, 1e-6]) {
    const ids: number[] = []
    let mass = 0
    for (const [id, weight] of weights.entries()) {
      if (weight < least) continue
      ids.push(id)
      mass += weight
    }
    if (ids.length >= count || (share < 1 && mass >= share * whole)) return inOrder(ids, weights)
  }
  return inOrder([...weights.keys()], weights)
}

function inOrder(ids: number[], weights: Float64Array): number[] {
  return ids.sort((a, b) => weights[b]! - weights[a]! || a - b)
}

function sumOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0)
}

/** Numbers in [0, 1) from a 32-bit seed (mulberry32, public domain): small, and the same on every engine. */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
