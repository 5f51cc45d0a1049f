import { InvalidOptionError } from '@longtake/core'

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

/** Opens what a caller names by a text. */
export type OpenNamed = (name: string) => Promise<VideoSource>

/**
 * Opens the bytes of everything that is watched together, or of nothing.
 *
 * @throws {InvalidOptionError} For an array of none, or of more than {@link MAX_STILLS}; and for what is no video.
 * @throws {VideoError} As `openNamed` does.
 */
export async function openSourcesWith(openNamed: OpenNamed, input: VideoInputs): Promise<VideoSource[]> {
  const inputs: readonly VideoInput[] = isList(input) ? input : [input]
  if (inputs.length < 1 || inputs.length > MAX_STILLS) {
    const given = `${inputs.length} of them`
    throw new InvalidOptionError('video', `an array of 1 to ${MAX_STILLS} pictures`, given)
  }
  const results = await Promise.allSettled(inputs.map((one) => openSource(openNamed, one)))
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

async function openSource(openNamed: OpenNamed, input: VideoInput): Promise<VideoSource> {
  if (typeof input === 'string') return openNamed(input)
  if (input instanceof URL) return openNamed(input.href)
  if (input instanceof Uint8Array) return memorySource(input)
  if (input instanceof Blob) return blobSource(input)
  if (isSource(input)) return input
  throw new InvalidOptionError('video', 'a path, a file: URL, a Uint8Array or a Blob', input)
}

function isSource(input: unknown): input is VideoSource {
  if (typeof input !== 'object' || input === null) return false
  return ['size', 'read', 'close'].every((name) => typeof Reflect.get(input, name) === 'function')
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
