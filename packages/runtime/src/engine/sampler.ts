import { checkSampling, type SamplingOptions } from './ask-options.js'

/** Chooses the next token from the logits of one position, `[vocabulary]`. */
export type Sampler = (logits: Float32Array) => number

/**
 * Makes a sampler: greedy at temperature 0 (the default), otherwise by chance among the most probable tokens whose
 * probabilities add up to `topP`.
 *
 * Equal seeds give equal choices on equal logits; without a seed the choices differ from run to run.
 *
 * @throws {InvalidOptionError} If an option is out of its range.
 */
export function makeSampler(options: SamplingOptions = {}): Sampler {
  const { temperature, topP, seed } = checkSampling(options)
  if (temperature === 0) return greedy
  const random = randomNumbers(seed ?? Math.floor(Math.random() * 2 ** 32))
  return (logits) => sample(logits, temperature, topP, random())
}

/** The most probable token; the lowest id among equals. */
export function greedy(logits: Float32Array): number {
  let best = 0
  for (let id = 1; id < logits.length; id++) {
    if (logits[id]! > logits[best]!) best = id
  }
  return best
}

function sample(logits: Float32Array, temperature: number, topP: number, chance: number): number {
  const top = logits[greedy(logits)]!
  const weights = Float64Array.from(logits, (logit) => Math.exp((logit - top) / temperature))
  const ids = Array.from(weights.keys()).sort((a, b) => weights[b]! - weights[a]! || a - b)
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  // The nucleus: as few tokens as reach topP, at least one.
  let kept = 0
  let mass = 0
  while (kept < ids.length && (kept === 0 || mass < topP * total)) mass += weights[ids[kept++]!]!
  let rest = chance * mass
  for (const id of ids.slice(0, kept)) {
    rest -= weights[id]!
    if (rest < 0) return id
  }
  return ids[kept - 1]!
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
