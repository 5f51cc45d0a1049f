import { InvalidOptionError } from '@longtake/core'
import type { VideoSource } from '../video/video-source.js'
import type { Handlers } from './peer.js'

/** Most bytes of one answer: what is read is cut, so that nothing else waits long. */
const MOST_READ_BYTES = 4 * 2 ** 20

/** What the other side is told of a source. */
export interface SourceName {
  readonly id: number
  /** What messages call it. */
  readonly name: string
  /** Whether it reads ahead by itself. */
  readonly readsAhead: boolean
}

/** Whoever can be asked for bytes. */
interface Caller {
  call(method: string, content: unknown): Promise<unknown>
}

/** Sources that another process may read, and no others. */
export class LentSources {
  readonly #sources = new Map<number, VideoSource>()
  #nextId = 1

  /** What the other process may call. */
  readonly handlers = {
    size: async (content) => this.#find(content).size(),
    read: async (content) => this.#read(content),
    release: async (content) => this.#find(content).close(),
  } satisfies Handlers

  /** Lends sources until `takeBack`. */
  lend(sources: readonly VideoSource[]): SourceName[] {
    return sources.map((source) => {
      const id = this.#nextId++
      this.#sources.set(id, source)
      return { id, name: source.name, readsAhead: source.readsAhead === true }
    })
  }

  takeBack(names: readonly SourceName[]): void {
    for (const { id } of names) this.#sources.delete(id)
  }

  #find(content: unknown): VideoSource {
    const id: unknown = typeof content === 'object' && content !== null ? Reflect.get(content, 'id') : content
    const source = typeof id === 'number' ? this.#sources.get(id) : undefined
    if (source === undefined) throw new InvalidOptionError('source', 'one that is lent', id)
    return source
  }

  async #read(content: unknown): Promise<Uint8Array> {
    const source = this.#find(content)
    const { start, end } = content as { readonly start: unknown; readonly end: unknown }
    if (!isPlace(start) || !isPlace(end) || end - start > MOST_READ_BYTES)
      throw new InvalidOptionError('range', `at most ${MOST_READ_BYTES} bytes`, `${start} to ${end}`)
    return source.read(start, end)
  }
}

function isPlace(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

/** A source whose bytes another process reads. */
export function borrowedSource(caller: Caller, { id, name, readsAhead }: SourceName): VideoSource {
  let closing: Promise<void> | undefined
  const readPiece = async (start: number, end: number): Promise<Uint8Array> => {
    const bytes = await caller.call('read', { id, start, end })
    if (bytes instanceof Uint8Array && bytes.length <= end - start) return bytes
    throw new Error('What was read is not what was asked for.')
  }
  return {
    name,
    readsAhead,
    async size() {
      return Number(await caller.call('size', { id }))
    },
    async read(start, end) {
      const pieces: Uint8Array[] = []
      for (let at = start; at < end; at += MOST_READ_BYTES) {
        const piece = await readPiece(at, Math.min(end, at + MOST_READ_BYTES))
        pieces.push(piece)
        if (piece.length < Math.min(MOST_READ_BYTES, end - at)) break
      }
      return pieces.length === 1 ? pieces[0]! : new Uint8Array(Buffer.concat(pieces))
    },
    close() {
      closing ??= caller.call('release', { id }).then(() => {})
      return closing
    },
  }
}
