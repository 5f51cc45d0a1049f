import { createHash } from 'node:crypto'
import { InvalidOptionError, JobError } from '@longtake/core'
import type { Json } from './types.js'

/** Deeper nesting than any real job; it keeps the walk off the end of the stack. */
const MOST_DEPTH = 64
/** Characters of a name in a message. */
const MOST_SHOWN = 40

/**
 * Checks that a value is plain JSON of bounded size.
 *
 * @param what - Name of the value in messages, such as `job`.
 * @param mostBytes - Most UTF-8 bytes of its text.
 * @returns Its JSON text.
 * @throws {InvalidOptionError} If it is not plain JSON: other prototypes, `undefined`, NaN, holes, cycles, or deep nesting.
 * @throws {JobError} `JOB_TOO_LARGE`.
 */
export function plainJson(what: string, value: unknown, mostBytes: number): string {
  let room = mostBytes
  const take = (size: number): void => {
    room -= size
    if (room < 0)
      throw new JobError('JOB_TOO_LARGE', `The ${what} is larger than ${mostBytes} bytes of JSON.`)
  }
  const walk = (value: unknown, path: string, depth: number): void => {
    take(1)
    if (value === null || typeof value === 'boolean') return
    if (typeof value === 'string') {
      take(value.length)
      return
    }
    if (typeof value === 'number' && Number.isFinite(value)) return
    if (typeof value !== 'object' || !isPlain(value)) throw notPlain(path, value)
    if (depth === MOST_DEPTH) throw new InvalidOptionError(path, `nesting of at most ${MOST_DEPTH}`, value)
    if (Array.isArray(value)) {
      take(value.length)
      for (let index = 0; index < value.length; index++) walk(value[index], `${path}[${index}]`, depth + 1)
      return
    }
    for (const name of Object.keys(value)) {
      take(name.length)
      walk((value as Record<string, unknown>)[name], `${path}.${name.slice(0, MOST_SHOWN)}`, depth + 1)
    }
  }
  walk(value, what, 0)
  const text = JSON.stringify(value)
  room = mostBytes
  take(Buffer.byteLength(text))
  return text
}

/** Hash of a JSON text that does not depend on the order of names. */
export function digestOf(text: string): string {
  return createHash('sha256')
    .update(canonical(JSON.parse(text) as Json))
    .digest('hex')
    .slice(0, 32)
}

function canonical(value: Json): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([name, item]) => `${JSON.stringify(name)}:${canonical(item)}`).join(',')}}`
}

/** An array or an object as a literal makes it, and nothing that `JSON.stringify` would ask for another form. */
function isPlain(value: object): boolean {
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return false
  if (Array.isArray(value)) return true
  const prototype = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

function notPlain(path: string, value: unknown): InvalidOptionError {
  return new InvalidOptionError(path, 'plain JSON (no undefined, NaN, functions, dates or classes)', value)
}
