import { InvalidOptionError } from '@longtake/core'

/** @throws {InvalidOptionError} Unless `value` is a whole number from `min` to `max`. */
export function checkInteger(option: string, value: unknown, min: number, max: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    throw new InvalidOptionError(option, `a whole number from ${min} to ${max}`, value)
  }
  return value
}

/** @throws {InvalidOptionError} Unless `value` is a number from `min` to `max`. */
export function checkNumber(option: string, value: unknown, min: number, max: number): number {
  if (typeof value !== 'number' || !(value >= min && value <= max)) {
    throw new InvalidOptionError(option, `a number from ${min} to ${max}`, value)
  }
  return value
}

/** @throws {InvalidOptionError} Unless `value` is one of `choices`. */
export function checkChoice<const C extends string>(
  option: string,
  value: unknown,
  choices: readonly C[],
): C {
  const found = choices.find((choice) => choice === value)
  if (found === undefined) throw new InvalidOptionError(option, `one of ${choices.join(', ')}`, value)
  return found
}

/** @throws {InvalidOptionError} Unless `value` is undefined or an AbortSignal. */
export function checkSignal(value: unknown): AbortSignal | undefined {
  if (value === undefined || value instanceof AbortSignal) return value
  throw new InvalidOptionError('signal', 'an AbortSignal', value)
}

/** @throws {InvalidOptionError} If `options` is no object. */
export function checkObject<O>(options: O): O {
  if (typeof options === 'object' && options !== null) return options
  throw new InvalidOptionError('options', 'an object', options)
}

/** @throws {InvalidOptionError} If `options` is no object or has a field that is not known. */
export function checkFields(options: object, known: readonly string[]): void {
  for (const [name, value] of Object.entries(checkObject(options))) {
    if (known.includes(name) || value === undefined) continue
    throw new InvalidOptionError(name, `no option of this name (known: ${known.join(', ')})`, value)
  }
}
