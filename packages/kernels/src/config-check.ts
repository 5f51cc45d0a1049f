import { InvalidOptionError } from '@longtake/core'

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
