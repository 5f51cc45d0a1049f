import { AV_LOG_QUIET, FFmpegError, Log } from './node-av.js'

/** FFmpeg writes its complaints about damaged data to stderr, which belongs to the caller: it is kept silent. */
export function silenceFfmpeg(): void {
  Log.setLevel(AV_LOG_QUIET)
}

/**
 * Passes FFmpeg's result on, or throws what a negative one means.
 *
 * @param doing - What was tried, for the message.
 */
export function check(result: number, doing: string): number {
  if (result < 0) throw new Error(`FFmpeg: ${doing}: ${FFmpegError.strerror(result)}`)
  return result
}
