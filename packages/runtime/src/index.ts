import './require-node.js'

export type { PictureRegion } from '@longtake/kernels'
export {
  type BuildProgress,
  buildsFolder,
  type PreparedOptions,
  type PreparedWeights,
  preparedWeights,
  removePrepared,
} from './builds/index.js'
export type { Answer, AnswerResult, AnswerTimings, AnswerUsage, FrameWeight } from './engine/answer.js'
export type { AskOptions, SamplingDefaults, SamplingOptions } from './engine/ask-options.js'
export type { CacheOptions } from './engine/feature-shelf.js'
export type { Inspection, InspectOptions, NamedArray } from './engine/inspect.js'
export type { BuildPlace, HubLoadOptions, LoadOptions } from './engine/load-options.js'
export { type Longtake, load } from './engine/longtake.js'
export { type PrepareOptions, prepareWeights } from './engine/prepare-weights.js'
export type { AnswerTrace, TraceWindow } from './engine/trace.js'
export type {
  InputFrame,
  WatchFramesOptions,
  WatchOptions,
  WatchProgress,
  WatchStage,
} from './engine/watch-options.js'
export type { WatchedVideo } from './engine/watched-video.js'
export { CACHE_ENTRY_ENDING, cacheFolder, DEFAULT_CACHE_BYTES } from './features/index.js'
export {
  type HubOptions,
  type ModelsOptions,
  modelsFolder,
  type PulledModel,
  type PullOptions,
  type PullProgress,
  pull,
  pulledModels,
  removeModel,
} from './hub/index.js'
export {
  type LinkedVideo,
  type LinkFacts,
  type LinkPolicy,
  type LinkProgress,
  type OpenLinkOptions,
  openLink,
} from './link/index.js'
export type { BackendKind } from './ort/index.js'
export { isRemoteId } from './remote/remote-id.js'
export type { RemoteOptions } from './remote/remote-options.js'
export { estimateMemory, type MemoryEstimate, type MemoryOptions } from './spec/memory.js'
export { type PublishedModel, publishedModels } from './spec/published-models.js'
export { type ModelDescription, type ReadSpecOptions, readSpec } from './spec/read-spec.js'
export type { ModelSizes, PartSizes } from './spec/sizes.js'
export {
  mattered,
  type Picture,
  type StoryboardOptions,
  storyboard,
  type VideoInput,
  type VideoInputs,
  type VideoSource,
} from './video/index.js'
