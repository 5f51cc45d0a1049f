import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { VideoError } from '@longtake/core'
import type { VideoSource } from '@longtake/runtime'
import type { StoredUpload, UploadStore } from '../services.js'

/** Name in messages: the file's own says where it lies. */
const NAME = 'the uploaded file'

/**
 * Uploads as files of a folder that nobody else can read; `close` removes it.
 *
 * @param place - The folder, which is emptied first: what an earlier process left there is lost to everybody. Default a
 *   temporary one.
 */
export async function openUploads(place?: string): Promise<UploadStore & { close(): Promise<void> }> {
  const folder = place ?? (await mkdtemp(join(tmpdir(), 'longtake-uploads-')))
  if (place !== undefined) {
    await rm(place, { recursive: true, force: true })
    await mkdir(place, { recursive: true, mode: 0o700 })
  }
  return {
    async put(bytes): Promise<StoredUpload> {
      const path = join(folder, randomUUID())
      await writeFile(path, bytes, { flag: 'wx', mode: 0o600 })
      return { open: () => openUpload(path), remove: () => rm(path, { force: true }) }
    },
    close: () => rm(folder, { recursive: true, force: true }),
  }
}

async function openUpload(path: string): Promise<VideoSource> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw new VideoError('VIDEO_NOT_FOUND', 'The uploaded video is not there any more.', { cause })
  })
  let closing: Promise<void> | undefined
  return {
    name: NAME,
    size: async () => (await file.stat()).size,
    async read(start, end) {
      const bytes = new Uint8Array(Math.max(0, end - start))
      let filled = 0
      while (filled < bytes.length) {
        const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, start + filled)
        if (bytesRead === 0) break
        filled += bytesRead
      }
      return bytes.subarray(0, filled)
    },
    close() {
      closing ??= file.close()
      return closing
    },
  }
}
