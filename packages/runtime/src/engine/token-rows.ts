/** Memory that remembered rows may take, bytes. */
const MAX_BYTES = 16 * 1024 * 1024

/**
 * Remembers rows of the embedding table: a generated token is looked up without running a graph, which would cost
 * as much as a step of a small decoder. The rows longest unused go first.
 */
export class TokenRows {
  readonly #width: number
  readonly #most: number
  readonly #rows = new Map<number, Float32Array>()

  /** @param width - Numbers of one row. */
  constructor(width: number) {
    this.#width = width
    this.#most = Math.max(1, Math.floor(MAX_BYTES / 4 / width))
  }

  /**
   * Rows of `ids`, `[ids, width]`; a new array.
   *
   * @param read - Reads rows that are not remembered, `[missing, width]`.
   */
  async take(
    ids: readonly number[],
    read: (missing: readonly number[]) => Promise<Float32Array>,
  ): Promise<Float32Array> {
    const found = new Map<number, Float32Array>()
    for (const id of ids) {
      const row = this.#rows.get(id)
      if (row !== undefined) found.set(id, row)
    }
    const missing = [...new Set(ids)].filter((id) => !found.has(id))
    const fresh = missing.length > 0 ? await read(missing) : new Float32Array(0)
    for (const [index, id] of missing.entries())
      found.set(id, fresh.slice(index * this.#width, (index + 1) * this.#width))
    const rows = new Float32Array(ids.length * this.#width)
    for (const [index, id] of ids.entries()) rows.set(found.get(id)!, index * this.#width)
    this.#remember(found)
    return rows
  }

  #remember(found: ReadonlyMap<number, Float32Array>): void {
    for (const [id, row] of found) {
      this.#rows.delete(id)
      this.#rows.set(id, row)
    }
    for (const id of this.#rows.keys()) {
      if (this.#rows.size <= this.#most) break
      this.#rows.delete(id)
    }
  }
}
