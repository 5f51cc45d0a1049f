import { isObject, type JsonObject } from '../json.js'
import { ApiError } from '../rest/api-error.js'

interface Range {
  readonly min?: number
  readonly max?: number
}

interface Exactness {
  /** Keep white space at both ends. */
  readonly exact?: boolean
}

interface Presence {
  /** Refuse an absent value; `null` counts as absent. */
  readonly required?: boolean
}

/** Without a prototype: keys of a body, such as `__proto__`, become keys of it. */
function emptyNode(): JsonObject {
  return Object.create(null)
}

/** Collects every fault of a body under the path of its field, as Discord reports them. */
class Faults {
  readonly tree = emptyNode()
  count = 0

  add(path: readonly string[], code: string, message: string): void {
    this.count += 1
    let node = this.tree
    for (const key of path) {
      const next = node[key]
      const child: JsonObject = isObject(next) ? next : emptyNode()
      node[key] = child
      node = child
    }
    const known = Array.isArray(node._errors) ? node._errors : []
    node._errors = [...known, { code, message }]
  }
}

/**
 * A value of a request's body with its place in it. Reading it checks it; faults are kept until `finish`.
 * https://docs.discord.com/developers/reference#error-messages
 */
export class Form {
  readonly value: unknown
  readonly path: readonly string[]
  readonly #faults: Faults

  private constructor(value: unknown, path: readonly string[], faults: Faults) {
    this.value = value
    this.path = path
    this.#faults = faults
  }

  static of(body: unknown): Form {
    return new Form(body, [], new Faults())
  }

  get absent(): boolean {
    return this.value === undefined || this.value === null
  }

  /** Whether the body names the field at all, be it with `null`. */
  get given(): boolean {
    return this.value !== undefined
  }

  /** Throws everything that was found.
   * @throws {ApiError} 50035 if there is anything.
   */
  finish(): void {
    if (this.#faults.count > 0) throw new ApiError(400, 50035, 'Invalid Form Body', this.#faults.tree)
  }

  refuse(code: string, message: string): void {
    this.#faults.add(this.path, code, message)
  }

  field(name: string | number): Form {
    const holder = isObject(this.value) || Array.isArray(this.value) ? this.value : {}
    const held = Object.hasOwn(holder, name) ? Reflect.get(holder, name) : undefined
    return new Form(held, [...this.path, String(name)], this.#faults)
  }

  /** A text; its length counts UTF-16 units of the trimmed text, which is what is kept. */
  text(options: Range & Presence & Exactness = {}): string | undefined {
    if (this.#missing(options)) return undefined
    if (typeof this.value !== 'string' && typeof this.value !== 'number') {
      return this.#fail('STRING_TYPE_CONVERT', 'Could not interpret value as string.')
    }
    const text = options.exact === true ? String(this.value) : String(this.value).trim()
    if (options.required === true && text === '' && (options.min ?? 1) > 0) {
      return this.#fail('BASE_TYPE_REQUIRED', 'This field is required')
    }
    const { min = 0, max = Number.POSITIVE_INFINITY } = options
    if (text.length > max) return this.#fail('BASE_TYPE_MAX_LENGTH', `Must be ${max} or fewer in length.`)
    if (text.length < min) {
      return this.#fail('BASE_TYPE_BAD_LENGTH', `Must be between ${min} and ${max} in length.`)
    }
    return text
  }

  integer(options: Range & Presence = {}): number | undefined {
    if (this.#missing(options)) return undefined
    const number =
      typeof this.value === 'string' && /^-?\d+$/.test(this.value) ? Number(this.value) : this.value
    if (typeof number !== 'number' || !Number.isInteger(number)) {
      return this.#fail('NUMBER_TYPE_COERCE', `Value "${String(this.value)}" is not int.`)
    }
    const { min, max } = options
    if (min !== undefined && number < min) {
      return this.#fail('NUMBER_TYPE_MIN', `int value should be greater than or equal to ${min}.`)
    }
    if (max !== undefined && number > max) {
      return this.#fail('NUMBER_TYPE_MAX', `int value should be less than or equal to ${max}.`)
    }
    return number
  }

  boolean(options: Presence = {}): boolean | undefined {
    if (this.#missing(options)) return undefined
    if (typeof this.value === 'boolean') return this.value
    return this.#fail('BOOLEAN_TYPE_CONVERT', 'Must be either true or false.')
  }

  snowflake(options: Presence = {}): string | undefined {
    if (this.#missing(options)) return undefined
    const text = String(this.value)
    if (/^\d{1,20}$/.test(text)) return text
    return this.#fail('NUMBER_TYPE_COERCE', `Value "${text}" is not snowflake.`)
  }

  choice<Value extends string | number>(values: readonly Value[], options: Presence = {}): Value | undefined {
    if (this.#missing(options)) return undefined
    const found = values.find((one) => one === this.value)
    if (found !== undefined) return found
    return this.#fail('BASE_TYPE_CHOICES', `Value must be one of {${values.join(', ')}}.`)
  }

  /** The list's items; an absent list has none. */
  list(options: Range & Presence = {}): Form[] {
    if (this.#missing(options)) return []
    if (!Array.isArray(this.value)) {
      this.refuse('LIST_TYPE_CONVERT', 'Only iterables may be used in a ListType')
      return []
    }
    const { min = 0, max = Number.POSITIVE_INFINITY } = options
    const { length } = this.value
    if (length > max || length < min) {
      const message =
        min > 0 ? `Must be between ${min} and ${max} in length.` : `Must be ${max} or fewer in length.`
      this.refuse(min > 0 ? 'BASE_TYPE_BAD_LENGTH' : 'BASE_TYPE_MAX_LENGTH', message)
    }
    return this.value.map((_, index) => this.field(index))
  }

  /** Whether this is an object; anything else but absence is refused. */
  object(options: Presence = {}): this is Form & { readonly value: JsonObject } {
    if (this.#missing(options)) return false
    if (isObject(this.value)) return true
    this.refuse('MODEL_TYPE_CONVERT', 'Only dictionaries may be used in a ModelType')
    return false
  }

  /** A link of one of the schemes. */
  link(schemes: readonly string[], options: Presence & Range = {}): string | undefined {
    const text = this.text({ max: 2048, ...options })
    if (text === undefined) return undefined
    const scheme = /^([a-z]+):\/\/\S/i.exec(text)?.[1]?.toLowerCase()
    if (scheme !== undefined && schemes.includes(scheme)) return text
    const allowed = schemes.map((one) => `'${one}'`).join(', ')
    if (scheme === undefined) return this.#fail('URL_TYPE_INVALID_URL', 'Not a well formed URL.')
    return this.#fail(
      'URL_TYPE_INVALID_SCHEME',
      `Scheme "${scheme}" is not supported. Scheme must be one of (${allowed}).`,
    )
  }

  #missing(options: Presence): boolean {
    if (!this.absent) return false
    if (options.required === true) this.refuse('BASE_TYPE_REQUIRED', 'This field is required')
    return true
  }

  #fail(code: string, message: string): undefined {
    this.refuse(code, message)
    return undefined
  }
}
