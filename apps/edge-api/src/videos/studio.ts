import { CancelledError, InvalidOptionError, isLongtakeError, VideoError } from '@longtake/core'
import type { JobRun, Worker } from '@longtake/jobs'
import type { VideoSource } from '@longtake/runtime'
import { type Lease, OpenVideos } from '@longtake/runtime/open-videos'
import type { EngineModel, EngineVideo, PlannedVideo, Services } from '../services.js'
import { newId } from './id.js'
import type { JobProgress, Source, VideoJob, VideoResult, WatchWork } from './job.js'
import { VideoLibrary } from './library.js'
import type { VideoRecord } from './record.js'
import { reportAnswer, reportVideo } from './report.js'
import { Uploads } from './uploads.js'
import { endOfWatching } from './watch-end.js'

/** Where videos are opened, watched and asked: what the routes and the jobs share. */
export class Studio {
  readonly uploads: Uploads
  readonly library: VideoLibrary
  readonly #open: OpenVideos<EngineVideo>
  readonly #services: Services
  readonly #worker: Worker
  /** Whoever waits for a picture, by ticket. */
  readonly #pictures = new Map<string, (png: Uint8Array) => void>()
  /** Videos whose watching is waited for. */
  readonly #following = new Set<Promise<void>>()

  constructor(services: Services) {
    const { limits, clock, jobs, log, metrics, videos } = services
    const ttlMs = limits.videoTtlSeconds * 1000
    this.#services = services
    this.uploads = new Uploads(services.uploads, { bytesPerKey: limits.bytesPerKey, ttlMs }, clock)
    const { videosPerKey } = limits
    this.library = new VideoLibrary(this.uploads, videos, { videosPerKey, ttlMs }, clock)
    this.#open = new OpenVideos(limits.openVideos)
    metrics.gauge('videos_open', async () => this.#open.size)
    metrics.gauge('videos_known', async () => this.library.size)
    this.#worker = jobs.work((run) => this.#run(run), {
      concurrency: limits.concurrency,
      onUnexpected: (error, job) => log.error({ job, err: error }, 'a job failed unexpectedly'),
    })
    for (const record of this.library.waiting) this.#follow(record)
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

  /**
   * Takes a video on, to be watched in its turn. Once this has resolved, it outlives the process where videos are kept.
   *
   * @throws {ApiError} 429 if the owner has as many as one may have; and what the queue throws.
   */
  async register(owner: string, work: WatchWork, shown: string): Promise<VideoRecord> {
    const { jobs } = this.#services
    const record = this.library.add(owner, work, shown)
    try {
      const { id } = await jobs.submit({ kind: 'watch', ...work }, this.#terms(owner))
      record.jobId = id
      await this.library.save(record)
    } catch (error) {
      await this.#remove(record)
      throw error
    }
    this.#follow(record)
    return record
  }

  /** Ends what is done for a video, and forgets it. */
  async forget(record: VideoRecord): Promise<void> {
    await this.#remove(record)
    await this.#open.drop(workKey(record.owner, record.work))
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

  /**
   * The frames as a PNG. A video that is not open is watched in its turn, like everything that costs.
   *
   * @throws {JobError} As the queue, and as the job ended.
   */
  async storyboard(owner: string, work: WatchWork, signal: AbortSignal): Promise<Uint8Array> {
    if (this.isOpen(owner, work)) {
      await using lease = await this.watch(owner, work, signal)
      return await lease.video.storyboard()
    }
    const { jobs } = this.#services
    const ticket = newId('pic')
    let png: Uint8Array | undefined
    this.#pictures.set(ticket, (picture) => {
      png = picture
    })
    try {
      const terms = { ...this.#terms(owner), cancelOnAbandon: true }
      const { id } = await jobs.submit({ kind: 'storyboard', ticket, ...work }, terms)
      await jobs.result(id, { signal }).catch(async (error: unknown) => {
        await jobs.cancel(id).catch(() => false)
        throw error
      })
    } finally {
      this.#pictures.delete(ticket)
    }
    if (png === undefined) throw new CancelledError()
    return png
  }

  /** Forgets what has expired. */
  async sweep(): Promise<void> {
    for (const { owner, work } of await this.library.sweep()) await this.#open.drop(workKey(owner, work))
    await this.uploads.sweep()
  }

  /** Closes all videos, once no job runs any more. */
  async close(): Promise<void> {
    await this.#worker.close()
    await this.#open.close()
    await Promise.all(this.#following)
    await this.library.sweep()
  }

  async #run(run: JobRun<VideoJob, JobProgress>): Promise<VideoResult> {
    const { job } = run
    // Whoever waited for the picture of an earlier process is gone.
    if (job.kind === 'storyboard' && !this.#pictures.has(job.ticket)) throw new CancelledError()
    await using lease = await this.watch(run.key, job, run.signal, (progress) => run.progress(progress))
    try {
      if (job.kind === 'ask') return await this.#ask(run, job, lease)
      if (job.kind === 'watch') return { kind: 'watch', ...reportVideo(lease.video) }
      this.#pictures.get(job.ticket)?.(await lease.video.storyboard())
      return { kind: 'storyboard' }
    } catch (error) {
      // A video is gone with its engine: the next attempt has to watch it again.
      if (isEngineFailure(error)) lease.discard()
      throw error
    }
  }

  async #ask(
    run: JobRun<VideoJob, JobProgress>,
    job: Extract<VideoJob, { kind: 'ask' }>,
    { video }: Lease<EngineVideo>,
  ): Promise<VideoResult> {
    const { metrics } = this.#services
    const answer = video.ask(job.question, { ...job.ask, signal: run.signal })
    for await (const text of answer) run.token(text)
    const result = await answer
    metrics.tokens(job.model, result.usage.promptTokens, result.usage.completionTokens)
    return { kind: 'ask', ...reportAnswer(video, result) }
  }

  /** Has the library told how watching ends, whoever watches: a job goes on in the next process. */
  #follow(record: VideoRecord): void {
    const { jobs, log } = this.#services
    const follow = async (): Promise<void> => {
      const end = await endOfWatching(jobs, record.jobId)
      if (end !== undefined) await this.library.settle(record, end)
    }
    const following = follow()
      .catch((error: unknown) =>
        log.error({ video: record.id, err: error }, 'a video could not be written down'),
      )
      .finally(() => this.#following.delete(following))
    this.#following.add(following)
  }

  async #remove(record: VideoRecord): Promise<void> {
    await this.library.remove(record)
    if (record.jobId !== undefined) await this.#services.jobs.cancel(record.jobId).catch(() => false)
  }

  #terms(owner: string) {
    return { key: owner, deadlineMs: this.#services.limits.deadlineSeconds * 1000 }
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
