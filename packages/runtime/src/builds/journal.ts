import { type FileHandle, open } from 'node:fs/promises'

/** A part that is on the disk. */
export interface JournalEntry {
  readonly part: string
  /** SHA-256, hex. */
  readonly hash: string
}

/** What of a build is on the disk: a line for each part, written after its bytes were. */
export class Journal {
  readonly #handle: FileHandle

  private constructor(handle: FileHandle) {
    this.#handle = handle
  }

  /** @returns The journal, and what an earlier builder wrote; a line that was cut short is not among it. */
  static async open(path: string): Promise<{ journal: Journal; entries: JournalEntry[] }> {
    const handle = await open(path, 'a+', 0o600)
    const text = await handle.readFile('utf8')
    const entries: JournalEntry[] = []
    let whole = 0
    for (const line of text.split('\n').slice(0, -1)) {
      const [part, hash] = parsed(line)
      if (part === undefined || hash === undefined) break
      entries.push({ part, hash })
      whole += Buffer.byteLength(line) + 1
    }
    await handle.truncate(whole)
    return { journal: new Journal(handle), entries }
  }

  /** Adds parts whose bytes are on the disk already. */
  async add(entries: readonly JournalEntry[]): Promise<void> {
    const lines = entries.map(({ part, hash }) => `${JSON.stringify([part, hash])}\n`)
    await this.#handle.appendFile(lines.join(''))
    await this.#handle.datasync()
  }

  close(): Promise<void> {
    return this.#handle.close()
  }
}

function parsed(line: string): [string?, string?] {
  try {
    const entry: unknown = JSON.parse(line)
    if (!Array.isArray(entry)) return []
    const [part, hash] = entry as unknown[]
    return typeof part === 'string' && typeof hash === 'string' ? [part, hash] : []
  } catch {
    return []
  }
}
