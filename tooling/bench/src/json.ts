import { InvalidOptionError } from '@longtake/core'

/** @throws {InvalidOptionError} If the text is not JSON. */
export function parseJson(bytes: Uint8Array, name: string): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch (cause) {
    throw new InvalidOptionError(name, 'JSON', 'something else', { cause })
  }
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** @throws {InvalidOptionError} Unless `value` is an object whose `field` passes the check. */
export function requireField<T>(
  value: unknown,
  field: string,
  is: (field: unknown) => field is T,
  where: string,
): T {
  const found = isRecord(value) ? value[field] : undefined
  if (is(found)) return found
  throw new InvalidOptionError(`${where}.${field}`, 'a value of the right kind', found)
}
