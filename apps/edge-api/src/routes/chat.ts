import { type Asked, submitQuestion } from '../chat/ask.js'
import { completionOf } from '../chat/completion.js'
import { type ChatRequest, chatSchema } from '../chat/schema.js'
import { streamAnswer } from '../chat/stream.js'
import { ApiError, apiErrorOf } from '../http/api-error.js'
import type { App, Kit, Request } from '../http/context.js'
import { readJson } from '../http/read-json.js'
import { jsonResponses } from './docs-schemas.js'
import { addRoute } from './routing.js'

/** `POST /v1/chat/completions`. */
export function addChat(app: App, kit: Kit): void {
  addRoute(
    app,
    'post',
    '/v1/chat/completions',
    {
      summary: 'Answer a question about a video',
      request: { body: { content: { 'application/json': { schema: chatSchema } }, required: true } },
      responses: jsonResponses(200, 'The answer; with `stream` as server-sent events'),
    },
    async (c) => {
      const request = await readJson(c, kit, chatSchema)
      const asked = await submitQuestion(c, kit, request)
      return request.stream === true ? stream(c, kit, request, asked) : whole(c, kit, asked)
    },
  )
}

async function whole(c: Request, kit: Kit, asked: Asked): Promise<Response> {
  const { jobs, metrics } = kit.services
  const { signal } = c.req.raw
  const leave = (): void => abandon(kit, asked)
  signal.addEventListener('abort', leave, { once: true })
  try {
    const result = await jobs.result(asked.id, { signal })
    if (result.kind !== 'ask') throw new ApiError(500, 'internal_error', 'The job was no question.')
    metrics.question({ model: asked.model, outcome: 'answered' })
    return c.json(completionOf(asked, result))
  } catch (error) {
    metrics.question({ model: asked.model, outcome: apiErrorOf(error).code })
    throw error
  } finally {
    signal.removeEventListener('abort', leave)
  }
}

function stream(c: Request, kit: Kit, request: ChatRequest, asked: Asked): Response {
  const { log, metrics } = kit.services
  const requestId = c.get('requestId')
  const onEnd = (outcome: string, error?: unknown): void => {
    metrics.question({ model: asked.model, outcome })
    const fields = { requestId, job: asked.id, outcome, ...(outcome === 'internal_error' && { err: error }) }
    log.info(fields, 'stream ended')
  }
  const options = {
    includeUsage: request.stream_options?.include_usage === true,
    returnProgress: request.return_progress === true,
    onEnd,
  }
  const body = streamAnswer(kit, asked, options, c.req.raw.signal, () => abandon(kit, asked))
  return c.body(body, 200, {
    'Content-Type': 'text/event-stream; charset=utf-8',
    'Cache-Control': 'no-store',
    // Proxies that buffer would hold back every word.
    'X-Accel-Buffering': 'no',
  })
}

/** Nobody waits any more: the work ends, unless the client said that it may come back. */
function abandon({ services }: Kit, { id, isKept }: Asked): void {
  if (isKept) return
  services.jobs.cancel(id).catch((error: unknown) => {
    services.log.warn({ job: id, code: apiErrorOf(error).code }, 'a job could not be cancelled')
  })
}
