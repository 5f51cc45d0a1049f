import { InvalidOptionError, isLongtakeError, VideoError } from '@longtake/core'
import type { JobRun, Worker } from '@longtake/jobs'
import type { VideoSource } from '@longtake/runtime'
import { type Lease, OpenVideos } from '@longtake/runtime/open-videos'
import type { EngineModel, EngineVideo, PlannedVideo, Services } from '../services.js'
import type { JobProgress, Source, VideoJob, VideoResult, WatchWork } from './job.js'
import { VideoLibrary } from './library.js'
import { reportAnswer, reportVideo } from './report.js'
import { Uploads } from './uploads.js'

/** Where videos are opened, watched and asked: what the routes and the jobs share. */
export class Studio {
  readonly uploads: Uploads
  readonly library: VideoLibrary
  readonly #open: OpenVideos<EngineVideo>
  readonly #services: Services
  readonly #worker: Worker

  constructor(services: Services) {
    const { limits, clock, jobs, log, metrics } = services
    const ttlMs = limits.videoTtlSeconds * 1000
    this.#services = services
    this.uploads = new Uploads(services.uploads, { bytesPerKey: limits.bytesPerKey, ttlMs }, clock)
    this.library = new VideoLibrary(this.uploads, { videosPerKey: limits.videosPerKey, ttlMs }, clock)
    this.#open = new OpenVideos(limits.openVideos)
    metrics.gauge('videos_open', async () => this.#open.size)
    metrics.gauge('videos_known', async () => this.library.size)
    this.#worker = jobs.work((run) => this.#run(run), {
      concurrency: limits.concurrency,
      onUnexpected: (error, job) => log.error({ job, err: error }, 'a job failed unexpectedly'),
    })
  }

  /** @throws {InvalidOptionError} If there is no such model. */
  model(name: string): EngineModel {
    const model = this.#services.engine.models.get(name)
    if (model === undefined) throw new InvalidOptionError('model', 'the name of a model of this server', name)
    return model
  }

  /** What watching would do. */
  async plan(
    owner: string,
    { model, sources, watch }: WatchWork,
    signal: AbortSignal,
  ): Promise<PlannedVideo> {
    const engine = this.model(model)
    return engine.plan(await this.#sources(owner, sources, signal), {
      ...watch,
      memoryBudgetBytes: this.#services.limits.maxCacheBytes,
      signal,
    })
  }

  /** Whether a video is open, so that its storyboard costs no watching. */
  isOpen(owner: string, work: WatchWork): boolean {
    return this.#open.has(workKey(owner, work))
  }

  /** A watched video, kept open for follow-ups. */
  watch(
    owner: string,
    work: WatchWork,
    signal: AbortSignal,
    onProgress: (progress: JobProgress) => void = () => {},
  ): Promise<Lease<EngineVideo>> {
    const open = (stop: AbortSignal, tell: (progress: JobProgress) => void): Promise<EngineVideo> =>
      this.#watch(owner, work, stop, tell)
    return this.#open.acquire(workKey(owner, work), open, signal, onProgress)
  }

  /** Closes what is open of a video that was deleted. */
  drop(owner: string, work: WatchWork): Promise<void> {
    return this.#open.drop(workKey(owner, work))
  }

  /** Forgets what has expired. */
  async sweep(): Promise<void> {
    for (const { owner, work } of await this.library.sweep()) await this.drop(owner, work)
    await this.uploads.sweep()
  }

  /** Closes all videos, once no job runs any more. */
  async close(): Promise<void> {
    await this.#worker.close()
    await this.#open.close()
    await this.uploads.close()
  }

  async #run(run: JobRun<VideoJob, JobProgress>): Promise<VideoResult> {
    const { job, key: owner } = run
    if (job.kind === 'ask') return this.#ask(run, job)
    try {
      await using lease = await this.watch(owner, job, run.signal, (progress) => run.progress(progress))
      const report = reportVideo(lease.video)
      this.library.settle(owner, job.video, report)
      return { kind: 'watch', ...report }
    } catch (error) {
      this.library.settle(owner, job.video, { error })
      throw error
    }
  }

  async #ask(
    run: JobRun<VideoJob, JobProgress>,
    job: Extract<VideoJob, { kind: 'ask' }>,
  ): Promise<VideoResult> {
    const { metrics } = this.#services
    await using lease = await this.watch(run.key, job, run.signal, (progress) => run.progress(progress))
    const { video } = lease
    try {
      const answer = video.ask(job.question, { ...job.ask, signal: run.signal })
      for await (const text of answer) run.token(text)
      const result = await answer
      metrics.tokens(job.model, result.usage.promptTokens, result.usage.completionTokens)
      return { kind: 'ask', ...reportAnswer(video, result) }
    } catch (error) {
      // A video is gone with its engine: the next attempt has to watch it again.
      if (isEngineFailure(error)) lease.discard()
      throw error
    }
  }

  async #watch(
    owner: string,
    { model, sources, watch }: WatchWork,
    signal: AbortSignal,
    onProgress: (progress: JobProgress) => void,
  ): Promise<EngineVideo> {
    const engine = this.model(model)
    const opened = await this.#sources(owner, sources, signal)
    const memoryBudgetBytes = this.#services.limits.maxCacheBytes
    return engine.watch(opened, { ...watch, memoryBudgetBytes, signal, onProgress })
  }

  /** Opens all sources or none. */
  async #sources(
    owner: string,
    sources: readonly Source[],
    signal: AbortSignal,
  ): Promise<readonly VideoSource[]> {
    const opened: VideoSource[] = []
    try {
      for (const source of sources) {
        opened.push(
          source.type === 'link'
            ? await this.#services.links.open(source.url, signal)
            : await this.uploads.open(owner, source.id),
        )
      }
      if (opened.length === 0) throw new VideoError('VIDEO_NOT_FOUND', 'No video was given.')
      return opened
    } catch (error) {
      await Promise.allSettled(opened.map((source) => source.close()))
      throw error
    }
  }
}

function isEngineFailure(error: unknown): boolean {
  return isLongtakeError(error) && error.code.startsWith('ENGINE_')
}

function workKey(owner: string, { model, sources, watch }: WatchWork): string {
  return JSON.stringify([owner, model, sources, Object.entries(watch).sort()])
}
