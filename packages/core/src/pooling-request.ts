import { checkChoice, checkInteger } from './check.js'
import { InvalidOptionError } from './errors.js'
import { MAX_CONTEXT_TOKENS } from './limits.js'
import type { PlanOptions, PoolingOptions } from './plan-types.js'
import { checkTriple } from './pooling-shape.js'
import type { ModelSpec, PoolingMethod } from './spec.js'

export const POOLING_METHODS: readonly PoolingMethod[] = ['none', 'average', 'max', 'guided']

const POOLING_FIELDS: readonly string[] = ['method', 'kernel', 'stride', 'shape']

/** What is asked of pooling: checked, and with the checkpoint's method where none is asked. */
export interface PoolingRequest extends PoolingOptions {
  /** Most visual tokens, where the caller says. */
  readonly tokenBudget: number | undefined
}

/**
 * What the caller asks of pooling, or the checkpoint where the caller does not.
 *
 * @throws {InvalidOptionError} If an option is unknown or out of its range, two contradict each other, or the
 * checkpoint has no guide for `guided`.
 */
export function readPooling(spec: ModelSpec, options: PlanOptions): PoolingRequest {
  const asked = readFields(spec, options.pooling)
  const budget = options.tokenBudget
  const tokenBudget =
    budget === undefined ? undefined : checkInteger('tokenBudget', budget, 1, MAX_CONTEXT_TOKENS)
  const request = { ...asked, tokenBudget }
  checkCombination(request)
  return request
}

function readFields(spec: ModelSpec, given: PlanOptions['pooling']): PoolingOptions {
  if (given === undefined) return { method: checkGuide('spec.defaults.pooling', spec, spec.defaults.pooling) }
  if (typeof given !== 'object' || given === null) {
    return { method: checkGuide('pooling', spec, checkChoice('pooling', given, POOLING_METHODS)) }
  }
  for (const [field, value] of Object.entries(given)) {
    if (POOLING_FIELDS.includes(field)) continue
    const need = `nothing: fields are ${POOLING_FIELDS.join(', ')}`
    throw new InvalidOptionError(`pooling.${field}`, need, value)
  }
  const method = checkChoice('pooling.method', given.method, POOLING_METHODS)
  return { ...given, method: checkGuide('pooling.method', spec, method) }
}

function checkGuide(option: string, spec: ModelSpec, method: PoolingMethod): PoolingMethod {
  if (method !== 'guided' || spec.pooling.guided) return method
  const instead =
    "'average', 'max' or 'none': this checkpoint has no text encoder to weigh patches by the question"
  throw new InvalidOptionError(option, instead, method)
}

function checkCombination({ method, kernel, stride, shape, tokenBudget }: PoolingRequest): void {
  for (const [field, value] of Object.entries({ kernel, stride, shape })) {
    if (value === undefined) continue
    checkTriple(`pooling.${field}`, value)
    if (method === 'none') throw contradiction(`pooling.${field}`, "'none' pools nothing", value)
  }
  if (shape !== undefined && kernel !== undefined) {
    throw contradiction('pooling.kernel', 'it follows from pooling.shape', kernel)
  }
  if (stride !== undefined && kernel === undefined) {
    throw contradiction('pooling.stride', 'it goes with pooling.kernel only', stride)
  }
  if (tokenBudget !== undefined && (kernel ?? shape) !== undefined) {
    const reason = 'the kernel or shape of pooling gives the number of tokens'
    throw contradiction('tokenBudget', reason, tokenBudget)
  }
}

function contradiction(option: string, reason: string, value: unknown): InvalidOptionError {
  const shown = Array.isArray(value) ? value.join('×') : value
  return new InvalidOptionError(option, `nothing: ${reason}`, shown)
}
