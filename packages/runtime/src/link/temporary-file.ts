import { randomBytes } from 'node:crypto'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LinkError, VideoError } from '@longtake/core'
import { forget, removeOnExit } from '../features/removed-on-exit.js'

/** A file that nobody else can open, and that is gone when closed or when the process ends. */
export interface TemporaryFile {
  readonly sizeBytes: number
  /** @throws {LinkError} `LINK_TOO_LARGE` beyond the limit, or where the disk is full. */
  append(bytes: Uint8Array): Promise<void>
  /** Bytes from `start` up to `end`; fewer only at the end. */
  read(start: number, end: number): Promise<Uint8Array>
  /** Safe to call twice. */
  close(): Promise<void>
}

export async function openTemporaryFile(maxBytes: number): Promise<TemporaryFile> {
  const path = join(tmpdir(), `longtake-${process.pid}-${randomBytes(8).toString('hex')}.link`)
  let handle: FileHandle
  try {
    handle = await open(path, 'wx+', 0o600)
  } catch (cause) {
    throw new VideoError('VIDEO_UNREADABLE', 'No temporary file could be made for the link.', { cause })
  }
  // Where the system lets an open file lose its name, nothing can be left behind, however the process ends.
  const isGone = await rm(path).then(
    () => true,
    () => false,
  )
  if (!isGone) removeOnExit(path)
  let sizeBytes = 0
  let closing: Promise<void> | undefined
  const shut = async (): Promise<void> => {
    await handle.close()
    if (isGone) return
    await rm(path, { force: true }).catch(() => {})
    forget(path)
  }
  return {
    get sizeBytes() {
      return sizeBytes
    },
    async append(bytes) {
      if (sizeBytes + bytes.length > maxBytes) {
        throw new LinkError(
          'LINK_TOO_LARGE',
          `The link has to be downloaded whole, and is longer than the ${maxBytes} bytes allowed for that.`,
        )
      }
      await writeAll(handle, bytes, sizeBytes)
      sizeBytes += bytes.length
    },
    read: (start, end) => readUpTo(handle, start, Math.min(end, sizeBytes)),
    close() {
      closing ??= shut()
      return closing
    },
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  try {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done)
      done += bytesWritten
    }
  } catch (cause) {
    const sentence = 'The link has to be downloaded whole, and there is no room for it here.'
    throw new LinkError('LINK_TOO_LARGE', sentence, { cause })
  }
}

async function readUpTo(handle: FileHandle, start: number, end: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(Math.max(0, end - start))
  let filled = 0
  while (filled < bytes.length) {
    const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, start + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return filled === bytes.length ? bytes : bytes.subarray(0, filled)
}
