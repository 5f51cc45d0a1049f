import type { ModelSpec, VideoFacts, VideoPlan } from '@longtake/core'
import type { JobQueue } from '@longtake/jobs'
import type { VideoSource, WatchedVideo, WatchOptions } from '@longtake/runtime'
import type { Limits } from './limits.js'
import type { JobProgress, VideoJob, VideoResult } from './videos/job.js'
import type { VideoRecord } from './videos/record.js'

/** A model that questions are asked of: a loaded checkpoint in this process, or one that is reached in another. */
export interface EngineModel {
  readonly spec: ModelSpec
  /**
   * Opens, samples and encodes a video, or several still pictures. It owns the sources and closes them.
   *
   * @throws {LongtakeError} As `watch` of `@longtake/runtime`; `VIDEO_TOO_LARGE` beyond the operator's limits.
   */
  watch(sources: readonly VideoSource[], options: WatchOptions): Promise<EngineVideo>
  /** What `watch` would do; nothing is decoded. It owns the sources and closes them. */
  plan(sources: readonly VideoSource[], options: WatchOptions): Promise<PlannedVideo>
}

export interface PlannedVideo {
  readonly facts: VideoFacts
  readonly plan: VideoPlan
}

/** What is used of a watched video. */
export type EngineVideo = Pick<
  WatchedVideo,
  'plan' | 'facts' | 'timestamps' | 'ask' | 'storyboard' | 'thumbnail' | 'close'
>

/** The models of this server by the names that clients use; the first one is the default. */
export interface Engine {
  readonly models: ReadonlyMap<string, EngineModel>
  /** Throws or rejects when no question could be answered now. */
  check(): Promise<void>
}

/** Opens links of strangers; whatever is not safe to open must be refused here. */
export interface Links {
  open(url: string, signal: AbortSignal): Promise<VideoSource>
}

/** Where uploaded bytes are kept until they are removed. */
export interface UploadStore {
  /** What an earlier process left. */
  readonly found: readonly FoundUpload[]
  /** Keeps bytes under an id that they and their owner have alone. */
  put(id: string, owner: string, bytes: Uint8Array): Promise<StoredUpload>
}

export interface StoredUpload {
  open(): Promise<VideoSource>
  /** Writes down when it was last used, milliseconds since 1970. */
  touch(usedAt: number): Promise<void>
  remove(): Promise<void>
}

/** An upload of an earlier process. */
export interface FoundUpload {
  readonly id: string
  readonly owner: string
  readonly sizeBytes: number
  /** Milliseconds since 1970. */
  readonly usedAt: number
  readonly stored: StoredUpload
}

/** Where the videos of `/v1/videos` are written down. What has been saved is there after a crash too. */
export interface VideoStore {
  /** What an earlier process left. */
  readonly found: readonly VideoRecord[]
  save(record: VideoRecord): Promise<void>
  remove(id: string): Promise<void>
}

/** Who asks. */
export interface Caller {
  /** Name of the key; videos and jobs belong to it, and logs show it. */
  readonly name: string
  /** Overrides of the limits for everybody. */
  readonly requestsPerMinute?: number | undefined
  readonly questionsPerDay?: number | undefined
  /** Whether this is a gateway, which says for whom it asks. */
  readonly isGateway?: boolean | undefined
}

/** Tells callers by their bearer keys. */
export interface Keys {
  /** `undefined` where no key is asked for: then everybody is this caller. */
  readonly open: Caller | undefined
  find(secret: string): Promise<Caller | undefined>
}

/** Structured logs; pino is one. */
export interface Log {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** Counters that somebody reads; prom-client is behind it in Node. */
export interface Metrics {
  request(
    labels: { readonly route: string; readonly method: string; readonly status: number },
    seconds: number,
  ): void
  question(labels: { readonly model: string; readonly outcome: string }): void
  tokens(model: string, prompt: number, completion: number): void
  /** Read whenever metrics are. */
  gauge(
    name: 'jobs_queued' | 'jobs_running' | 'videos_open' | 'videos_known',
    read: () => Promise<number>,
  ): void
  render(): Promise<{ readonly contentType: string; readonly text: string }>
}

/** Everything that the app uses of its platform. */
export interface Services {
  readonly engine: Engine
  readonly jobs: JobQueue<VideoJob, VideoResult, JobProgress>
  readonly links: Links
  readonly uploads: UploadStore
  /** Default: videos are known as long as the process lives. */
  readonly videos?: VideoStore | undefined
  readonly keys: Keys
  /** Milliseconds since 1970. */
  readonly clock: () => number
  readonly log: Log
  readonly metrics: Metrics
  readonly limits: Limits
  /** Origins of pages that may call, or `*`. Default: none. */
  readonly corsOrigins?: readonly string[] | undefined
  /** Version that `/openapi.json` says. */
  readonly version: string
}
