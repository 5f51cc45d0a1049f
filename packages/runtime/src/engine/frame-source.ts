import { VideoError, type VideoPlan } from '@longtake/core'
import type { Video } from '../video/open-video-with.js'
import type { PlacedFrame } from './given-frames.js'
import type { FrameSource } from './pictures.js'

/** Share of a whole decode that one more pass over the video may cost. */
const MAX_PASS_SHARE = 1 / 8

/** Pictures that a caller gave, one for each of the plan's frames. */
export function givenSource(frames: readonly PlacedFrame[]): FrameSource {
  return { isSequential: false, frames: (indices) => indices.map((index) => frames[index]!) }
}

/** What of a plan says which pictures are read. */
type SampledTimes = Pick<VideoPlan, 'timestamps' | 'sampling' | 'clips'>

/** Pictures of an open video at the plan's times. */
export function videoSource(video: Video, plan: SampledTimes): FrameSource {
  return new SampledPictures(video, plan)
}

/**
 * Whether a group of clips is dear to read by itself: each of its runs, at most as many as a clip has frames, begins
 * at a keyframe, half an interval before it on average.
 */
function isDearByGroup({ facts }: Video, { sampling, clips }: SampledTimes): boolean {
  if (sampling === 'keyframe' || facts.durationSeconds === 0) return false
  const interval = facts.keyframeIntervalSeconds ?? facts.durationSeconds
  return ((clips[0]?.length ?? 1) * interval) / 2 > facts.durationSeconds * MAX_PASS_SHARE
}

class SampledPictures implements FrameSource {
  readonly isSequential: boolean
  readonly #video: Video
  readonly #plan: SampledTimes
  /** Frames whose pictures could be decoded. */
  readonly #seen = new Set<number>()

  constructor(video: Video, plan: SampledTimes) {
    this.#video = video
    this.#plan = plan
    this.isSequential = isDearByGroup(video, plan)
  }

  async *frames(
    indices: readonly number[],
    signal: AbortSignal | undefined,
  ): AsyncGenerator<PlacedFrame, void, undefined> {
    let given = 0
    try {
      for await (const frame of this.#read(indices, signal)) {
        given++
        this.#seen.add(frame.index)
        yield frame
      }
    } catch (error) {
      const before = this.#before(indices[0])
      const isDamaged = error instanceof VideoError && error.code === 'VIDEO_UNREADABLE'
      if (!isDamaged || given > 0 || before === undefined) throw error
      // Where a picture is damaged the one before it stays on screen; that one came in an earlier pass.
      let isFirst = true
      for await (const frame of this.#read([before, ...indices], signal)) {
        if (!isFirst) yield frame
        isFirst = false
      }
    }
  }

  async *#read(
    indices: readonly number[],
    signal: AbortSignal | undefined,
  ): AsyncGenerator<PlacedFrame, void, undefined> {
    const times = indices.map((index) => this.#plan.timestamps[index]!)
    const { sampling } = this.#plan
    for await (const frame of this.#video.frames(times, sampling, { signal })) {
      yield { ...frame, index: indices[frame.index]! }
    }
  }

  /** The last frame before `first` that could be decoded. */
  #before(first = 0): number | undefined {
    for (let index = first - 1; index >= 0; index--) if (this.#seen.has(index)) return index
    return undefined
  }
}
