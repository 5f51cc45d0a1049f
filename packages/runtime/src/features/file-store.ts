import type { FileHandle } from 'node:fs/promises'
import { type ByteStore, closedError, takeTurns } from './byte-store.js'
import { FeatureCacheError, readFailure, writeFailure } from './error.js'

/** Most bytes in one call to the system: some take no more than 2^31 − 1. */
const MAX_CALL_BYTES = 1 << 30

/** Bytes in an open file, which it closes. */
export function fileStore(handle: FileHandle, what: string): ByteStore {
  // In turn, so that closing waits for what is under way in every runtime.
  const inTurn = takeTurns()
  let closing: Promise<void> | undefined

  return {
    write(bytes, position) {
      if (closing !== undefined) return Promise.reject(closedError())
      return inTurn(() =>
        writeAll(handle, bytes, position).catch((cause: unknown) => {
          throw writeFailure(what, cause)
        }),
      )
    },
    read(target, position) {
      if (closing !== undefined) return Promise.reject(closedError())
      return inTurn(() =>
        readAll(handle, target, position, what).catch((cause: unknown) => {
          throw readFailure(what, cause)
        }),
      )
    },
    close() {
      closing ??= inTurn(() => handle.close())
      return closing
    },
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const length = Math.min(MAX_CALL_BYTES, bytes.length - done)
    const { bytesWritten } = await handle.write(bytes, done, length, position + done)
    done += bytesWritten
  }
}

async function readAll(
  handle: FileHandle,
  target: Uint8Array,
  position: number,
  what: string,
): Promise<void> {
  for (let done = 0; done < target.length; ) {
    const length = Math.min(MAX_CALL_BYTES, target.length - done)
    const { bytesRead } = await handle.read(target, done, length, position + done)
    if (bytesRead === 0) throw new FeatureCacheError('unreadable', `${what} ends too early.`)
    done += bytesRead
  }
}
