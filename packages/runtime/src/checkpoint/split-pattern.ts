/** Longest pattern; published ones have up to about 300 characters. */
const MAX_CHARACTERS = 2000
/** Most ways through a pattern that are told apart. */
const MAX_WAYS = 1024
/** Repetitions in one way that have to be tried at every length: published patterns have one. */
const MAX_OPEN_RUNS = 2
/** A repetition with an upper bound above this counts as open. */
const MAX_COUNT = 16
const MAX_DEPTH = 8

/** One way to match a pattern, in order. */
interface Way {
  /** How many ways of fixed length are in it. */
  readonly choices: number
  /** Atoms that repeat without a bound; `open` where what follows may fail, so that shorter runs are tried. */
  readonly runs: readonly { readonly atom: string; readonly open: boolean }[]
  /** Whether it may fail. */
  readonly firm: boolean
}

/** A regular expression of a tokenizer whose matching is known not to explode. */
export interface SplitPattern {
  /** The expression; groups capture nothing. */
  readonly source: string
  readonly ways: readonly Way[]
}

/** Why a pattern is not run. */
export class PatternRefusal extends Error {}

/**
 * Reads a regular expression of a `tokenizer.json`, which may come from anybody.
 *
 * Backtracking takes exponential time where what repeats can be cut in several ways, as in `(a+)+`. So only single
 * characters and classes may repeat; groups are for alternatives, and back references are not there. Then matching at
 * one place takes at most the product of `choices` and the lengths of the open runs; see `matchingWork`.
 *
 * @throws {PatternRefusal} Saying what is not supported.
 */
export function readSplitPattern(source: string): SplitPattern {
  if (source === '') throw new PatternRefusal('is empty')
  if (source.length > MAX_CHARACTERS) throw new PatternRefusal(`has more than ${MAX_CHARACTERS} characters`)
  const reader = new PatternReader(source)
  const ways = reader.readAll()
  return { source: reader.written, ways }
}

const NOTHING: Way = { choices: 1, runs: [], firm: false }
const FIXED: Way = { ...NOTHING, firm: true }

class PatternReader {
  readonly #source: string
  #at = 0
  /** The pattern as far as it was read, without captures. */
  written = ''

  constructor(source: string) {
    this.#source = source
  }

  readAll(): Way[] {
    const ways = this.#alternatives(0)
    if (this.#at < this.#source.length) throw new PatternRefusal('closes a group that is not open')
    return ways
  }

  #alternatives(depth: number): Way[] {
    if (depth > MAX_DEPTH) throw new PatternRefusal(`has groups deeper than ${MAX_DEPTH}`)
    const ways = [...this.#sequence(depth)]
    while (this.#take(/\|/y)) ways.push(...this.#sequence(depth))
    return bounded(ways)
  }

  #sequence(depth: number): Way[] {
    let ways: Way[] = [NOTHING]
    while (this.#at < this.#source.length && !/[|)]/.test(this.#source[this.#at] ?? '')) {
      const start = this.#at
      const group = this.#group(depth)
      const next = group ?? this.#repeated(this.#atom(start))
      ways = bounded(ways.flatMap((way) => next.map((other) => join(way, other))))
    }
    return ways
  }

  /** A group with what follows it, or undefined where none begins. */
  #group(depth: number): Way[] | undefined {
    const opening = this.#take(/\((?:\?(?:i?:|<?[=!]))?/y, (text) => (text === '(' ? '(?:' : text))
    if (opening === undefined) return undefined
    if (this.#source[this.#at] === '?') throw new PatternRefusal('has a group of an unknown kind')
    const ways = this.#alternatives(depth + 1)
    if (!this.#take(/\)/y)) throw new PatternRefusal('has a group that is not closed')
    const isOptional = this.#take(/\?[?+]?/y) !== undefined
    if (/[*+?{]/.test(this.#source[this.#at] ?? '')) throw new PatternRefusal('repeats a group')
    // What is looked at is not taken, so it is looked at again.
    if (/[=!]$/.test(opening)) return ways.map((way) => ({ ...openAll(way), firm: true }))
    return isOptional ? [NOTHING, ...ways] : ways
  }

  /** One character, escape or class; the source of it. */
  #atom(start: number): string {
    const simple =
      this.#take(/\\[pP]\{\^?[\w=]+\}|\\x\{[0-9a-fA-F]+\}|\\x[0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}/y) ??
      this.#take(/\\[sSdDwWhHbBAzZnrtfvae]|\\[^a-zA-Z0-9]/uy)
    if (simple !== undefined) return simple
    const character = this.#source[start] ?? ''
    if (character === '\\') throw new PatternRefusal(`has ${this.#source.slice(start, start + 2)}`)
    if (/[*+?]/.test(character)) throw new PatternRefusal(`repeats nothing at ${start}`)
    if (character === '[') return this.#characterClass(start)
    return this.#take(/[^\\[\]()|]|\]/uy) ?? ''
  }

  #characterClass(start: number): string {
    let depth = 0
    let at = start
    do {
      const character = this.#source[at]
      if (character === undefined) throw new PatternRefusal('has a class that is not closed')
      if (character === '\\') at++
      else if (character === '[') {
        depth++
        if (this.#source[at + 1] === '^') at++
        if (this.#source[at + 1] === ']') at++
      } else if (character === ']') depth--
      at++
    } while (depth > 0)
    const text = this.#source.slice(start, at)
    this.written += text
    this.#at = at
    return text
  }

  /** An atom with the quantifier that follows it. */
  #repeated(atom: string): Way[] {
    const quantifier = this.#take(/(?:[*+?]|\{\d+(?:,\d*)?\}|\{,\d+\})[?+]?/y)
    if (/[*+?]/.test(this.#source[this.#at] ?? '')) throw new PatternRefusal('repeats what is repeated')
    if (quantifier === undefined) return [FIXED]
    if (/^\\[bBAzZ]/.test(atom)) throw new PatternRefusal('repeats a place between characters')
    const [least, most] = countsOf(quantifier)
    const firm = least > 0
    if (most <= MAX_COUNT) return [{ choices: most - least + 1, runs: [], firm }]
    return [{ choices: 1, runs: [{ atom, open: false }], firm }]
  }

  #take(pattern: RegExp, write: (text: string) => string = (text) => text): string | undefined {
    pattern.lastIndex = this.#at
    const text = pattern.exec(this.#source)?.[0]
    if (text === undefined) return undefined
    this.#at += text.length
    this.written += write(text)
    return text
  }
}

function countsOf(quantifier: string): [least: number, most: number] {
  if (quantifier.startsWith('?')) return [0, 1]
  if (!quantifier.startsWith('{')) return [quantifier.startsWith('+') ? 1 : 0, Number.POSITIVE_INFINITY]
  const [least = '', most = least] = quantifier.replace(/[{}?+]/g, '').split(',')
  const end = most === '' ? Number.POSITIVE_INFINITY : Number(most)
  if (end < Number(least)) throw new PatternRefusal(`has ${quantifier}`)
  return [Number(least), end]
}

function join(a: Way, b: Way): Way {
  const before = b.firm ? openAll(a) : a
  return { choices: a.choices * b.choices, runs: [...before.runs, ...b.runs], firm: a.firm || b.firm }
}

function openAll(way: Way): Way {
  return { ...way, runs: way.runs.map(({ atom }) => ({ atom, open: true })) }
}

function bounded(ways: Way[]): Way[] {
  if (ways.reduce((sum, { choices }) => sum + choices, 0) > MAX_WAYS)
    throw new PatternRefusal(`can match in more than ${MAX_WAYS} ways`)
  if (ways.some(({ runs }) => runs.filter(({ open }) => open).length > MAX_OPEN_RUNS))
    throw new PatternRefusal(`has more than ${MAX_OPEN_RUNS} open repetitions in a row`)
  return ways
}

/**
 * About how many steps it takes at most to match a pattern all over a text: what a run of length n costs is tried from
 * each of its places, so n² altogether, times the longest run of the next.
 *
 * @param runsOf - Every longest run of an atom in the text.
 */
export function matchingWork(
  { ways }: SplitPattern,
  text: string,
  runsOf: (atom: string) => readonly string[],
): number {
  return ways.reduce((work, { choices, runs }) => {
    const [first, ...others] = runs.filter(({ open }) => open).map(({ atom }) => runsOf(atom))
    const squares = first?.reduce((sum, run) => sum + run.length ** 2, 0) ?? 0
    const longest = others.map((found) => found.reduce((most, run) => Math.max(most, run.length), 1))
    return work + choices * longest.reduce((product, length) => product * length, text.length + squares)
  }, 0)
}
