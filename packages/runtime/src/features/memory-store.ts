import { type ByteStore, closedError } from './byte-store.js'
import { FeatureCacheError } from './error.js'

/** Memory is taken in pages, as positions are written, so that a sparse start costs little. */
const PAGE_BYTES = 1 << 20

/**
 * Bytes in memory, up to a limit.
 *
 * @param limitBytes - Writing beyond this position is refused with `full`.
 */
export function memoryStore(limitBytes: number): ByteStore {
  let pages: Map<number, Uint8Array> | undefined = new Map()

  return {
    async write(bytes, position) {
      if (pages === undefined) throw closedError()
      if (position + bytes.length > limitBytes) {
        throw new FeatureCacheError('full', `Features take more than ${limitBytes} bytes of memory.`)
      }
      for (const { page, from, start, end } of pieces(bytes.length, position)) {
        let memory = pages.get(page)
        if (memory === undefined) {
          memory = new Uint8Array(Math.min(PAGE_BYTES, limitBytes - page * PAGE_BYTES))
          pages.set(page, memory)
        }
        memory.set(bytes.subarray(start, end), from)
      }
    },
    async read(target, position) {
      if (pages === undefined) throw closedError()
      for (const { page, from, start, end } of pieces(target.length, position)) {
        const memory = pages.get(page)?.subarray(from, from + end - start)
        if (memory?.length !== end - start) {
          throw new FeatureCacheError('unreadable', `Nothing was written at byte ${position + start}.`)
        }
        target.set(memory, start)
      }
    },
    async close() {
      pages = undefined
    },
  }
}

/** Cuts `length` bytes from `position` on at the borders of pages; `from` is the place inside the page. */
function* pieces(length: number, position: number) {
  for (let start = 0; start < length; ) {
    const page = Math.floor((position + start) / PAGE_BYTES)
    const from = position + start - page * PAGE_BYTES
    const end = Math.min(length, start + PAGE_BYTES - from)
    yield { page, from, start, end }
    start = end
  }
}
