export { arrangeClips, CLIP_LAYOUTS, type ClipArrangement } from './arrangement.js'
export {
  CancelledError,
  CheckpointError,
  type CheckpointErrorCode,
  EngineError,
  type EngineErrorCode,
  HubError,
  type HubErrorCode,
  InvalidOptionError,
  isLongtakeError,
  JobError,
  type JobErrorCode,
  type JobReason,
  LinkError,
  type LinkErrorCode,
  LongtakeError,
  type LongtakeErrorCode,
  type LongtakeFailure,
  SettingsError,
  ShapeError,
  VideoError,
  type VideoErrorCode,
} from './errors.js'
export { FRAME_CHOICES } from './input.js'
export { KV_CACHE_TYPES, type KvCacheShape, kvCacheBytes } from './kv-cache.js'
export {
  DEFAULT_KV_CACHE_BYTES,
  MAX_CONTEXT_TOKENS,
  MAX_FRAMES,
  MAX_PREFILL_CHUNK,
  MAX_TEXT_TOKENS,
} from './limits.js'
export { planVideo } from './plan.js'
export type {
  PlanOptions,
  PoolingOptions,
  PoolingPlan,
  RopePlan,
  SamplingMode,
  StillCrops,
  VideoPlan,
} from './plan-types.js'
export { POOLING_METHODS } from './pooling-request.js'
export { kernelForShape, type PoolingKernel, poolingShape } from './pooling-shape.js'
export { type PoolingWindows, poolingWindows } from './pooling-windows.js'
export { ROPE_TYPES, type RopeFrequencies, ropeFrequencies, ropeTables } from './rope.js'
export type {
  ClipLayout,
  KvCacheType,
  ModelSpec,
  PoolingMethod,
  RopeScaling,
  RopeType,
  Triple,
  VideoFacts,
} from './spec.js'
export { formatTimestamp, frameTimestamps } from './timestamps.js'
