/** What can wait for its turn. */
export interface Waiting {
  readonly key: string
  /** Higher goes first within a key. */
  readonly priority: number
  /** Grows with every accepted job. */
  readonly sequence: number
}

/** Keys without anything queued whose turn in this round is remembered; a stranger can make up any number of names. */
const MOST_REMEMBERED = 10_000

/**
 * The order in which jobs get their turn: the keys that wait take turns, one job each (round robin). Within a key, higher
 * priority first, then older first. However much one key has queued, a key that comes new waits for one job of each
 * other key at most, and only of those that have not had their turn in this round: who always asks one question after the
 * other would else wait for two jobs of a key that is always there, the one that runs and the one that is next.
 */
export class Turns<Item extends Waiting> {
  /** In the order of their next turns among those that have had one in this round, and among the others. No list is empty. */
  readonly #keys = new Map<string, Item[]>()
  /** Keys that have had their turn in this round, whether or not they have something queued. */
  readonly #served = new Set<string>()
  #size = 0

  get size(): number {
    return this.#size
  }

  get keys(): number {
    return this.#keys.size
  }

  sizeOf(key: string): number {
    return this.#keys.get(key)?.length ?? 0
  }

  add(item: Item): void {
    const list = this.#keys.get(item.key)
    if (list) list.splice(placeIn(list, item), 0, item)
    else this.#keys.set(item.key, [item])
    this.#size++
  }

  /** Takes an item out of the order, wherever it stands. */
  remove(item: Item): boolean {
    const list = this.#keys.get(item.key)
    const index = list?.indexOf(item) ?? -1
    if (!list || index < 0) return false
    list.splice(index, 1)
    if (list.length === 0) this.#keys.delete(item.key)
    this.#taken()
    return true
  }

  /** Takes the next item whose key may run now. A key that may not keeps its turn. */
  next(mayRun: (key: string) => boolean): Item | undefined {
    for (const [key, list] of this.#inTurn()) {
      if (!mayRun(key)) continue
      if (this.#served.has(key)) this.#beginRound()
      const item = list.shift()
      this.#keys.delete(key)
      if (list.length > 0) this.#keys.set(key, list)
      this.#served.add(key)
      this.#taken()
      return item
    }
    return undefined
  }

  /** Turns until the item has its own, 1 for the next; 0 if it does not wait. O(keys). */
  positionOf(item: Item): number {
    const own = this.#keys.get(item.key)?.indexOf(item) ?? -1
    if (own < 0) return 0
    let before = 0
    let passed = false
    for (const [key, list] of this.#inTurn()) {
      if (key === item.key) passed = true
      before += key === item.key ? own : Math.min(list.length, passed ? own : own + 1)
    }
    return before + 1
  }

  /** All items in the order of their turns. O(items). */
  *inOrder(): Generator<Item> {
    let lists = Array.from(this.#inTurn(), ([, list]) => list)
    for (let round = 0; lists.length > 0; round++) {
      for (const list of lists) yield list[round] as Item
      lists = lists.filter((list) => list.length > round + 1)
    }
  }

  /** Keys that wait, those first that have not had their turn in this round. */
  *#inTurn(): Generator<[string, Item[]]> {
    for (const entry of this.#keys) if (!this.#served.has(entry[0])) yield entry
    for (const entry of this.#keys) if (this.#served.has(entry[0])) yield entry
  }

  #beginRound(): void {
    // Whoever may not run and has missed its turn keeps its place before them.
    for (const [key, list] of [...this.#keys]) {
      if (!this.#served.has(key)) continue
      this.#keys.delete(key)
      this.#keys.set(key, list)
    }
    this.#served.clear()
  }

  #taken(): void {
    this.#size--
    if (this.#size === 0) this.#served.clear()
    const [oldest] = this.#served
    if (this.#served.size > MOST_REMEMBERED && oldest !== undefined) this.#served.delete(oldest)
  }
}

/** Where an item belongs in the order of its key; most are the youngest. */
function placeIn(list: readonly Waiting[], item: Waiting): number {
  let place = list.length
  while (place > 0 && goesBefore(item, list[place - 1] as Waiting)) place--
  return place
}

function goesBefore(a: Waiting, b: Waiting): boolean {
  return a.priority === b.priority ? a.sequence < b.sequence : a.priority > b.priority
}
