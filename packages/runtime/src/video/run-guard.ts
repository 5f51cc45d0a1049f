import { VideoError } from '@longtake/core'
import { indexOfName } from '../bytes.js'

/** Samples of one fragment whose times and sizes are all alike and so written nowhere: 20 seconds of sound at 48 kHz. */
const MAX_UNWRITTEN = 2 ** 20

/** Flags of a run for what is written for each sample: duration, size, flags, offset. */
const WRITTEN = 0xf00

/**
 * Refuses a fragment of an MP4 whose runs (`trun`) claim more samples than it has room to describe: the demuxer would make
 * them all up.
 *
 * @param bytes - What the demuxer is about to read: where it is a fragment (`moof`), the whole of it.
 * @param name - What messages call the video.
 * @throws {VideoError} `VIDEO_UNREADABLE`.
 */
export function checkRuns(bytes: Uint8Array, name: string): void {
  if (indexOfName(bytes, 'moof') < 0) return
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let unwritten = 0
  for (
    let at = indexOfName(bytes, 'trun');
    at >= 0 && at + 12 <= bytes.length;
    at = indexOfName(bytes, 'trun', at + 4)
  ) {
    // What is written for each sample cannot be more than there are bytes: there the demuxer stops by itself.
    if ((view.getUint32(at + 4) & WRITTEN) === 0) unwritten += view.getUint32(at + 8)
  }
  if (unwritten > MAX_UNWRITTEN)
    throw new VideoError('VIDEO_UNREADABLE', `${name} is damaged: its index contradicts itself.`)
}
