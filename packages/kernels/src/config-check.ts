import { InvalidOptionError } from '@longtake/core'
import type { Activation, WeightType } from './config.js'

/** @throws {InvalidOptionError} Unless `value` is a whole number from `least` up. */
export function expectCount(option: string, value: number, least = 1): void {
  if (Number.isSafeInteger(value) && value >= least) return
  throw new InvalidOptionError(option, `a whole number, ${least} or more`, value)
}

/** @throws {InvalidOptionError} Unless `divisor` divides `value` and both are counts. */
export function expectMultiple(option: string, value: number, divisor: number): void {
  expectCount(option, value)
  if (value % divisor !== 0) throw new InvalidOptionError(option, `a multiple of ${divisor}`, value)
}

/** @throws {InvalidOptionError} Unless `value` is a finite number above 0. */
export function expectPositive(option: string, value: number): void {
  if (Number.isFinite(value) && value > 0) return
  throw new InvalidOptionError(option, 'a number above 0', value)
}

/** @throws {InvalidOptionError} Unless `value` is one of `allowed`. */
export function expectOneOf(option: string, value: string, allowed: readonly string[]): void {
  if (!allowed.includes(value)) throw new InvalidOptionError(option, allowed.join(', '), value)
}

const WEIGHT_TYPES: readonly WeightType[] = ['fp32', 'int8', 'int4']
const ACTIVATIONS: readonly Activation[] = ['quick_gelu', 'gelu', 'gelu_pytorch_tanh']

/** @throws {InvalidOptionError} If `value` is no way to store weights. */
export function expectWeightType(value: WeightType): void {
  expectOneOf('weights', value, WEIGHT_TYPES)
}

/** @throws {InvalidOptionError} If `value` is no activation that the graphs have. */
export function expectActivation(option: string, value: Activation): void {
  expectOneOf(option, value, ACTIVATIONS)
}
