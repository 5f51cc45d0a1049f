/** Two neighbouring symbols that make a piece together. */
export interface Pair {
  readonly left: number
  readonly right: number
  readonly score: number
  /** Length of both together when the pair was found; another one means that the pair is gone. */
  readonly length: number
}

/** Gives out pairs by score, the highest first, and of equal scores the leftmost. A binary heap. */
export class PairQueue {
  readonly #heap: Pair[] = []

  push(pair: Pair): void {
    const heap = this.#heap
    let place = heap.length
    while (place > 0) {
      const parent = (place - 1) >> 1
      const above = heap[parent]
      if (above === undefined || !precedes(pair, above)) break
      heap[place] = above
      place = parent
    }
    heap[place] = pair
  }

  pop(): Pair | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (last !== undefined && heap.length > 0) this.#sink(last)
    return first
  }

  #sink(pair: Pair): void {
    const heap = this.#heap
    let place = 0
    for (;;) {
      const left = heap[2 * place + 1]
      const right = heap[2 * place + 2]
      if (left === undefined) break
      const rightFirst = right !== undefined && precedes(right, left)
      const child = rightFirst ? right : left
      if (!precedes(child, pair)) break
      heap[place] = child
      place = 2 * place + (rightFirst ? 2 : 1)
    }
    heap[place] = pair
  }
}

function precedes(a: Pair, b: Pair): boolean {
  return a.score > b.score || (a.score === b.score && a.left < b.left)
}
