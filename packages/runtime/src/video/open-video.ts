import { silenceFfmpeg } from './ffmpeg.js'
import { openFfmpegDecoding } from './ffmpeg-decoding.js'
import { openVideoWith, type Video, type VideoTools } from './open-video-with.js'
import { openFile } from './video-file.js'
import type { VideoInputs } from './video-source.js'

export type { Video } from './open-video-with.js'

const TOOLS: VideoTools = {
  openNamed: openFile,
  openDecoding: openFfmpegDecoding,
  // Few videos need these.
  decodeStill: async (scan, name) => (await import('./still-decoder.js')).decodeStill(scan, name),
  openAvi: async (source) => (await import('./avi-track.js')).openAviTrack(source),
}

/**
 * Opens a video or still pictures and reads their facts; decodes nothing.
 *
 * Reads MP4, MOV, MKV, WebM, MPEG-TS and AVI with H.264, HEVC, VP8, VP9, AV1 and ProRes, in AVI also MPEG-4 part 2
 * and Motion JPEG. A file that is cut off is opened with the length that is there (see `notes`).
 *
 * A still picture is told by its content, not its name: PNG, JPEG (turned as EXIF says), WebP, GIF and BMP, of moving
 * ones the first picture, transparency over white. Its facts have `stills: 1`, of n in an array `stills: n`; width and
 * height are the first one's.
 *
 * @param input - Local path, `file:` URL, bytes, Blob, or a `VideoSource`, which the video then owns and closes; or an
 *   array of 1 to 64 of these, each a still picture.
 * @throws {VideoError} With a `code` for each way in which a file can be unusable.
 * @throws {InvalidOptionError} If `input` is none of these, or something in an array is not a picture.
 * @throws {CancelledError} When `signal` aborts.
 */
export async function openVideo(input: VideoInputs, options: { signal?: AbortSignal } = {}): Promise<Video> {
  silenceFfmpeg()
  return openVideoWith(TOOLS, input, options)
}
