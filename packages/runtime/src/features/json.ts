import { InvalidOptionError } from '@longtake/core'
import type { JsonValue } from './types.js'

/** Deepest nesting taken, so that no value can exhaust the stack. */
const MAX_DEPTH = 64

/**
 * JSON text that is the same for equal values: names in order, no spaces.
 *
 * @param option - What the value is called in messages.
 * @throws {InvalidOptionError} For anything that JSON cannot hold, such as NaN, `undefined`, dates or cycles.
 */
export function canonicalJson(value: JsonValue, option: string): string {
  return textOf(value, option, 0)
}

function textOf(value: unknown, option: string, depth: number): string {
  if (depth > MAX_DEPTH) throw new InvalidOptionError(option, `at most ${MAX_DEPTH} levels`, value)
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value)
  if (Array.isArray(value)) {
    return `[${Array.from(value, (item: unknown) => textOf(item, option, depth + 1)).join(',')}]`
  }
  if (typeof value !== 'object' || !isPlain(value)) {
    throw new InvalidOptionError(option, 'JSON: plain objects, arrays, text and finite numbers', value)
  }
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${fields.map(([name, item]) => `${JSON.stringify(name)}:${textOf(item, option, depth + 1)}`).join(',')}}`
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
