import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import type { Cdn } from '../cdn.js'
import type { StandInClock } from '../clock.js'
import type { FaultOptions, Faults, Trouble } from '../faults.js'
import { ApiError, refusals } from './api-error.js'
import { RateLimiter } from './rate-limiter.js'
import { readBody } from './request-body.js'
import { type Call, matchPath, type Reply, type Route } from './route.js'

/** https://docs.discord.com/developers/reference#api-versioning */
const PREFIX = '/api/v10'

/** One request, as tests may look it up. */
export interface LoggedRequest {
  readonly method: string
  /** Behind `/api/v10`, without the query. */
  readonly path: string
  readonly body: unknown
  readonly atMs: number
  readonly status: number
  /** Discord's code where the request was refused. */
  readonly errorCode: number | undefined
  /** Whether an ordered fault made the answer. */
  readonly injected: boolean
}

interface RestOptions {
  readonly routes: readonly Route[]
  readonly faults: Faults
  readonly cdn: Cdn
  readonly clock: StandInClock
  readonly token: string
  /** Waiting for slow answers ends with it. */
  readonly signal: AbortSignal
}

interface Found {
  readonly route: Route
  readonly params: Record<string, string>
}

interface Answer extends Reply {
  readonly headers?: Record<string, string>
  readonly injected?: boolean
}

/** The HTTP side: routes, limits, faults and files. */
export class RestServer {
  readonly requests: LoggedRequest[] = []
  /** Faults of the stand-in itself: none, or its answers cannot be trusted. */
  readonly broken: unknown[] = []
  readonly #options: RestOptions
  readonly #limiter: RateLimiter

  constructor(options: RestOptions) {
    this.#options = options
    this.#limiter = new RateLimiter(options.clock)
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://rest')
    if (!url.pathname.startsWith('/api/')) return this.#serveFile(url, response)
    const path = url.pathname.slice(PREFIX.length)
    const call = `${request.method} ${path}`
    const fault = this.#options.faults.take(call)
    let body: unknown
    const answer = await this.#answer(request, url, path, fault, (read) => {
      body = read
    })
    if (fault?.trouble.kind === 'drop') {
      response.socket?.destroy()
    } else {
      write(response, answer)
    }
    this.requests.push({
      method: request.method ?? '',
      path,
      body,
      atMs: this.#options.clock.now(),
      status: fault?.trouble.kind === 'drop' ? 0 : answer.status,
      errorCode: errorCodeOf(answer),
      injected: answer.injected ?? false,
    })
  }

  async #answer(
    request: IncomingMessage,
    url: URL,
    path: string,
    fault: FaultOptions | undefined,
    keep: (body: unknown) => void,
  ): Promise<Answer> {
    const instead = fault === undefined ? undefined : troubled(fault.trouble)
    try {
      if (fault?.trouble.kind === 'rate-limit' || (instead && fault?.afterEffect !== true)) {
        request.resume()
        return instead ?? { status: 500 }
      }
      if (fault?.trouble.kind === 'slow' && fault.afterEffect !== true)
        await this.#delay(fault.trouble.delayMs)
      const answer = await this.#serve(request, url, path, keep)
      if (fault?.trouble.kind === 'slow' && fault.afterEffect === true)
        await this.#delay(fault.trouble.delayMs)
      return instead ?? answer
    } catch (error) {
      if (error instanceof ApiError) return { status: error.status, body: error.body }
      // A bot that is killed while it sends is no fault of the stand-in's.
      if (request.complete && request.errored === null) this.broken.push(error)
      return { status: 500, body: { message: '500: Internal Server Error', code: 0 } }
    }
  }

  async #serve(
    request: IncomingMessage,
    url: URL,
    path: string,
    keep: (body: unknown) => void,
  ): Promise<Answer> {
    const { route, params } = this.#find(request.method ?? '', url.pathname, path)
    if (route.auth === 'bot' && request.headers.authorization !== `Bot ${this.#options.token}`) {
      throw refusals.unauthorized()
    }
    const { body, files } = await readBody(request)
    keep(body)
    const decision = this.#limiter.take(route, path)
    if (!decision.allowed)
      return limited(decision.retryAfterMs, decision.global ? 'global' : 'user', decision.headers)
    const call: Call = { params, query: url.searchParams, body, files }
    try {
      return { ...route.handle(call), headers: decision.headers }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return { status: error.status, body: error.body, headers: decision.headers }
    }
  }

  #find(method: string, pathname: string, path: string): Found {
    if (!pathname.startsWith(`${PREFIX}/`)) throw refusals.notFound()
    const matching = this.#options.routes.flatMap((route) => {
      const params = matchPath(route.path, path)
      return params === undefined ? [] : [{ route, params }]
    })
    const found = matching.find(({ route }) => route.method === method)
    if (found !== undefined) return found
    throw matching.length > 0 ? refusals.methodNotAllowed() : refusals.notFound()
  }

  #delay(milliseconds: number): Promise<void> {
    return wait(milliseconds, undefined, { signal: this.#options.signal }).catch(() => undefined)
  }

  #serveFile(url: URL, response: ServerResponse): void {
    const file = this.#options.cdn.open(url)
    if (file === undefined) {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('This content is no longer available.')
      return
    }
    response
      .writeHead(200, { 'content-type': file.contentType, 'content-length': file.bytes.length })
      .end(file.bytes)
  }
}

/** What a fault answers in place of the route; nothing for delays. */
function troubled(trouble: Trouble): Answer | undefined {
  if (trouble.kind === 'status')
    return { status: trouble.status, body: { message: 'fault', code: 0 }, injected: true }
  if (trouble.kind === 'drop') return { status: 0, injected: true }
  if (trouble.kind === 'slow') return undefined
  return { ...limited(trouble.retryAfterMs, trouble.scope ?? 'user', {}), injected: true }
}

/** https://docs.discord.com/developers/topics/rate-limits#exceeding-a-rate-limit */
function limited(
  retryAfterMs: number,
  scope: 'user' | 'shared' | 'global',
  headers: Record<string, string>,
): Answer {
  return {
    status: 429,
    body: {
      message: scope === 'shared' ? 'The resource is being rate limited.' : 'You are being rate limited.',
      retry_after: retryAfterMs / 1000,
      global: scope === 'global',
    },
    headers: {
      ...headers,
      'Retry-After': String(Math.ceil(retryAfterMs / 1000)),
      'X-RateLimit-Scope': scope,
      ...(scope === 'global' && { 'X-RateLimit-Global': 'true' }),
    },
  }
}

function errorCodeOf(answer: Answer): number | undefined {
  const { body } = answer
  if (answer.status < 400 || body === undefined || Array.isArray(body)) return undefined
  return 'code' in body && typeof body.code === 'number' ? body.code : undefined
}

function write(response: ServerResponse, answer: Answer): void {
  if (response.destroyed) return
  const text = answer.body === undefined ? undefined : JSON.stringify(answer.body)
  response.writeHead(answer.status, {
    ...answer.headers,
    ...(text !== undefined && { 'content-type': 'application/json' }),
  })
  response.end(text)
}
