export { createApp, type EdgeApi } from './app.js'
export { DEFAULT_LIMITS, type Limits } from './limits.js'
export type {
  Caller,
  Engine,
  EngineModel,
  EngineVideo,
  Keys,
  Links,
  Log,
  Metrics,
  PlannedVideo,
  Services,
  StoredUpload,
  UploadStore,
} from './services.js'
export type { AskSettings, JobProgress, Source, VideoJob, VideoResult, WatchSettings } from './videos/job.js'
