import { type FileHandle, open, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { InvalidOptionError, VideoError } from '@longtake/core'

/** Bytes of a video, read by range: of files, memory and blobs here, of links in `../link`. */
export interface VideoSource {
  /** What messages call the video: a file name, never a secret. */
  readonly name: string
  /** Whether the source reads ahead and keeps what was read by itself, as links do; else the demuxer does. */
  readonly readsAhead?: boolean
  /** Length in bytes. */
  size(): Promise<number>
  /**
   * Bytes from `start` up to, not including, `end`; fewer only where the data ends.
   *
   * @throws {VideoError} `VIDEO_UNREADABLE` if reading fails.
   */
  read(start: number, end: number): Promise<Uint8Array>
  /** Gives the file or connection back; safe to call twice. */
  close(): Promise<void>
}

/** What a caller may hand over as a video. */
export type VideoInput = string | URL | Uint8Array | Blob | VideoSource

/** A video or a still picture, or several stills that are watched together. */
export type VideoInputs = VideoInput | readonly VideoInput[]

/** Most pictures watched at once: more are an album, and a context has no room for them. */
const MAX_STILLS = 64

/**
 * Opens the bytes of everything that is watched together, or of nothing.
 *
 * @throws {InvalidOptionError} For an array of none, or of more than {@link MAX_STILLS}; and as `openSource` does.
 * @throws {VideoError} As `openSource` does.
 */
export async function openSources(input: VideoInputs): Promise<VideoSource[]> {
  const inputs: readonly VideoInput[] = isList(input) ? input : [input]
  if (inputs.length < 1 || inputs.length > MAX_STILLS) {
    const given = `${inputs.length} of them`
    throw new InvalidOptionError('video', `an array of 1 to ${MAX_STILLS} pictures`, given)
  }
  const results = await Promise.allSettled(inputs.map((one) => openSource(one)))
  const sources = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const failure = results.find((result) => result.status === 'rejected')
  if (failure === undefined) return sources
  await closeSources(sources)
  throw failure.reason
}

/** Failing to close a source hides neither what was read nor the failure before it. */
export async function closeSources(sources: readonly VideoSource[]): Promise<void> {
  // Its own resources are all that may be left, and nobody here can free them.
  await Promise.allSettled(sources.map(async (source) => source.close()))
}

function isList(input: VideoInputs): input is readonly VideoInput[] {
  return Array.isArray(input)
}

/**
 * Opens the bytes of a video: a local path, a `file:` URL, bytes in memory, a Blob, or a `VideoSource` of one's own.
 *
 * @throws {VideoError} `VIDEO_NOT_FOUND`, `VIDEO_NOT_A_VIDEO` for a folder, `VIDEO_UNREADABLE` without permission.
 * @throws {InvalidOptionError} For anything else, links included.
 */
async function openSource(input: VideoInput): Promise<VideoSource> {
  if (typeof input === 'string') return openFile(pathOf(input))
  if (input instanceof URL) return openFile(pathOf(input.href))
  if (input instanceof Uint8Array) return memorySource(input)
  if (input instanceof Blob) return blobSource(input)
  if (isSource(input)) return input
  throw new InvalidOptionError('video', 'a path, a file: URL, a Uint8Array or a Blob', input)
}

/** Whether it is a source of somebody's own. */
export function isSource(input: unknown): input is VideoSource {
  if (typeof input !== 'object' || input === null) return false
  return ['size', 'read', 'close'].every((name) => typeof Reflect.get(input, name) === 'function')
}

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

async function openFile(path: string): Promise<VideoSource> {
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

function memorySource(bytes: Uint8Array): VideoSource {
  return {
    name: 'the file in memory',
    size: async () => bytes.length,
    read: async (start, end) => bytes.subarray(start, end),
    close: async () => {},
  }
}

function blobSource(blob: Blob): VideoSource {
  const name = Reflect.get(blob, 'name')
  return {
    name: typeof name === 'string' && name !== '' ? name : 'the file in memory',
    size: async () => blob.size,
    read: async (start, end) => new Uint8Array(await blob.slice(start, end).arrayBuffer()),
    close: async () => {},
  }
}
