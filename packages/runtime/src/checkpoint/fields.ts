import { CheckpointError } from '@longtake/core'

export interface NumberRule {
  /** Value when the field is absent; without one the field is required. */
  readonly default?: number
  readonly min?: number
  readonly max?: number
}

/** What to do about fields that are met in practice. */
const HINTS: Readonly<Record<string, string>> = {
  quantization_config:
    'weights that another tool has quantised are not read; take the checkpoint as it was before that',
}

/** Values that switch nothing on: an unknown field that holds one cannot change the computation. */
function isInactive(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length === 0
  return value === null || value === false || value === undefined
}

/**
 * Reads one JSON object of a checkpoint field by field, and refuses what nobody asked for.
 *
 * Every error names the field with its full path and the value found.
 */
export class Fields {
  readonly #json: Readonly<Record<string, unknown>>
  readonly #where: string
  readonly #seen = new Set<string>()

  /** @param where - Name of the object in messages, such as `config.json: text_config`. */
  constructor(json: Readonly<Record<string, unknown>>, where: string) {
    this.#json = json
    this.#where = where
  }

  has(name: string): boolean {
    return this.#json[name] !== undefined && this.#json[name] !== null
  }

  /** Whether the object has the field, if only as null. */
  names(name: string): boolean {
    return Object.hasOwn(this.#json, name)
  }

  /** A whole number. */
  integer(name: string, rule: NumberRule = {}): number {
    const value = this.number(name, rule)
    if (!Number.isSafeInteger(value)) throw this.invalid(name, 'a whole number')
    return value
  }

  number(name: string, rule: NumberRule = {}): number {
    const value = this.#take(name) ?? rule.default
    const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = rule
    if (typeof value !== 'number' || !Number.isFinite(value) || value < min || value > max) {
      throw this.invalid(name, describeRange(min, max))
    }
    return value
  }

  boolean(name: string, fallback: boolean): boolean {
    const value = this.#take(name) ?? fallback
    if (typeof value !== 'boolean') throw this.invalid(name, 'true or false')
    return value
  }

  string(name: string, fallback?: string): string {
    const value = this.#take(name) ?? fallback
    if (typeof value !== 'string') throw this.invalid(name, 'a string')
    return value
  }

  /** One of a few words; any other is refused as unsupported. */
  word<const W extends string>(name: string, words: readonly W[], fallback: W): W {
    const value = this.#take(name) ?? fallback
    const found = words.find((word) => word === value)
    if (found === undefined) throw this.unsupported(name, `supported: ${words.join(', ')}`)
    return found
  }

  /** A list of finite numbers of a fixed length. */
  numbers(name: string, length: number, fallback: readonly number[]): number[] {
    const value = this.#take(name) ?? fallback
    if (!Array.isArray(value) || value.length !== length || !value.every((item) => Number.isFinite(item))) {
      throw this.invalid(name, `a list of ${length} numbers`)
    }
    return [...value]
  }

  object(name: string): Fields | undefined {
    const value = this.#take(name)
    if (value === undefined) return undefined
    if (!isObject(value)) throw this.invalid(name, 'an object')
    return new Fields(value, `${this.#where}: ${name}`)
  }

  /** The value as it stands; null counts as absent. */
  raw(name: string): unknown {
    return this.#take(name)
  }

  /**
   * Ends the reading.
   *
   * @param harmless - Fields that do not change what is computed here.
   * @throws {CheckpointError} `CHECKPOINT_UNSUPPORTED` naming a field that was neither read nor harmless.
   */
  finish(harmless: ReadonlySet<string>): void {
    for (const [name, value] of Object.entries(this.#json)) {
      const known = this.#seen.has(name) || harmless.has(name) || name.startsWith('_')
      if (!known && !isInactive(value))
        throw this.unsupported(name, HINTS[name] ?? 'the field is not known here')
    }
  }

  invalid(name: string, requirement: string): CheckpointError {
    const found = show(this.#json[name])
    return new CheckpointError(
      'CHECKPOINT_INVALID',
      `${this.#where}: ${name} must be ${requirement}, found ${found}.`,
    )
  }

  unsupported(name: string, hint: string): CheckpointError {
    const found = show(this.#json[name])
    return new CheckpointError(
      'CHECKPOINT_UNSUPPORTED',
      `${this.#where}: ${name} = ${found} is not supported (${hint}).`,
    )
  }

  #take(name: string): unknown {
    this.#seen.add(name)
    return this.#json[name] ?? undefined
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function describeRange(min: number, max: number): string {
  if (min === Number.NEGATIVE_INFINITY)
    return max === Number.POSITIVE_INFINITY ? 'a number' : `a number, at most ${max}`
  return max === Number.POSITIVE_INFINITY ? `a number, ${min} or more` : `a number from ${min} to ${max}`
}

function show(value: unknown): string {
  if (value === undefined) return 'nothing'
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}
