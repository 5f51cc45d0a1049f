import type { VideoPlan } from '@longtake/core'
import type { FeatureLayout, FeatureReader, FeatureWriter } from '../features/types.js'
import type { VideoInputs, VideoSource } from '../video/video-source.js'

/** Where encoded features of videos are kept for another time. Nothing of it ever fails a question. */
export interface Shelf {
  /** Opens a video's bytes, which are hashed too. */
  openSources(input: VideoInputs): Promise<VideoSource[]>
  /**
   * The place of a video's features.
   *
   * @param sources - Still open.
   * @param notes - Told what goes wrong.
   * @returns Undefined where the shelf cannot be used.
   * @throws {VideoError} If the video cannot be read.
   * @throws {CancelledError} If the signal fires.
   */
  place(
    sources: readonly VideoSource[],
    plan: VideoPlan,
    notes: string[],
    signal: AbortSignal | undefined,
  ): Promise<ShelfPlace | undefined>
}

/** One video's place on a shelf. */
export interface ShelfPlace {
  /** What is kept, opened with `read`; undefined where there is nothing, or it cannot be used. */
  find<R>(
    read: (reader: FeatureReader) => Promise<R>,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly reader: FeatureReader; readonly value: R } | undefined>
  /** Writes to the shelf, or where it does not take everything, to scratch. */
  create(layout: FeatureLayout): Promise<FeatureWriter>
  /**
   * Makes sure that what was read is what the place is named by: a file that another program writes to meanwhile would
   * give features of two videos.
   *
   * @throws {VideoError} `VIDEO_UNREADABLE` if the video is not what it was.
   * @throws {CancelledError} If the signal fires.
   */
  requireUnchanged(signal: AbortSignal | undefined): Promise<void>
}
