import { PairQueue } from './pair-queue.js'
import { byteOfPiece, type SentencePieceFile } from './sentence-piece-file.js'

/** Stands for a space inside pieces. */
const SPACE = '\u2581'
/** Stands for a byte that is no part of a character. */
const REPLACEMENT = '\uFFFD'

/** A text as a chain of symbols, which merging makes fewer. Positions are code units. */
interface Symbols {
  readonly text: string
  readonly starts: number[]
  /** End of each symbol; of one that was merged into its left neighbour, its own start. */
  readonly ends: number[]
  readonly previous: number[]
  readonly next: number[]
  /** User-defined symbols, which are never merged. */
  readonly frozen: ReadonlySet<number>
}

/**
 * SentencePiece's byte-pair encoding: of all neighbours that make a piece, the one with the highest score is merged
 * first, the leftmost of equals; what is then no piece becomes its UTF-8 bytes, or unknown.
 *
 * Pieces of the types control, unknown and byte cannot be spelled by a text.
 *
 * @remarks O(n log n) for n characters. Source: `bpe_model.cc`, `normalizer.cc` and `sentencepiece_processor.cc` of
 *   google/sentencepiece.
 */
export class SentencePiece {
  readonly #file: SentencePieceFile
  readonly #ids = new Map<string, number>()
  readonly #longest: number
  readonly #byteIds: readonly number[]
  readonly #unknownId: number
  readonly #userDefined: RegExp | undefined

  /** @param hidden - User-defined pieces that no text can become. */
  constructor(file: SentencePieceFile, hidden: ReadonlySet<string> = new Set()) {
    this.#file = file
    const byteIds: number[] = []
    const userDefined: string[] = []
    let longest = 0
    for (const [id, { text, type }] of file.pieces.entries()) {
      if (type === 'byte') byteIds[byteOfPiece(text) ?? 0] = id
      if ((type !== 'normal' && type !== 'user-defined') || hidden.has(text)) continue
      this.#ids.set(text, id)
      longest = Math.max(longest, text.length)
      if (type === 'user-defined') userDefined.push(text)
    }
    this.#longest = longest
    this.#byteIds = byteIds
    this.#unknownId = file.pieces.findIndex(({ type }) => type === 'unknown')
    this.#userDefined = longestFirst(userDefined)
  }

  /**
   * @param prefixed - Whether the text begins a stretch that the model puts a space in front of, where it does so.
   * @returns Ids; none for a text that is empty or, where the model trims, has nothing but spaces.
   */
  encode(text: string, prefixed: boolean): number[] {
    const normal = this.#normalise(text, prefixed)
    if (normal === '') return []
    const symbols = this.#cut(normal)
    this.#merge(symbols)
    return this.#output(symbols)
  }

  /** Text of pieces; control and unknown ones, and ids that are no piece, have none. */
  decode(ids: readonly number[]): string {
    const { pieces, addDummyPrefix, removeExtraWhitespaces, escapeWhitespaces } = this.#file
    let text = ''
    let bytes: number[] = []
    // The model's own space in front is dropped once; a model that trims can have no other there.
    let leading = addDummyPrefix || removeExtraWhitespaces
    for (const id of ids) {
      const piece = pieces[id]
      if (piece?.type === 'byte') {
        bytes.push(byteOfPiece(piece.text) ?? 0)
        continue
      }
      text += decodeBytes(bytes)
      bytes = []
      if (piece === undefined || piece.type === 'control' || piece.type === 'unknown') continue
      const plain = escapeWhitespaces ? piece.text.replaceAll(SPACE, ' ') : piece.text
      const dropped = leading && text === '' && plain.startsWith(' ')
      if (dropped && !removeExtraWhitespaces) leading = false
      text += dropped ? plain.slice(1) : plain
    }
    return text + decodeBytes(bytes)
  }

  #normalise(text: string, prefixed: boolean): string {
    const { addDummyPrefix, removeExtraWhitespaces, escapeWhitespaces } = this.#file
    // Half a surrogate pair has no UTF-8.
    let normal = new TextDecoder('utf-8', { ignoreBOM: true }).decode(new TextEncoder().encode(text))
    if (removeExtraWhitespaces) normal = normal.replace(/^ +/, '').replace(/ {2,}/g, ' ').replace(/ $/, '')
    if (normal === '') return ''
    if (addDummyPrefix && prefixed) normal = ` ${normal}`
    return escapeWhitespaces ? normal.replaceAll(' ', SPACE) : normal
  }

  /** One symbol a character, or a user-defined piece. */
  #cut(text: string): Symbols {
    const starts: number[] = []
    const ends: number[] = []
    const frozen = new Set<number>()
    for (let start = 0; start < text.length; ) {
      const whole = this.#userDefinedAt(text, start)
      if (whole > 0) frozen.add(starts.length)
      starts.push(start)
      start += whole || ((text.codePointAt(start) ?? 0) > 0xffff ? 2 : 1)
      ends.push(start)
    }
    const previous = starts.map((_, index) => index - 1)
    const next = starts.map((_, index) => (index + 1 < starts.length ? index + 1 : -1))
    return { text, starts, ends, previous, next, frozen }
  }

  #userDefinedAt(text: string, start: number): number {
    if (this.#userDefined === undefined) return 0
    this.#userDefined.lastIndex = start
    return this.#userDefined.exec(text)?.[0].length ?? 0
  }

  #merge(symbols: Symbols): void {
    const { starts, ends, previous, next } = symbols
    const queue = new PairQueue()
    for (let left = 0; left + 1 < starts.length; left++) this.#propose(queue, symbols, left, left + 1)
    for (let pair = queue.pop(); pair !== undefined; pair = queue.pop()) {
      const { left, right } = pair
      const leftLength = at(ends, left) - at(starts, left)
      const rightLength = at(ends, right) - at(starts, right)
      if (leftLength === 0 || rightLength === 0 || leftLength + rightLength !== pair.length) continue
      ends[left] = at(ends, right)
      ends[right] = at(starts, right)
      const after = at(next, right)
      next[left] = after
      if (after >= 0) previous[after] = left
      this.#propose(queue, symbols, at(previous, left), left)
      this.#propose(queue, symbols, left, after)
    }
  }

  #propose(queue: PairQueue, symbols: Symbols, left: number, right: number): void {
    if (left < 0 || right < 0 || symbols.frozen.has(left) || symbols.frozen.has(right)) return
    const [start, end] = [at(symbols.starts, left), at(symbols.ends, right)]
    if (end - start > this.#longest) return
    const id = this.#ids.get(symbols.text.slice(start, end))
    if (id === undefined) return
    queue.push({ left, right, score: this.#file.pieces[id]?.score ?? 0, length: end - start })
  }

  #output({ text, starts, ends, next }: Symbols): number[] {
    const ids: number[] = []
    let unknown = false
    for (let index = 0; index >= 0; index = at(next, index)) {
      const symbol = text.slice(at(starts, index), at(ends, index))
      const id = this.#ids.get(symbol)
      if (id !== undefined) ids.push(id)
      else if (this.#file.byteFallback) {
        for (const byte of new TextEncoder().encode(symbol)) ids.push(at(this.#byteIds, byte))
      } else if (!unknown) ids.push(this.#unknownId) // Unknown neighbours are one unknown token.
      unknown = id === undefined
    }
    return ids
  }
}

/** Decodes UTF-8; every byte that belongs to no character becomes one replacement character. */
function decodeBytes(bytes: readonly number[]): string {
  let text = ''
  for (let start = 0; start < bytes.length; ) {
    const length = characterLength(at(bytes, start))
    const character = decodeCharacter(bytes.slice(start, start + length))
    text += character ?? REPLACEMENT
    start += character === undefined ? 1 : length
  }
  return text
}

function characterLength(first: number): number {
  if (first < 0xc0) return 1
  if (first < 0xe0) return 2
  return first < 0xf0 ? 3 : 4
}

function decodeCharacter(bytes: readonly number[]): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes))
  } catch {
    return undefined
  }
}

/** A pattern that matches the longest of some texts at one place. */
function longestFirst(texts: readonly string[]): RegExp | undefined {
  if (texts.length === 0) return undefined
  const sorted = [...texts].sort((a, b) => b.length - a.length)
  return new RegExp(sorted.map((text) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')).join('|'), 'sy')
}

function at(values: readonly number[], index: number): number {
  return values[index] ?? -1
}
