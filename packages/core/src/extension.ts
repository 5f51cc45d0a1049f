import { checkChoice } from './check.js'
import type { PlanOptions, RopePlan } from './plan-types.js'
import { ROPE_TYPES, type RopeFrequencies, ropeFrequencies } from './rope.js'
import type { ModelSpec, RopeScaling, RopeType } from './spec.js'

/**
 * RoPE for a conversation that holds `contextTokens`.
 *
 * The base of every extension is the length the model really used in training: `s = contextTokens / trainedLength`
 * where that is above 1; otherwise the checkpoint's own angles stay, also as far as its own scaling reaches. An
 * extension multiplies the angles the model was trained with, so a scaling that the checkpoint asks for remains below
 * it. A whole scaling given in `options.rope` replaces everything.
 *
 * @throws {InvalidOptionError} If the option or the checkpoint's scaling is out of its range.
 */
export function chooseRope(
  spec: ModelSpec,
  contextTokens: number,
  options: PlanOptions,
): { rope: RopePlan; notes: readonly string[] } {
  const asked = options.rope ?? spec.defaults.ropeType
  if (typeof asked !== 'string') return chosenByCaller(spec, contextTokens, asked)
  const type = checkChoice('rope', asked, ROPE_TYPES)
  const own = spec.rope.scaling
  const reach = Math.max(spec.context.trainedLength, ownReach(own))
  const factor = contextTokens / reach
  const ownHelps = type === 'none' || (type === 'dynamic' && own.type === 'dynamic')
  if (factor <= 1 || ownHelps) {
    const unscaled = factor > 1 && own.type !== 'dynamic'
    const notes = unscaled
      ? [`${describeLength(contextTokens, reach)}, and RoPE is not scaled: expect worse answers.`]
      : []
    return { rope: toPlan(own, frequencies(spec, own, contextTokens)), notes }
  }
  const scaling = extension(type, factor, reach)
  const rope = extend(spec, scaling, contextTokens, reach)
  return {
    rope: toPlan(scaling, rope),
    notes: [`${describeLength(contextTokens, reach)}; RoPE is scaled by ${type}.`],
  }
}

function chosenByCaller(
  spec: ModelSpec,
  contextTokens: number,
  scaling: RopeScaling,
): { rope: RopePlan; notes: readonly string[] } {
  const rope = toPlan(scaling, frequencies(spec, scaling, contextTokens))
  const trained = spec.context.trainedLength
  const isShort = scaling.type !== 'dynamic' && rope.scale < contextTokens / trained
  const notes = isShort
    ? [`${describeLength(contextTokens, trained)}; the given RoPE scaling covers ${rope.scale} times.`]
    : []
  return { rope, notes }
}

/** Tokens that a checkpoint's own scaling was made for; 0 where it does not say. */
function ownReach(own: RopeScaling): number {
  return own.type === 'yarn' || own.type === 'llama3' ? own.factor * own.originalLength : 0
}

function frequencies(spec: ModelSpec, scaling: RopeScaling, contextTokens: number): RopeFrequencies {
  return ropeFrequencies(spec.rope.theta, spec.decoder.headDim, scaling, contextTokens)
}

/** The scaling of a type that stretches `trainedLength` by `factor`, with the published values of other fields. */
function extension(type: Exclude<RopeType, 'none'>, factor: number, trainedLength: number): RopeScaling {
  switch (type) {
    case 'linear':
    case 'ntk':
      return { type, factor }
    case 'dynamic':
    case 'yarn':
      return { type, factor, originalLength: trainedLength }
    case 'llama3':
      return { type, factor, originalLength: trainedLength, lowFrequencyFactor: 1, highFrequencyFactor: 4 }
  }
}

/** Applies what a scaling does to unscaled angles to the angles the model was trained with. */
function extend(
  spec: ModelSpec,
  scaling: RopeScaling,
  contextTokens: number,
  reach: number,
): RopeFrequencies {
  const extended = frequencies(spec, scaling, contextTokens)
  const own = spec.rope.scaling
  if (own.type === 'none') return extended
  const plain = frequencies(spec, { type: 'none' }, contextTokens)
  const trained = frequencies(spec, own, Math.min(contextTokens, Math.floor(reach)))
  return {
    theta: trained.theta * (extended.theta / plain.theta),
    inverseFrequencies: trained.inverseFrequencies.map(
      (frequency, pair) => frequency * (extended.inverseFrequencies[pair]! / plain.inverseFrequencies[pair]!),
    ),
    attentionFactor: trained.attentionFactor * extended.attentionFactor,
  }
}

function toPlan(scaling: RopeScaling, rope: RopeFrequencies): RopePlan {
  return { type: scaling.type, scale: scaling.type === 'none' ? 1 : scaling.factor, ...rope }
}

function describeLength(contextTokens: number, reach: number): string {
  const times = (contextTokens / reach).toFixed(2)
  return `The context of ${contextTokens} tokens is ${times} times the ${reach} of training`
}
