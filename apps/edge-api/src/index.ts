export { createApp, type EdgeApi } from './app.js'
export { DEFAULT_LIMITS, type Limits } from './limits.js'
export type {
  Caller,
  Engine,
  EngineModel,
  EngineVideo,
  FoundUpload,
  Keys,
  Links,
  Log,
  Metrics,
  PlannedVideo,
  Services,
  StoredUpload,
  UploadStore,
  VideoStore,
} from './services.js'
export type {
  AskSettings,
  JobProgress,
  Source,
  VideoJob,
  VideoResult,
  WatchSettings,
  WatchWork,
} from './videos/job.js'
export type { VideoRecord } from './videos/record.js'
export type { AnswerReport, VideoReport } from './videos/report.js'
