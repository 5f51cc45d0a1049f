import type { GraphModel } from '@longtake/kernels'
import type { Checkpoint } from '../checkpoint/read-checkpoint.js'
import type { FeatureLayout, FeatureWriter } from '../features/types.js'
import type { SessionModel } from '../ort/types.js'
import type { Video } from '../video/open-video-with.js'
import type { VideoInputs } from '../video/video-source.js'

/** Opens a video, as `openVideo` does. */
export type OpenVideo = (input: VideoInputs, options: { signal?: AbortSignal }) => Promise<Video>

/** Where the weights of graphs come from. */
export type WeightStore = (model: GraphModel) => Promise<SessionModel>

/** What the engine is given of the platform that it runs on. */
export interface Platform {
  readonly openVideo: OpenVideo
  /**
   * Makes the weights of a checkpoint ready: in memory when a graph asks for them, or on disk.
   *
   * @param graphs - Every graph whose weights are needed sooner or later.
   * @throws {CheckpointError} If a tensor cannot be read, or the weights cannot be prepared.
   */
  readonly openWeights: (
    checkpoint: Checkpoint,
    graphs: readonly GraphModel[],
    signal: AbortSignal | undefined,
  ) => Promise<WeightStore>
  /**
   * Keeps features for as long as writer and reader live.
   *
   * @throws {FeatureCacheError} If there is no place for them.
   */
  readonly createScratch: (layout: FeatureLayout) => Promise<FeatureWriter>
}
