/**
 * Reads in a row of places that were read before, within one question to the demuxer. More are needed only where thousands
 * of pictures of one cluster are marked as keyframes and are none.
 */
const MOST_READS_AGAIN = 4096

/**
 * Notices a demuxer that reads the same places over and over. Where a Matroska file has bytes that are no element, mediabunny
 * looks for the next one; if none follows, or the one it finds has no readable size, it looks again for ever, and never
 * gives control back to a timer.
 */
export class Circling {
  readonly #starts = new Set<number>()
  #again = 0

  /** Another question begins, for which places may be read once more. */
  begin(): void {
    this.#starts.clear()
    this.#again = 0
  }

  /** @throws {Error} When nothing new has been read for too long. */
  note(start: number): void {
    if (this.#starts.has(start)) this.#again++
    else this.#again = 0
    this.#starts.add(start)
    if (this.#again > MOST_READS_AGAIN) throw new Error(`The demuxer goes round in circles at byte ${start}.`)
  }
}
