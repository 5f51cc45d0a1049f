/** Milliseconds over which the speed is the mean. */
const WINDOW_MS = 5000
/** Milliseconds between two reports, so that a fast download is not slowed by them. */
const REPORT_MS = 50

/** How far a pull is. */
export interface PullProgress {
  readonly doneBytes: number
  readonly totalBytes: number
  readonly doneFiles: number
  readonly totalFiles: number
  /** Of the last seconds; 0 until it is known. */
  readonly bytesPerSecond: number
  /** Undefined until the speed is known. */
  readonly secondsLeft: number | undefined
}

/** Counts bytes and files of a pull, and reports them now and then. */
export class PullMeter {
  readonly #total: { readonly bytes: number; readonly files: number }
  readonly #report: (progress: PullProgress) => void
  readonly #samples: { readonly atMs: number; readonly bytes: number }[] = []
  #bytes = 0
  #files = 0
  #reportedMs = Number.NEGATIVE_INFINITY

  constructor(
    total: { readonly bytes: number; readonly files: number },
    report: (progress: PullProgress) => void,
  ) {
    this.#total = total
    this.#report = report
  }

  readonly addBytes = (bytes: number): void => {
    this.#bytes += bytes
    if (performance.now() - this.#reportedMs >= REPORT_MS) this.#tell()
  }

  addFile(): void {
    this.#files += 1
    this.#tell()
  }

  #tell(): void {
    const now = performance.now()
    this.#reportedMs = now
    this.#samples.push({ atMs: now, bytes: this.#bytes })
    while (this.#samples.length > 2 && now - (this.#samples[0]?.atMs ?? now) > WINDOW_MS)
      this.#samples.shift()
    const { bytes, files } = this.#total
    const bytesPerSecond = this.#speed(now)
    this.#report({
      doneBytes: this.#bytes,
      totalBytes: bytes,
      doneFiles: this.#files,
      totalFiles: files,
      bytesPerSecond,
      secondsLeft: bytesPerSecond > 0 ? (bytes - this.#bytes) / bytesPerSecond : undefined,
    })
  }

  #speed(now: number): number {
    const [first] = this.#samples
    if (first === undefined || now <= first.atMs) return 0
    return Math.max(0, ((this.#bytes - first.bytes) * 1000) / (now - first.atMs))
  }
}
