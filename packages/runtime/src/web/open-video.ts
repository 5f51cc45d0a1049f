import { InvalidOptionError, isLongtakeError, VideoError } from '@longtake/core'
import { BlockReader } from '../block-reader.js'
import { openVideoWith, type Video, type VideoTools } from '../video/open-video-with.js'
import type { VideoInputs, VideoSource } from '../video/video-source.js'
import { openHttpFile } from './http-file.js'
import { openWebCodecs } from './webcodecs.js'

/** Of a video on a server, bytes that are kept in memory. */
const CACHE_BYTES = 8 * 2 ** 20

const TOOLS: VideoTools = {
  openNamed: openAddress,
  openDecoding: openWebCodecs,
  decodeStill: async (scan, name) => (await import('./decode-still.js')).decodeStill(scan, name),
  openAvi: async ({ name }) => {
    throw new VideoError(
      'VIDEO_UNSUPPORTED_CODEC',
      `${name} is an AVI file, which browsers do not decode; convert it with: ffmpeg -i in.avi out.mp4`,
    )
  },
}

/**
 * Opens a video or still pictures and reads their facts; decodes nothing.
 *
 * Reads MP4, MOV, MKV, WebM and MPEG-TS with what the browser decodes: VP8, VP9, mostly H.264 and AV1, HEVC on some
 * machines. A file that is cut off is opened with the length that is there (see `notes`). A still picture is told by its
 * content: PNG, JPEG, WebP, GIF and BMP.
 *
 * @param input - A Blob or File, bytes, an address that this page may fetch, or a `VideoSource`, which the video then owns
 *   and closes; or an array of 1 to 64 of these, each a still picture.
 * @throws {VideoError} With a `code` for each way in which a file can be unusable.
 * @throws {InvalidOptionError} If `input` is none of these, or something in an array is not a picture.
 * @throws {CancelledError} When `signal` aborts.
 */
export function openVideo(input: VideoInputs, options: { signal?: AbortSignal } = {}): Promise<Video> {
  return openVideoWith(TOOLS, input, options)
}

async function openAddress(address: string): Promise<VideoSource> {
  const url = parseAddress(address)
  const name = url.pathname.split('/').at(-1) || url.hostname
  const failed = (cause: unknown): unknown => {
    if (isLongtakeError(cause)) return cause
    const why = cause instanceof Error ? cause.message : String(cause)
    return new VideoError(
      'VIDEO_UNREADABLE',
      `${name} could not be fetched (${why}). Its server has to allow that to this page (CORS).`,
      { cause },
    )
  }
  try {
    const file = await openHttpFile(url.href)
    if (file === undefined)
      throw new VideoError('VIDEO_NOT_FOUND', `There is no file at ${url.origin}${url.pathname}.`)
    const { sizeBytes } = file
    const blocks = new BlockReader(sizeBytes, CACHE_BYTES, file.read)
    const read = (start: number, end: number) =>
      blocks.read(start, end).catch((error: unknown) => {
        throw failed(error)
      })
    return { name, readsAhead: true, size: async () => sizeBytes, read, close: async () => {} }
  } catch (error) {
    throw failed(error)
  }
}

function parseAddress(address: string): URL {
  try {
    const url = new URL(address, globalThis.location?.href)
    if (['http:', 'https:', 'blob:', 'data:'].includes(url.protocol)) return url
  } catch (cause) {
    throw new InvalidOptionError('video', 'a Blob, bytes, or an address', address, { cause })
  }
  throw new InvalidOptionError('video', 'a Blob, bytes, or an address that a page may fetch', address)
}
