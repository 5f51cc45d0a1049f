/** Repeatable random numbers: the same key gives the same numbers on every machine. */
export class Random {
  #state: number

  /** @param key - Any text; FNV-1a makes the first state of it. */
  constructor(key: string) {
    let state = 0x811c9dc5
    for (const character of key) state = Math.imul(state ^ (character.codePointAt(0) ?? 0), 0x01000193)
    this.#state = state >>> 0
  }

  /** A number in [0, 1). Source: mulberry32, T. Ettinger, public domain. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** A number in [low, high). */
  uniform(low: number, high: number): number {
    return low + (high - low) * this.next()
  }

  /** A number within `amount` of 0. */
  around(amount: number): number {
    return this.uniform(-amount, amount)
  }

  /** @throws {RangeError} For no items. */
  choice<T>(items: readonly T[]): T {
    const item = items[Math.floor(this.next() * items.length)]
    if (item === undefined) throw new RangeError('choice: no items to choose from')
    return item
  }

  /** A new array with the items in another order (Fisher and Yates). */
  shuffled<T>(items: readonly T[]): T[] {
    const left = [...items]
    const drawn: T[] = []
    while (left.length > 0) drawn.push(...left.splice(Math.floor(this.next() * left.length), 1))
    return drawn
  }
}
