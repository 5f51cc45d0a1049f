/** What can wait for its turn. */
export interface Waiting {
  readonly key: string
  /** Higher goes first within a key. */
  readonly priority: number
  /** Grows with every accepted job. */
  readonly sequence: number
}

/**
 * The order in which jobs get their turn: the keys that wait take turns, one job each (round robin). Within a key, higher
 * priority first, then older first. However much one key has queued, a key that comes new waits for one job of each
 * other key at most.
 */
export class Turns<Item extends Waiting> {
  /** In the order of their next turns; no list is empty. */
  readonly #keys = new Map<string, Item[]>()
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
    this.#size--
    return true
  }

  /** Takes the next item whose key may run now. A key that may not keeps its turn. */
  next(mayRun: (key: string) => boolean): Item | undefined {
    for (const [key, list] of this.#keys) {
      if (!mayRun(key)) continue
      const item = list.shift()
      this.#keys.delete(key)
      if (list.length > 0) this.#keys.set(key, list)
      this.#size--
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
    for (const [key, list] of this.#keys) {
      if (key === item.key) passed = true
      before += key === item.key ? own : Math.min(list.length, passed ? own : own + 1)
    }
    return before + 1
  }

  /** All items in the order of their turns. O(items). */
  *inOrder(): Generator<Item> {
    let lists = [...this.#keys.values()]
    for (let round = 0; lists.length > 0; round++) {
      for (const list of lists) yield list[round] as Item
      lists = lists.filter((list) => list.length > round + 1)
    }
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
