export type { PictureRegion } from '@longtake/kernels'
export type { BuildProgress, PreparedOptions, PreparedWeights } from './builds/index.js'
export { buildsFolder } from './builds/place.js'
export type { Answer, AnswerResult, AnswerTimings, AnswerUsage, FrameWeight } from './engine/answer.js'
export type { AskOptions, SamplingDefaults, SamplingOptions } from './engine/ask-options.js'
export type { CacheOptions } from './engine/feature-shelf.js'
export type { Inspection, InspectOptions, NamedArray } from './engine/inspect.js'
export type { BuildPlace, HubLoadOptions, LoadOptions } from './engine/load-options.js'
export { type Longtake, load } from './engine/longtake.js'
export type { PrepareOptions } from './engine/prepare-weights.js'
export type { AnswerTrace, TraceWindow } from './engine/trace.js'
export type {
  InputFrame,
  WatchFramesOptions,
  WatchOptions,
  WatchProgress,
  WatchStage,
} from './engine/watch-options.js'
export type { WatchedVideo } from './engine/watched-video.js'
export { CACHE_ENTRY_ENDING } from './features/cache-names.js'
export { cacheFolder, DEFAULT_CACHE_BYTES } from './features/default-folder.js'
export type {
  HubOptions,
  ModelsOptions,
  PulledModel,
  PullOptions,
  PullProgress,
} from './hub/index.js'
export { modelsFolder } from './hub/settings.js'
export type {
  LinkedVideo,
  LinkFacts,
  LinkPolicy,
  LinkProgress,
  OpenLinkOptions,
} from './link/index.js'
export {
  openLink,
  preparedWeights,
  prepareWeights,
  publishedModels,
  pull,
  pulledModels,
  readSpec,
  removeModel,
  removePrepared,
  storyboard,
} from './on-demand.js'
export type { BackendKind } from './ort/index.js'
export { isRemoteId } from './remote/remote-id.js'
export type { RemoteOptions } from './remote/remote-options.js'
export { estimateMemory, type MemoryEstimate, type MemoryOptions } from './spec/memory.js'
export type { PublishedModel } from './spec/published-models.js'
export type { ModelDescription, ReadSpecOptions } from './spec/read-spec.js'
export type { ModelSizes, PartSizes } from './spec/sizes.js'
export { mattered } from './video/heat.js'
export type { Picture, StoryboardOptions, VideoInput, VideoInputs, VideoSource } from './video/index.js'
