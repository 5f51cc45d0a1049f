import { z } from '@hono/zod-openapi'
import { requireModel } from '../chat/ask.js'
import { watchSchema } from '../chat/schema.js'
import { watchSettings } from '../chat/settings.js'
import { ApiError, reasonError } from '../http/api-error.js'
import type { App, Kit, Request } from '../http/context.js'
import { readBody } from '../http/read-body.js'
import { check, readJson } from '../http/read-json.js'
import type { Source, WatchWork } from '../videos/job.js'
import { describePlan, planVideoAhead } from '../videos/plan.js'
import type { VideoRecord } from '../videos/record.js'
import { shownUrl, sourcesOf } from '../videos/sources.js'
import { jsonResponses } from './docs-schemas.js'
import { addRoute } from './routing.js'
import { planSchema, type VideoRequest, videoSchema } from './video-schema.js'

/** Time to open a video and read its index. */
const PLAN_MS = 60_000
/** Room for the other fields of a form beside its file. */
const FORM_BYTES = 64 * 1024

const idParam = { params: z.object({ id: z.string() }) }

/** `/v1/videos`: videos that are watched once and asked about often. */
export function addVideos(app: App, kit: Kit): void {
  addCreate(app, kit)
  const { studio } = kit
  addRoute(
    app,
    'get',
    '/v1/videos',
    { summary: 'Your videos', responses: jsonResponses(200, 'All') },
    async (c) => {
      const records = studio.library.list(c.get('caller').name)
      return c.json({ object: 'list', data: await Promise.all(records.map((it) => describe(kit, it))) })
    },
  )
  const docs = { summary: 'A video', request: idParam, responses: jsonResponses(200, 'The video') }
  addRoute(app, 'get', '/v1/videos/{id}', docs, async (c) => c.json(await describe(kit, recordOf(c, kit))))
  const deleteDocs = { ...docs, summary: 'Forget a video', responses: jsonResponses(200, 'It is gone') }
  addRoute(app, 'delete', '/v1/videos/{id}', deleteDocs, async (c) => {
    const record = recordOf(c, kit)
    await studio.forget(record)
    return c.json({ id: record.id, object: 'video.deleted', deleted: true })
  })
  addStoryboard(app, kit)
}

function addCreate(app: App, kit: Kit): void {
  const form = z.object({
    file: z.any().openapi({ type: 'string', format: 'binary' }),
    model: z.string().optional(),
  })
  const content = {
    'application/json': { schema: videoSchema },
    'multipart/form-data': { schema: form },
  }
  const docs = {
    summary: 'Watch a video, ahead of questions',
    request: { body: { content, required: true } },
    responses: jsonResponses(202, 'The video, which is being watched'),
  }
  addRoute(app, 'post', '/v1/videos', docs, async (c) => {
    const { work, shown } = await readWork(c, kit)
    const caller = c.get('caller')
    kit.allowances.question(caller)
    const record = await kit.studio.register(caller.name, work, shown)
    return c.json(await describe(kit, record), 202, { Location: `/v1/videos/${record.id}` })
  })
}

function addStoryboard(app: App, kit: Kit): void {
  const docs = {
    summary: 'The frames, those that the last answer rests on marked',
    request: idParam,
    responses: { 200: { description: 'A picture', content: { 'image/png': { schema: z.any() } } } },
  }
  addRoute(app, 'get', '/v1/videos/{id}/storyboard.png', docs, async (c) => {
    const { studio, allowances } = kit
    const { owner, work } = recordOf(c, kit)
    // Watching it again is as much work as a question.
    if (!studio.isOpen(owner, work)) allowances.question(c.get('caller'))
    const png = await studio.storyboard(owner, work, c.req.raw.signal)
    return c.body(new Uint8Array(png), 200, {
      'Content-Type': 'image/png',
      'Cache-Control': 'private, no-store',
    })
  })
}

/** `POST /v1/plan`: what watching would cost; nothing is decoded and no model runs. */
export function addPlan(app: App, kit: Kit): void {
  const docs = {
    summary: 'What watching would read, encode and hold',
    request: { body: { content: { 'application/json': { schema: planSchema } }, required: true } },
    responses: jsonResponses(200, 'The plan'),
  }
  addRoute(app, 'post', '/v1/plan', docs, async (c) => {
    const { limits, engine } = kit.services
    if (!isForm(c)) {
      const { video, url = '', ...request } = await readJson(c, kit, planSchema)
      const model = request.model ?? defaultModel(kit)
      requireModel(kit, model)
      const spec = engine.models.get(model)?.spec
      if (video !== undefined && spec !== undefined)
        return c.json(planVideoAhead(spec, { ...request, model, video }, limits))
      const { work } = await linkWork(c, kit, { ...request, url })
      return c.json(describePlan(work.model, await makePlan(c, kit, work)))
    }
    const { work } = await readForm(c, kit)
    return c.json(describePlan(work.model, await makePlan(c, kit, work)))
  })
}

async function makePlan(c: Request, { studio, plans }: Kit, work: WatchWork) {
  const late = AbortSignal.timeout(PLAN_MS)
  plans.take(1)
  try {
    return await studio.plan(c.get('caller').name, work, AbortSignal.any([c.req.raw.signal, late]))
  } catch (error) {
    if (!late.aborted) throw error
    throw new ApiError(504, 'too_slow', 'The time for a plan ran out.', { cause: error })
  } finally {
    plans.give(1)
  }
}

function recordOf(c: Request, { studio }: Kit): VideoRecord {
  return studio.library.get(c.get('caller').name, c.req.param('id') ?? '')
}

async function readWork(c: Request, kit: Kit): Promise<{ readonly work: WatchWork; readonly shown: string }> {
  return isForm(c) ? readForm(c, kit) : linkWork(c, kit, await readJson(c, kit, videoSchema))
}

function isForm(c: Request): boolean {
  return /^multipart\/form-data\s*;/i.test(c.req.header('content-type') ?? '')
}

async function linkWork(c: Request, kit: Kit, request: VideoRequest) {
  const { model = defaultModel(kit), url, longtake = {} } = request
  requireModel(kit, model)
  const { services, studio } = kit
  const sources = await sourcesOf([url], c.get('caller').name, studio.uploads, services.limits.maxUploadBytes)
  return {
    work: { model, sources, watch: watchSettings(longtake, services.limits.maxFrames) },
    shown: shownUrl(url),
  }
}

async function readForm(c: Request, kit: Kit): Promise<{ readonly work: WatchWork; readonly shown: string }> {
  const form = await readMultipart(c, kit)
  const model = form.get('model') ?? defaultModel(kit)
  const file = form.get('file')
  if (typeof model !== 'string')
    throw new ApiError(400, 'invalid_value', 'model: expected text', { param: 'model' })
  if (file === null || typeof file === 'string' || file.size === 0) {
    throw new ApiError(400, 'invalid_value', 'file: expected a file that is not empty', { param: 'file' })
  }
  requireModel(kit, model)
  const { maxUploadBytes, maxFrames } = kit.services.limits
  if (file.size > maxUploadBytes) {
    throw new ApiError(413, 'upload_too_large', `At most ${maxUploadBytes} bytes are taken.`, {
      param: 'file',
    })
  }
  const watch = watchSettings(check(watchSchema, optionsOf(form.get('longtake'))), maxFrames)
  const id = await kit.studio.uploads.put(c.get('caller').name, new Uint8Array(await file.arrayBuffer()))
  const sources: readonly Source[] = [{ type: 'upload', id }]
  return { work: { model, sources, watch }, shown: 'upload' }
}

async function readMultipart(c: Request, kit: Kit): Promise<FormData> {
  const body = await readBody(c, kit, kit.services.limits.maxUploadBytes + FORM_BYTES)
  const headers = { 'Content-Type': c.req.header('content-type') ?? '' }
  try {
    return await new Response(body, { headers }).formData()
  } catch (cause) {
    throw new ApiError(400, 'invalid_form', 'The form cannot be read.', { cause })
  }
}

function optionsOf(text: unknown): unknown {
  if (text === null) return {}
  try {
    return JSON.parse(String(text))
  } catch {
    throw new ApiError(400, 'invalid_json', 'longtake: expected JSON', { param: 'longtake' })
  }
}

function defaultModel({ services }: Kit): string {
  return [...services.engine.models.keys()][0] ?? ''
}

async function describe({ services }: Kit, record: VideoRecord) {
  const { id, createdAt, expiresAt, shown, work, report, failure } = record
  const seconds = (time: number): number => Math.floor(time / 1000)
  const base = {
    id,
    object: 'video' as const,
    created_at: seconds(createdAt),
    expires_at: seconds(expiresAt),
    source: shown,
    model: work.model,
  }
  if (report !== undefined) return { ...base, status: 'ready', ...report }
  if (failure !== undefined) return { ...base, status: 'failed', error: reasonError(failure).body.error }
  const job =
    record.jobId === undefined ? undefined : await services.jobs.status(record.jobId).catch(() => undefined)
  if (job?.state === 'failed' && job.reason !== undefined)
    return { ...base, status: 'failed', error: reasonError(job.reason).body.error }
  if (job?.result?.kind === 'watch') {
    const { kind: _, ...watched } = job.result
    return { ...base, status: 'ready', ...watched }
  }
  if (job?.state === 'running') return { ...base, status: 'watching', progress: job.progress ?? null }
  return {
    ...base,
    status: job?.state === 'cancelled' ? 'cancelled' : 'queued',
    position: job?.position ?? 0,
  }
}
