import type { VideoFacts, VideoPlan } from '@longtake/core'
import type { PictureRegion } from '@longtake/kernels'
import type { StoryboardOptions } from '../video/storyboard.js'
import type { Answer } from './answer.js'
import type { AskOptions } from './ask-options.js'

/**
 * A video that was watched, ready for any number of questions: its tokens are in a KV cache, or where the question
 * decides which tokens enter the context, its features are kept.
 */
export interface WatchedVideo extends AsyncDisposable {
  readonly plan: VideoPlan
  readonly facts: VideoFacts
  /** When each sampled picture begins, `[F]` seconds. */
  readonly timestamps: readonly number[]
  /**
   * Asks a question. Every question is answered from the video alone, not from earlier questions; questions asked
   * at once are answered one after the other.
   *
   * @param question - Text; it is never read as special tokens.
   * @returns At once. Failures, such as an empty question (`INVALID_OPTION`), one that does not fit
   *   (`CONTEXT_TOO_LONG`), a cancellation (`CANCELLED`) or a closed video (`ENGINE_CLOSED`), come from the answer.
   */
  ask(question: string, options?: AskOptions): Answer
  /**
   * Draws a contact sheet of the sampled frames with their times, of still images each one once; those that the last
   * answer rests on are marked.
   *
   * @param options - `weights`: one for each frame instead of the last answer's; `columns`: frames in a row.
   * @returns A PNG file.
   * @throws {InvalidOptionError} If `columns` or a weight is out of its range; `ShapeError` if there are not as many
   *   weights as frames.
   * @throws {EngineError} `ENGINE_CLOSED` after `close()`.
   */
  storyboard(options?: Partial<Pick<StoryboardOptions, 'weights' | 'columns'>>): Promise<Uint8Array>
  /**
   * A sampled picture, small: at most 320 pixels a side, smaller where there are many.
   *
   * @param index - Place among the sampled frames, in time order.
   * @returns A PNG file.
   * @throws {InvalidOptionError} If there is no such frame.
   * @throws {EngineError} `ENGINE_CLOSED` after `close()`.
   */
  thumbnail(index: number): Promise<Uint8Array>
  /**
   * The part of a sampled picture that the encoder sees, on which its patches lie.
   *
   * @param index - Place among the sampled frames, in time order.
   * @returns Shares of the picture's width and height.
   * @throws {InvalidOptionError} If there is no such frame.
   */
  seen(index: number): PictureRegion
  /** Cancels questions under way and frees what is held for them; repeated calls wait for the same end. */
  close(): Promise<void>
}
