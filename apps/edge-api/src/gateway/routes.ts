import { readConversation } from '../chat/conversation.js'
import { chatSchema } from '../chat/schema.js'
import { chatWatchSettings, watchSettings } from '../chat/settings.js'
import { ApiError } from '../http/api-error.js'
import type { App, Request } from '../http/context.js'
import { readJson } from '../http/read-json.js'
import { PAGE_PATHS } from '../page/page.js'
import { planSchema, videoSchema } from '../routes/video-schema.js'
import { planVideoAhead } from '../videos/plan.js'
import type { GatewayKit } from './gateway.js'

const VIDEO_ID = /^[\w-]{1,64}$/
/** Room for the other fields of a form beside its file. */
const FORM_BYTES = 64 * 1024
/** What anybody may read, straight from the engine. */
const OPEN_PATHS = ['/readyz', '/openapi.json', '/docs', '/docs/style.css', ...PAGE_PATHS]

/** Every route of the engine's server but `/metrics`. */
export function addGatewayRoutes(app: App, kit: GatewayKit): void {
  app.get('/healthz', (c) => named(c, '/healthz').json({ status: 'ok' }))
  for (const path of OPEN_PATHS) {
    app.get(path, (c) => kit.upstream.forward(named(c, path), path, { method: 'GET', isOwn: true }))
  }
  addModels(app, kit)
  addChat(app, kit)
  addPlan(app, kit)
  addVideos(app, kit)
}

function addModels(app: App, { models }: GatewayKit): void {
  app.get('/v1/models', async (c) => {
    return named(c, '/v1/models').json({ object: 'list', data: await models.list(c) })
  })
  app.get('/v1/models/:id{.+}', async (c) => {
    const { spec: _, ...model } = await models.get(named(c, '/v1/models/{id}'), c.req.param('id'))
    return c.json(model)
  })
}

/** What is sent on is what was checked, not what was sent. */
function addChat(app: App, kit: GatewayKit): void {
  const path = '/v1/chat/completions'
  const { allowances, models, upstream } = kit
  const { limits } = kit.services
  app.post(path, async (c) => {
    const request = await readJson(named(c, path), kit, chatSchema)
    await models.get(c, request.model)
    readConversation(request.messages, request.longtake?.history === true, limits.maxTextCharacters)
    chatWatchSettings(request, limits.maxFrames)
    allowances.question(c.get('caller'))
    return upstream.forward(c, path, { method: 'POST', body: JSON.stringify(request) })
  })
}

/** A video that the client describes is planned here; a link has to be opened, which gateways never do. */
function addPlan(app: App, kit: GatewayKit): void {
  const path = '/v1/plan'
  const { models, upstream } = kit
  const { limits } = kit.services
  app.post(path, async (c) => {
    const { video, ...request } = await readJson(named(c, path), kit, planSchema)
    const { id: model, spec } = await models.get(c, request.model)
    if (video !== undefined) return c.json(planVideoAhead(spec, { ...request, model, video }, limits))
    watchSettings(request.longtake ?? {}, limits.maxFrames)
    return upstream.forward(c, path, { method: 'POST', body: JSON.stringify(request) })
  })
}

function addVideos(app: App, kit: GatewayKit): void {
  const path = '/v1/videos'
  const { upstream } = kit
  app.get(path, (c) => upstream.forward(named(c, path), path, { method: 'GET' }))
  app.post(path, (c) => {
    const isForm = /^multipart\/form-data\s*;/i.test(c.req.header('content-type') ?? '')
    return isForm ? postForm(named(c, path), kit) : postLink(named(c, path), kit)
  })
  const one = '/v1/videos/{id}'
  app.get('/v1/videos/:id', (c) => upstream.forward(named(c, one), `${path}/${idOf(c)}`, { method: 'GET' }))
  app.delete('/v1/videos/:id', (c) => {
    return upstream.forward(named(c, one), `${path}/${idOf(c)}`, { method: 'DELETE' })
  })
  app.get('/v1/videos/:id/storyboard.png', (c) => {
    const shown = `${one}/storyboard.png`
    return upstream.forward(named(c, shown), `${path}/${idOf(c)}/storyboard.png`, { method: 'GET' })
  })
}

async function postLink(c: Request, kit: GatewayKit): Promise<Response> {
  const request = await readJson(c, kit, videoSchema)
  await kit.models.get(c, request.model)
  watchSettings(request.longtake ?? {}, kit.services.limits.maxFrames)
  kit.allowances.question(c.get('caller'))
  return kit.upstream.forward(c, '/v1/videos', { method: 'POST', body: JSON.stringify(request) })
}

/** A file goes on while it arrives: a gateway has no room for it. The engine checks the fields of the form. */
async function postForm(c: Request, kit: GatewayKit): Promise<Response> {
  const { maxUploadBytes } = kit.services.limits
  const mostBytes = maxUploadBytes + FORM_BYTES
  const tooLarge = (): ApiError =>
    new ApiError(413, 'body_too_large', `The body may have at most ${mostBytes} bytes.`)
  const { body } = c.req.raw
  if (Number(c.req.header('content-length') ?? 0) > mostBytes) throw tooLarge()
  if (body === null) throw new ApiError(400, 'invalid_form', 'The form cannot be read.')
  kit.allowances.question(c.get('caller'))
  let sizeBytes = 0
  const counted = body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        sizeBytes += chunk.length
        if (sizeBytes > mostBytes) controller.error(tooLarge())
        else controller.enqueue(chunk)
      },
    }),
  )
  try {
    return await kit.upstream.forward(c, '/v1/videos', { method: 'POST', body: counted })
  } catch (error) {
    throw sizeBytes > mostBytes ? tooLarge() : error
  }
}

function idOf(c: Request): string {
  const id = c.req.param('id') ?? ''
  if (VIDEO_ID.test(id)) return id
  throw new ApiError(404, 'video_not_found', 'There is no such video.')
}

/** Names the route for the log. */
function named(c: Request, route: string): Request {
  c.set('route', route)
  return c
}
