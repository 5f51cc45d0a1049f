import { InvalidOptionError } from './errors.js'

/** Returns `value` if it is a whole number from `least` to `most`. @throws {InvalidOptionError} Otherwise. */
export function checkInteger(option: string, value: unknown, least: number, most: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value
  throw new InvalidOptionError(option, `a whole number from ${least} to ${most}`, value)
}

/** Returns `value` if it is a finite number and `holds` of it. @throws {InvalidOptionError} Otherwise. */
export function checkNumber(
  option: string,
  value: unknown,
  requirement: string,
  holds: (value: number) => boolean,
): number {
  if (typeof value === 'number' && Number.isFinite(value) && holds(value)) return value
  throw new InvalidOptionError(option, requirement, value)
}

/** Returns `value` if it is one of `choices`. @throws {InvalidOptionError} Otherwise. */
export function checkChoice<Choice extends string>(
  option: string,
  value: unknown,
  choices: readonly Choice[],
): Choice {
  const found = choices.find((choice) => choice === value)
  if (found !== undefined) return found
  throw new InvalidOptionError(option, `one of ${choices.join(', ')}`, value)
}
