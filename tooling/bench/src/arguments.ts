import { parseArgs } from 'node:util'
import { InvalidOptionError } from '@longtake/core'

/** Options by name: `text` takes a value, `flag` none. */
export type OptionKinds = Readonly<Record<string, 'text' | 'flag'>>

/** Command line options as they were given. */
export class Arguments {
  readonly #values: ReadonlyMap<string, string | boolean>

  /** @throws {InvalidOptionError} If an option is unknown, lacks its value, or a word stands alone. */
  constructor(args: readonly string[], kinds: OptionKinds) {
    const options = Object.fromEntries(
      Object.entries(kinds).map(([name, kind]) => [
        name,
        { type: kind === 'flag' ? ('boolean' as const) : ('string' as const) },
      ]),
    )
    try {
      const { values } = parseArgs({ args: [...args], options, strict: true, allowPositionals: false })
      this.#values = new Map(
        Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
      )
    } catch (cause) {
      const known = Object.keys(kinds)
        .map((name) => `--${name}`)
        .join(', ')
      throw new InvalidOptionError('arguments', `options of ${known}`, args.join(' '), { cause })
    }
  }

  flag(name: string): boolean {
    return this.#values.get(name) === true
  }

  text(name: string): string | undefined {
    const value = this.#values.get(name)
    return typeof value === 'string' ? value : undefined
  }

  /** @throws {InvalidOptionError} If the option is missing. */
  required(name: string): string {
    const value = this.text(name)
    if (value === undefined) throw new InvalidOptionError(`--${name}`, 'a value', undefined)
    return value
  }

  /** @throws {InvalidOptionError} Unless it is a whole number from `min` to `max`. */
  integer(name: string, fallback: number, min = 1, max = 1e9): number {
    const value = this.text(name)
    return value === undefined ? fallback : parseInteger(`--${name}`, value, min, max)
  }

  /** Whole numbers separated by commas, each once. */
  integers(name: string, fallback: readonly number[], min = 1, max = 1e9): readonly number[] {
    const value = this.text(name)
    if (value === undefined) return fallback
    return unique(value.split(',').map((item) => parseInteger(`--${name}`, item.trim(), min, max)))
  }

  /** @throws {InvalidOptionError} Unless it is one of `choices`. */
  choice<const C extends string>(name: string, choices: readonly C[], fallback: C): C {
    const value = this.text(name)
    return value === undefined ? fallback : parseChoice(`--${name}`, value, choices)
  }

  /** Choices separated by commas, each once. */
  choices<const C extends string>(name: string, choices: readonly C[], fallback: readonly C[]): readonly C[] {
    const value = this.text(name)
    if (value === undefined) return fallback
    return unique(value.split(',').map((item) => parseChoice(`--${name}`, item.trim(), choices)))
  }
}

function parseInteger(option: string, text: string, min: number, max: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return value
  throw new InvalidOptionError(option, `a whole number from ${min} to ${max}`, text)
}

function parseChoice<const C extends string>(option: string, text: string, choices: readonly C[]): C {
  const found = choices.find((choice) => choice === text)
  if (found === undefined) throw new InvalidOptionError(option, `one of ${choices.join(', ')}`, text)
  return found
}

function unique<T>(items: readonly T[]): readonly T[] {
  return [...new Set(items)]
}
