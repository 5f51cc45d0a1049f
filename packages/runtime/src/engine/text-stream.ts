/** Decodes token ids to text. */
export type Decode = (ids: readonly number[]) => string

/** Marks a character of which only some bytes have come. */
const INCOMPLETE = '\uFFFD'

/**
 * Turns generated tokens into pieces of text whose concatenation is the answer.
 *
 * Held back until it is clear: characters of which bytes are missing, whitespace at the end, and whatever may be
 * the start of a stop string. Whitespace at both ends of the answer is dropped.
 */
export class TextStream {
  readonly #decode: Decode
  readonly #stops: readonly string[]
  readonly #ids: number[] = []
  /** Tokens from `#from` to `#read` have been turned into text; they give later ones their context. */
  #from = 0
  #read = 0
  #held = ''
  #started = false
  #stopped = false

  constructor(decode: Decode, stops: readonly string[] = []) {
    this.#decode = decode
    this.#stops = stops
  }

  /** Whether a stop string has come; tokens after it are ignored. */
  get stopped(): boolean {
    return this.#stopped
  }

  /** Takes a token in; returns the text that became certain, often none. */
  push(id: number): string {
    if (this.#stopped) return ''
    this.#ids.push(id)
    this.#held += this.#newText(false)
    return this.#release(false)
  }

  /** Ends the answer; returns what was held back. */
  end(): string {
    if (this.#stopped) return ''
    this.#held += this.#newText(true)
    // What an answer that was cut short has of its last character.
    while (this.#held.endsWith(INCOMPLETE)) this.#held = this.#held.slice(0, -1)
    return this.#release(true)
  }

  #newText(last: boolean): string {
    const before = this.#decode(this.#ids.slice(this.#from, this.#read))
    const after = this.#decode(this.#ids.slice(this.#from))
    if (!last && after.endsWith(INCOMPLETE)) return ''
    // A token without text of its own keeps its place in front of the next one.
    if (after.length <= before.length) return ''
    this.#from = this.#read
    this.#read = this.#ids.length
    return after.startsWith(before) ? after.slice(before.length) : after.slice(commonLength(before, after))
  }

  #release(last: boolean): string {
    if (!this.#started) this.#held = this.#held.trimStart()
    const cut = firstStop(this.#held, this.#stops)
    if (cut >= 0) {
      this.#held = this.#held.slice(0, cut)
      this.#stopped = true
    }
    const sure =
      last || this.#stopped ? this.#held.length : this.#held.length - uncertain(this.#held, this.#stops)
    const text = this.#held.slice(0, sure).trimEnd()
    this.#held = this.#held.slice(text.length)
    if (text !== '') this.#started = true
    return text
  }
}

function commonLength(a: string, b: string): number {
  let length = 0
  while (length < a.length && a[length] === b[length]) length++
  return length
}

/** Where the stop string begins that is complete first; of several the longest. However text is cut, it is the same. */
function firstStop(text: string, stops: readonly string[]): number {
  let [start, end] = [-1, Number.POSITIVE_INFINITY]
  for (const stop of stops) {
    const place = text.indexOf(stop)
    const stopEnd = place + stop.length
    if (place >= 0 && (stopEnd < end || (stopEnd === end && place < start))) [start, end] = [place, stopEnd]
  }
  return start
}

/** Length of the longest end of `text` that a stop string starts with. */
function uncertain(text: string, stops: readonly string[]): number {
  let longest = 0
  for (const stop of stops) {
    for (let length = Math.min(stop.length - 1, text.length); length > longest; length--) {
      if (text.endsWith(stop.slice(0, length))) longest = length
    }
  }
  return longest
}
