import { ApiError } from '../http/api-error.js'
import type { Kit, Request } from '../http/context.js'
import type { AskSettings, VideoJob, WatchWork } from '../videos/job.js'
import { sourcesOf } from '../videos/sources.js'
import { type Media, readConversation } from './conversation.js'
import type { ChatRequest } from './schema.js'
import { askSettings, chatWatchSettings } from './settings.js'

/** A question that the queue has taken on. */
export interface Asked {
  readonly id: string
  readonly model: string
  /** Seconds since 1970. */
  readonly created: number
  /** Whether it goes on when its client leaves, because the client can come back for it. */
  readonly isKept: boolean
}

const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/

/**
 * Takes a question on.
 *
 * @throws {ApiError} 400, 404 for an unknown model or video, 429; and what the queue throws.
 */
export async function submitQuestion(c: Request, kit: Kit, request: ChatRequest): Promise<Asked> {
  const { services, allowances } = kit
  const caller = c.get('caller')
  requireModel(kit, request.model)
  const { limits } = services
  const withHistory = request.longtake?.history === true
  const { question, media } = readConversation(request.messages, withHistory, limits.maxTextCharacters)
  const idempotencyKey = idempotencyKeyOf(c)
  allowances.question(caller)
  const work = await workOf(kit, caller.name, request, media)
  const ask: AskSettings = askSettings(request, limits.maxTokens)
  const job: VideoJob = { kind: 'ask', question, ask, ...work }
  const { id } = await services.jobs.submit(job, {
    key: caller.name,
    deadlineMs: limits.deadlineSeconds * 1000,
    cancelOnAbandon: idempotencyKey === undefined,
    ...(idempotencyKey !== undefined && { idempotencyKey }),
  })
  // Of the job, so that a request that is sent again gets the same answer.
  const { acceptedAt } = await services.jobs.status(id)
  const created = Math.floor(acceptedAt.getTime() / 1000)
  return { id, model: request.model, created, isKept: idempotencyKey !== undefined }
}

/** @throws {ApiError} 404. */
export function requireModel({ services }: Kit, model: string): void {
  if (services.engine.models.has(model)) return
  const names = [...services.engine.models.keys()].join(', ')
  const message = `There is no model ${JSON.stringify(model.slice(0, 80))} here; there is: ${names}.`
  throw new ApiError(404, 'model_not_found', message, { param: 'model' })
}

async function workOf(
  { services, studio }: Kit,
  owner: string,
  request: ChatRequest,
  media: Media | undefined,
): Promise<WatchWork> {
  const named = request.longtake?.video
  const watch = chatWatchSettings(request, services.limits.maxFrames)
  if (named !== undefined || media?.type === 'id') {
    const { work } = studio.library.get(owner, named ?? (media?.type === 'id' ? media.id : ''))
    return { model: request.model, sources: work.sources, watch: { ...work.watch, ...watch } }
  }
  if (media === undefined) {
    throw new ApiError(400, 'missing_video', 'No message has a video: add a video_url part to one.', {
      param: 'messages',
    })
  }
  const sources = await sourcesOf(media.urls, owner, studio.uploads, services.limits.maxUploadBytes)
  return { model: request.model, sources, watch }
}

function idempotencyKeyOf(c: Request): string | undefined {
  const key = c.req.header('idempotency-key')
  if (key === undefined || IDEMPOTENCY_KEY.test(key)) return key
  throw new ApiError(400, 'invalid_value', 'Idempotency-Key: expected 1 to 255 visible ASCII characters.')
}
