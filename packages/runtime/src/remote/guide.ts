import { EngineError, InvalidOptionError } from '@longtake/core'
import { sourceOf } from '../engine/given-frames.js'
import type { Longtake } from '../engine/longtake.js'
import type { InputFrame } from '../engine/watch-options.js'
import type { WatchedVideo } from '../engine/watched-video.js'

/** What a guide says of a question. */
export interface Guidance {
  /** Share of each picture, 0 to 1; undefined where the guide cannot say. */
  readonly relevance: readonly number[] | undefined
  readonly notes: readonly string[]
}

/** @throws {InvalidOptionError} If the model has no text guide. */
export function requireGuide(longtake: Longtake, id: string): void {
  if (longtake.spec.pooling.guided) return
  throw new InvalidOptionError('remote.guide', 'a model with a text guide, such as @longtake/tiny', id)
}

/** A video as a guide has watched it, to be asked what pictures a question is about. */
export class GuidedVideo {
  readonly #video: WatchedVideo
  readonly #pictures: number

  private constructor(video: WatchedVideo, pictures: number) {
    this.#video = video
    this.#pictures = pictures
  }

  /**
   * @param onPicture - Told how many pictures are encoded.
   * @throws {CancelledError} If the signal fires.
   */
  static async watch(
    guide: Longtake,
    pictures: readonly InputFrame[],
    options: {
      readonly areStills: boolean
      readonly signal: AbortSignal | undefined
      readonly onPicture: (done: number) => void
    },
  ): Promise<GuidedVideo> {
    const video = await guide.watchFrames(pictures, {
      stills: options.areStills,
      pooling: 'guided',
      signal: options.signal,
      onProgress: ({ stage, done, total }) => {
        if (stage === 'encode' && total > 0) options.onPicture(Math.floor((pictures.length * done) / total))
      },
    })
    return new GuidedVideo(video, pictures.length)
  }

  /** Each picture's share of what a question is about. */
  async relevance(question: string, signal: AbortSignal): Promise<Guidance> {
    try {
      const { frames } = await this.#video.ask(question, { maxTokens: 1, signal })
      const shares = new Array<number>(this.#pictures).fill(0)
      for (const { index, relevance = 0 } of frames)
        shares[sourceOf(index, this.#pictures, frames.length)]! += relevance
      return { relevance: shares, notes: [] }
    } catch (error) {
      // What is too long for a small guide may be nothing to the model that answers.
      if (!(error instanceof EngineError && error.code === 'CONTEXT_TOO_LONG')) throw error
      return {
        relevance: undefined,
        notes: ['The question is too long for the guide: frames are sent spread evenly.'],
      }
    }
  }

  close(): Promise<void> {
    return this.#video.close()
  }
}
