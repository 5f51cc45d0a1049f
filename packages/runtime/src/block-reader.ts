/** Bytes that are fetched and kept together. */
export const BLOCK_BYTES = 64 * 2 ** 10
/** Longest single request: a long read is cut into several, so that memory stays bounded. */
const MAX_RUN_BLOCKS = 32
/** Read ahead at most, once reading has gone on in order for a while. */
const MAX_AHEAD_BLOCKS = 16

/** Blocks that are nearer than the file. */
export interface StoredBlocks {
  has(block: number): boolean
  /** Undefined for a block that turns out to be damaged or gone. */
  read(block: number): Promise<Uint8Array | undefined>
}

/** Fetches exactly the bytes from `start` up to, not including, `end`. */
type FetchRange = (start: number, end: number) => Promise<Uint8Array>

/**
 * Reads a file that is far away in blocks: what is asked for twice is fetched once, neighbouring blocks come in one
 * request, reading in order reads ahead, and the least recently used blocks go when memory is full.
 */
export class BlockReader {
  readonly #sizeBytes: number
  readonly #fetch: FetchRange
  readonly #maxBlocks: number
  readonly #stored: StoredBlocks | undefined
  /** In order of use, the latest last. */
  readonly #blocks = new Map<number, Promise<Uint8Array>>()
  /** Where the last read ended, and how far ahead of it the next one may fetch. */
  #next = -1
  #ahead = 0

  constructor(sizeBytes: number, memoryBytes: number, fetch: FetchRange, stored?: StoredBlocks) {
    this.#sizeBytes = sizeBytes
    this.#fetch = fetch
    this.#stored = stored
    this.#maxBlocks = Math.max(1, Math.floor(memoryBytes / BLOCK_BYTES))
  }

  /** Takes bytes from the start of the file that are here already. */
  prime(bytes: Uint8Array): void {
    for (let block = 0; block * BLOCK_BYTES < bytes.length; block++) {
      const end = this.#endOf(block)
      if (end > bytes.length) break
      this.#keep(block, Promise.resolve(bytes.slice(block * BLOCK_BYTES, end)))
    }
  }

  /** Bytes from `start` up to `end`; fewer only at the end of the file. */
  async read(start: number, end: number): Promise<Uint8Array> {
    const from = Math.max(0, Math.min(start, this.#sizeBytes))
    const to = Math.max(from, Math.min(end, this.#sizeBytes))
    const bytes = new Uint8Array(to - from)
    const step = Math.min(MAX_RUN_BLOCKS, this.#maxBlocks) * BLOCK_BYTES
    for (let at = from; at < to; ) {
      const stop = Math.min(to, (Math.floor(at / step) + 1) * step)
      await this.#copy(bytes, from, at, stop, stop === to)
      at = stop
    }
    return bytes
  }

  async #copy(bytes: Uint8Array, from: number, at: number, stop: number, isLast: boolean): Promise<void> {
    const first = Math.floor(at / BLOCK_BYTES)
    const end = Math.ceil(stop / BLOCK_BYTES)
    this.#request(first, end + (isLast ? this.#lookAhead(first, end) : 0), end)
    for (let block = first; block < end; block++) {
      const start = block * BLOCK_BYTES
      const content = await this.#take(block)
      const piece = content.subarray(Math.max(0, at - start), stop - start)
      bytes.set(piece, Math.max(at, start) - from)
    }
  }

  /** A block that was asked for; where it has gone again under many readers, it is fetched once more. */
  #take(block: number): Promise<Uint8Array> {
    const kept = this.#blocks.get(block)
    if (kept === undefined) this.#request(block, block + 1, block + 1)
    const content = kept ?? this.#blocks.get(block)!
    this.#blocks.delete(block)
    this.#keep(block, content)
    return content
  }

  /** How many blocks to read ahead: doubled with every read that goes on where the last one ended. */
  #lookAhead(first: number, end: number): number {
    const goesOn = first === this.#next || first === this.#next - 1
    this.#ahead = goesOn ? Math.min(MAX_AHEAD_BLOCKS, Math.max(1, this.#ahead * 2)) : 0
    if (goesOn && end === this.#next) return 0
    this.#next = end
    return Math.min(this.#ahead, Math.floor(this.#maxBlocks / 4))
  }

  /** Fetches what is missing of blocks, each run of neighbours in one request. Those from `asked` on are wanted least. */
  #request(first: number, end: number, asked: number): void {
    const last = Math.min(end, Math.ceil(this.#sizeBytes / BLOCK_BYTES))
    // A single block ahead is no reason for a request of its own.
    const isAllHere = range(first, Math.min(asked, last)).every((block) => this.#isHere(block))
    const wanted = range(first, isAllHere ? Math.min(asked, last) : last)
    let run: number[] = []
    for (const block of [...wanted, undefined]) {
      const isMissing = block !== undefined && !this.#isHere(block)
      if (isMissing) run.push(block)
      else if (block !== undefined && !this.#blocks.has(block)) this.#load(block)
      if (!isMissing || run.length >= MAX_RUN_BLOCKS) {
        if (run.length > 0) this.#fetchRun(run)
        run = []
      }
    }
  }

  /** Whether no request is needed for a block. */
  #isHere(block: number): boolean {
    return this.#blocks.has(block) || this.#stored?.has(block) === true
  }

  #load(block: number): void {
    const stored = this.#stored!.read(block)
    const fetch = () => this.#fetch(block * BLOCK_BYTES, this.#endOf(block))
    this.#await(
      block,
      stored.then((bytes) => bytes ?? fetch()),
    )
  }

  #fetchRun(run: readonly number[]): void {
    const start = run[0]! * BLOCK_BYTES
    const fetched = this.#fetch(start, this.#endOf(run.at(-1)!))
    for (const block of run) {
      const content = fetched.then((bytes) =>
        bytes.slice(block * BLOCK_BYTES - start, this.#endOf(block) - start),
      )
      this.#await(block, content)
    }
  }

  #await(block: number, content: Promise<Uint8Array>): void {
    // Failures reach whoever waits for the block; the next one to ask tries again.
    content.catch(() => {
      if (this.#blocks.get(block) === content) this.#blocks.delete(block)
    })
    this.#keep(block, content)
  }

  #keep(block: number, content: Promise<Uint8Array>): void {
    this.#blocks.set(block, content)
    for (const oldest of this.#blocks.keys()) {
      if (this.#blocks.size <= this.#maxBlocks) return
      this.#blocks.delete(oldest)
    }
  }

  #endOf(block: number): number {
    return Math.min(this.#sizeBytes, (block + 1) * BLOCK_BYTES)
  }
}

function range(start: number, end: number): number[] {
  return Array.from({ length: Math.max(0, end - start) }, (_, index) => start + index)
}
