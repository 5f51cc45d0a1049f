import { setTimeout as sleep } from 'node:timers/promises'
import { CancelledError, EngineError, isLongtakeError } from '@longtake/core'
import type { VideoSource } from '@longtake/runtime'
import { z } from 'zod'
import type { Limits } from '../config/config.js'
import type { Engine, EngineProgress, EngineResult, EngineWatcher, EngineWork } from './engine.js'
import { mostWeighed } from './evidence.js'
import { failureOf, RemoteApi, type RemoteOptions } from './remote-api.js'
import { serverEvents } from './server-events.js'

/** Between looks at how far a video is. */
const POLL_MS = 500
/** Videos that the API is known to know; it forgets them by itself. */
const MOST_VIDEOS = 40

const modelsSchema = z.object({ data: z.array(z.object({ id: z.string() })) })
const progressSchema = z.object({
  stage: z.enum(['open', 'decode', 'encode', 'prefill']),
  done: z.number(),
  total: z.number(),
})
const videoSchema = z.object({
  id: z.string(),
  status: z.string(),
  progress: progressSchema.nullish(),
  video: z.object({ duration: z.number() }).optional(),
  plan: z.object({ frames: z.number() }).optional(),
  error: z.unknown().optional(),
})
const reportSchema = z.object({
  video: z.object({ duration: z.number() }),
  plan: z.object({ frames: z.number() }),
  frames: z.array(z.object({ index: z.number(), timestamp: z.number(), weight: z.number() })),
})
const chunkSchema = z.object({
  choices: z.array(z.object({ delta: z.object({ content: z.string().optional() }) })),
  longtake: z.unknown().optional(),
})

export interface RemoteEngineOptions extends RemoteOptions {
  /** Instead of all models of the API. */
  readonly models: readonly string[] | undefined
}

/**
 * Lets another Longtake answer, by its API.
 *
 * @throws {EngineError} `ENGINE_UNAVAILABLE` if it cannot be reached or has no model.
 */
export async function openRemoteEngine(options: RemoteEngineOptions, limits: Limits): Promise<Engine> {
  const api = new RemoteApi(options)
  const listed = async (signal: AbortSignal): Promise<readonly string[]> =>
    (await api.json(modelsSchema, '/v1/models', { signal })).data.map(({ id }) => id)
  const models = options.models ?? (await listed(new AbortController().signal))
  if (models.length === 0) throw new EngineError('ENGINE_UNAVAILABLE', 'The Longtake API has no models.')
  const kit: Kit = { api, limits, videos: new Map() }
  return {
    models,
    run: (work, watcher) => run(kit, work, watcher),
    async check() {
      await api.request('/readyz', { signal: AbortSignal.timeout(POLL_MS * 4) })
    },
    close: async () => {},
  }
}

interface Kit {
  readonly api: RemoteApi
  readonly limits: Limits
  /** Ids of videos that the API knows, the latest used last. */
  readonly videos: Map<string, string>
}

async function run(kit: Kit, work: EngineWork, watcher: EngineWatcher): Promise<EngineResult> {
  try {
    return await runOnce(kit, work, watcher)
  } catch (error) {
    if (watcher.signal.aborted) throw new CancelledError()
    throw isLongtakeError(error)
      ? error
      : new EngineError('ENGINE_FAILED', 'The Longtake API broke off.', { cause: error })
  }
}

async function runOnce(kit: Kit, work: EngineWork, watcher: EngineWatcher): Promise<EngineResult> {
  const { api } = kit
  const { signal } = watcher
  const id = await register(kit, work, signal)
  const watched = await ready(kit, id, work, watcher)
  const frames = watched.plan?.frames ?? 0
  const durationSeconds = watched.video?.duration ?? 0
  if (work.question === undefined)
    return { text: '', durationSeconds, frames, evidence: [], storyboard: undefined }
  const { text, report } = await ask(kit, id, work, work.question, watcher)
  const storyboard = await api.bytes(`/v1/videos/${id}/storyboard.png`, signal).catch(() => undefined)
  signal.throwIfAborted()
  const evidence = mostWeighed(report.frames, durationSeconds).map(({ timestamp, weight }) => ({
    timestampSeconds: timestamp,
    weight,
  }))
  return { text, durationSeconds, frames: report.plan.frames, evidence, storyboard }
}

/** The id of a video at the API, which watches it where it has not yet. */
async function register(kit: Kit, work: EngineWork, signal: AbortSignal): Promise<string> {
  const { api, videos } = kit
  const key = keyOf(work)
  const known = videos.get(key)
  videos.delete(key)
  const isThere =
    known !== undefined &&
    (await api.json(videoSchema, `/v1/videos/${known}`, { signal }).then(
      ({ status }) => status !== 'failed' && status !== 'cancelled',
      () => false,
    ))
  const id = isThere ? known : await create(api, work, signal)
  videos.set(key, id)
  for (const [oldest] of videos) {
    if (videos.size <= MOST_VIDEOS) break
    videos.delete(oldest)
  }
  return id
}

function keyOf({ owner, model, video, range, frames }: EngineWork): string {
  return JSON.stringify([owner, model, video.type === 'link' ? video.url : video.name, range, frames])
}

async function create(api: RemoteApi, work: EngineWork, signal: AbortSignal): Promise<string> {
  const { model, video, range, frames } = work
  const longtake = {
    ...(frames !== null && { frames }),
    ...(range.startSeconds !== undefined && { start: range.startSeconds }),
    ...(range.endSeconds !== undefined && { end: range.endSeconds }),
  }
  const request = { method: 'POST', signal }
  if (video.type === 'link') {
    const body = JSON.stringify({ model, url: video.url, longtake })
    const headers = { 'Content-Type': 'application/json' }
    return (await api.json(videoSchema, '/v1/videos', { ...request, headers, body })).id
  }
  const form = new FormData()
  form.set('model', model)
  form.set('longtake', JSON.stringify(longtake))
  form.set('file', await blobOf(await video.open()), 'video')
  return (await api.json(videoSchema, '/v1/videos', { ...request, body: form })).id
}

async function blobOf(source: VideoSource): Promise<Blob> {
  try {
    return new Blob([new Uint8Array(await source.read(0, await source.size()))])
  } finally {
    await source.close()
  }
}

/** Waits until a video was watched. */
async function ready(kit: Kit, id: string, work: EngineWork, { signal, onProgress }: EngineWatcher) {
  for (;;) {
    const video = await kit.api.json(videoSchema, `/v1/videos/${id}`, { signal })
    if (video.status === 'ready') return video
    if (video.status === 'failed' || video.status === 'cancelled') {
      kit.videos.delete(keyOf(work))
      throw failureOf({ error: video.error }, 'The Longtake API')
    }
    if (video.progress != null) onProgress(video.progress satisfies EngineProgress)
    await sleep(POLL_MS, undefined, { signal })
  }
}

async function ask(
  { api, limits }: Kit,
  video: string,
  { model }: EngineWork,
  question: string,
  { signal, onProgress, onText }: EngineWatcher,
) {
  onProgress({ stage: 'answer', done: 0, total: 1 })
  const response = await api.request('/v1/chat/completions', {
    method: 'POST',
    signal,
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({
      model,
      stream: true,
      max_tokens: limits.maxTokens,
      messages: [{ role: 'user', content: question }],
      longtake: { video },
    }),
  })
  let text = ''
  let report: z.output<typeof reportSchema> | undefined
  for await (const data of serverEvents(response.body ?? (async function* () {})())) {
    if (data === '[DONE]') break
    const event: unknown = JSON.parse(data)
    const chunk = chunkSchema.safeParse(event)
    if (!chunk.success) throw failureOf(event, 'The Longtake API')
    const piece = chunk.data.choices[0]?.delta.content ?? ''
    text += piece
    if (piece !== '') onText(piece)
    report = reportSchema.safeParse(chunk.data.longtake).data ?? report
  }
  if (report === undefined) throw new EngineError('ENGINE_FAILED', 'The Longtake API broke off its answer.')
  return { text, report }
}
