export {
  CancelledError,
  CheckpointError,
  type CheckpointErrorCode,
  EngineError,
  type EngineErrorCode,
  InvalidOptionError,
  isLongtakeError,
  LongtakeError,
  type LongtakeErrorCode,
  type LongtakeFailure,
  ShapeError,
  VideoError,
  type VideoErrorCode,
} from './errors.js'
export { planVideo } from './plan.js'
export type { PlanOptions, RopePlan, SamplingMode, VideoPlan } from './plan-types.js'
export type {
  ClipLayout,
  KvCacheType,
  ModelSpec,
  RopeScaling,
  RopeType,
  VideoFacts,
} from './spec.js'
