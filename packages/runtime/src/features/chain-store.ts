import { type ByteStore, takeTurns } from './byte-store.js'
import { FeatureCacheError } from './error.js'

/** Copied at once when a store moves to the next. */
const COPY_BYTES = 1 << 20

/** Opens a place to keep bytes in. */
export type OpenStore = () => Promise<ByteStore>

/** Told what went wrong where work goes on all the same. */
export type OnProblem = (problem: FeatureCacheError) => void

/**
 * The first of several stores that has room. When it fails to write, what was written moves to the next one, and
 * writing goes on there: a full disk costs the cache entry, not the work.
 */
export class ChainStore implements ByteStore {
  readonly #next: OpenStore[]
  readonly #onProblem: OnProblem
  readonly #inTurn = takeTurns()
  /** Length of what was written, by position. Pieces never overlap. */
  readonly #written = new Map<number, number>()
  #current: ByteStore
  #failure: FeatureCacheError | undefined

  private constructor(current: ByteStore, next: OpenStore[], onProblem: OnProblem) {
    this.#current = current
    this.#next = next
    this.#onProblem = onProblem
  }

  /** @throws {FeatureCacheError} If none of the stores can be opened. */
  static async open(stores: readonly OpenStore[], onProblem: OnProblem = () => {}): Promise<ChainStore> {
    const next = [...stores]
    for (;;) {
      const open = next.shift()
      if (open === undefined) throw new FeatureCacheError('full', 'There is no place to keep features in.')
      try {
        return new ChainStore(await open(), next, onProblem)
      } catch (error) {
        if (!(error instanceof FeatureCacheError) || next.length === 0) throw error
        onProblem(error)
      }
    }
  }

  /** Where the bytes are now. */
  get current(): ByteStore {
    return this.#current
  }

  write(bytes: Uint8Array, position: number): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#failure !== undefined) throw this.#failure
      await this.#writeSomewhere(bytes, position)
      this.#written.set(position, bytes.length)
    })
  }

  /** Settles when everything asked for so far has ended. */
  idle(): Promise<void> {
    return this.#inTurn(async () => {})
  }

  read(target: Uint8Array, position: number): Promise<void> {
    return this.#current.read(target, position)
  }

  close(): Promise<void> {
    return this.#inTurn(() => this.#current.close())
  }

  async #writeSomewhere(bytes: Uint8Array, position: number): Promise<void> {
    for (;;) {
      try {
        return await this.#current.write(bytes, position)
      } catch (error) {
        if (!(error instanceof FeatureCacheError) || error.reason === 'closed') throw error
        await this.#move(error)
      }
    }
  }

  /** Moves to the next store that takes everything. */
  async #move(problem: FeatureCacheError): Promise<void> {
    for (let latest = problem; ; ) {
      const open = this.#next.shift()
      if (open === undefined) {
        this.#failure = latest
        throw latest
      }
      this.#onProblem(latest)
      let store: ByteStore | undefined
      try {
        store = await open()
        await this.#copyTo(store)
        const left = this.#current
        this.#current = store
        return await left.close().catch(() => {})
      } catch (error) {
        if (store !== this.#current) await store?.close()
        if (!(error instanceof FeatureCacheError)) throw error
        latest = error
      }
    }
  }

  async #copyTo(target: ByteStore): Promise<void> {
    const buffer = new Uint8Array(COPY_BYTES)
    for (const [position, length] of this.#written) {
      for (let done = 0; done < length; done += COPY_BYTES) {
        const piece = buffer.subarray(0, Math.min(COPY_BYTES, length - done))
        await this.#current.read(piece, position + done)
        await target.write(piece, position + done)
      }
    }
  }
}
