import { type FileHandle, open, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { InvalidOptionError, VideoError } from '@longtake/core'
import { openSourcesWith, type VideoInputs, type VideoSource } from './video-source.js'

function pathOf(text: string): string {
  if (/^file:/i.test(text)) {
    try {
      return fileURLToPath(text)
    } catch (cause) {
      throw new InvalidOptionError('video', 'a file: URL of this machine', text, { cause })
    }
  }
  // Two letters at least, so that C:\talk.mp4 stays a path.
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(text)) {
    throw new InvalidOptionError('video', 'a local file (a link is opened with openLink)', text)
  }
  return text
}

/**
 * Opens the bytes of everything that is watched together, or of nothing; what is a text is a file.
 *
 * @throws {InvalidOptionError} For an array of none or of too many, and for links.
 * @throws {VideoError} `VIDEO_NOT_FOUND`, `VIDEO_NOT_A_VIDEO` for a folder, `VIDEO_UNREADABLE` without permission.
 */
export function openSources(input: VideoInputs): Promise<VideoSource[]> {
  return openSourcesWith(openFile, input)
}

/** Opens a local path or a `file:` URL; throws as {@link openSources}. */
export async function openFile(named: string): Promise<VideoSource> {
  const path = pathOf(named)
  const name = basename(path)
  let handle: FileHandle | undefined
  try {
    // Asked before opening, because opening a pipe would wait for its writer.
    const facts = await stat(path)
    if (facts.isDirectory()) {
      throw new VideoError('VIDEO_NOT_A_VIDEO', `${path} is a folder: name a video file inside it.`)
    }
    if (!facts.isFile()) {
      throw new VideoError('VIDEO_UNREADABLE', `${path} is a device or a pipe: copy it to a file first.`)
    }
    handle = await open(path, 'r')
    return fileSource(handle, name, facts.size)
  } catch (error) {
    await handle?.close()
    throw error instanceof VideoError ? error : fileError(path, error)
  }
}

function fileError(path: string, cause: unknown): VideoError {
  const code = typeof cause === 'object' && cause !== null ? Reflect.get(cause, 'code') : undefined
  if (code === 'EACCES' || code === 'EPERM') {
    return new VideoError('VIDEO_UNREADABLE', `No permission to read ${path}.`, { cause })
  }
  if (
    code === 'ENOENT' ||
    code === 'ENOTDIR' ||
    code === 'ENAMETOOLONG' ||
    code === 'ERR_INVALID_ARG_VALUE'
  ) {
    return new VideoError('VIDEO_NOT_FOUND', `There is no file ${JSON.stringify(path)}: check the path.`, {
      cause,
    })
  }
  return new VideoError('VIDEO_UNREADABLE', `${path} could not be read (${String(code ?? cause)}).`, {
    cause,
  })
}

function fileSource(handle: FileHandle, name: string, sizeBytes: number): VideoSource {
  let closing: Promise<void> | undefined
  return {
    name,
    size: async () => sizeBytes,
    async read(start, end) {
      const bytes = new Uint8Array(Math.max(0, end - start))
      let filled = 0
      try {
        while (filled < bytes.length) {
          const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, start + filled)
          if (bytesRead === 0) break
          filled += bytesRead
        }
      } catch (cause) {
        throw fileError(name, cause)
      }
      return filled === bytes.length ? bytes : bytes.subarray(0, filled)
    },
    close() {
      closing ??= handle.close()
      return closing
    },
  }
}
