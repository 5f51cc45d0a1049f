import { open } from 'node:fs/promises'
import { VideoError } from '@longtake/core'
import type { VideoSource } from '@longtake/runtime'

/**
 * Opens a file that a server keeps for a stranger, who knows it by another name.
 *
 * @param gone - Said where it is not there any more.
 * @throws {VideoError} `VIDEO_NOT_FOUND`.
 */
export async function openStoredFile(path: string, name: string, gone: string): Promise<VideoSource> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw new VideoError('VIDEO_NOT_FOUND', gone, { cause })
  })
  let closing: Promise<void> | undefined
  return {
    name,
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
