export { openQueue } from './open-queue.js'
export type { QueueOptions } from './options.js'
export type {
  Accepted,
  Drained,
  DrainOptions,
  JobEvent,
  JobHandler,
  JobQueue,
  JobRun,
  JobState,
  JobStatus,
  Json,
  QueueStats,
  SubmitOptions,
  WatchOptions,
  Worker,
  WorkOptions,
} from './types.js'
