import { ApiError } from '../http/api-error.js'
import { CALLER_HEADER } from '../http/callers.js'
import type { Request } from '../http/context.js'
import { endsWithError } from './stream-end.js'

/** After the engine's own deadline: then its answer about that is waited for. */
const SPARE_MS = 10_000
/** Seconds after which an engine that was away is asked again. */
const RETRY_AFTER_SECONDS = 5
/** All that is handed on of a request; hop-by-hop headers, cookies and addresses of clients are not. */
const REQUEST_HEADERS = ['accept', 'content-type', 'idempotency-key']
/** All that is handed on of an answer. */
const RESPONSE_HEADERS = [
  'content-type',
  'cache-control',
  'content-security-policy',
  'retry-after',
  'x-accel-buffering',
]

export interface UpstreamOptions {
  /** Address of the engine's server, without a slash at its end. */
  readonly url: string
  readonly key: string
  readonly deadlineSeconds: number
}

export interface UpstreamRequest {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly body?: string | ReadableStream<Uint8Array>
  /** Whether it is asked for the gateway itself instead of a caller. */
  readonly isOwn?: boolean
}

/** The engine behind a gateway. Where it is was settled at the start: no request says anything about that. */
export class Upstream {
  readonly #options: UpstreamOptions

  constructor(options: UpstreamOptions) {
    this.#options = options
  }

  /**
   * Asks the engine and hands its answer on, while it arrives. It ends when the client leaves.
   *
   * @param path - Fixed by the gateway's routes.
   * @throws {ApiError} 502 if the engine cannot be reached, or answers what no engine would; 504 if it does not answer.
   */
  async forward(c: Request, path: string, request: UpstreamRequest): Promise<Response> {
    const response = await this.#fetch(c, path, request)
    try {
      this.#check(c, request, response)
    } catch (error) {
      await response.body?.cancel().catch(() => {})
      throw error
    }
    const headers = new Headers()
    for (const name of RESPONSE_HEADERS) {
      const value = response.headers.get(name)
      if (value !== null) headers.set(name, value)
    }
    const location = response.headers.get('location')
    if (location !== null && /^\/v1\//.test(location)) headers.set('location', location)
    const isStream = (headers.get('content-type') ?? '').startsWith('text/event-stream')
    const body =
      isStream && response.body !== null ? endsWithError(response.body, lost().body) : response.body
    return new Response(body, { status: response.status, headers })
  }

  async #fetch(
    c: Request,
    path: string,
    { method, body, isOwn = false }: UpstreamRequest,
  ): Promise<Response> {
    const { url, key, deadlineSeconds } = this.#options
    const headers = new Headers({ Authorization: `Bearer ${key}`, 'X-Request-Id': c.get('requestId') })
    for (const name of REQUEST_HEADERS) {
      const value = c.req.header(name)
      if (value !== undefined) headers.set(name, value)
    }
    if (!isOwn) headers.set(CALLER_HEADER, c.get('caller').name)
    const { signal: left } = c.req.raw
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(), deadlineSeconds * 1000 + SPARE_MS)
    const signal = AbortSignal.any([left, late.signal])
    const streaming = body instanceof ReadableStream ? { duplex: 'half' } : {}
    const init = { method, headers, signal, redirect: 'manual', ...(body && { body }), ...streaming }
    try {
      return await fetch(url + path, init as RequestInit)
    } catch (cause) {
      if (left.aborted) throw new ApiError(499, 'cancelled', 'The request was cancelled.', { cause })
      if (late.signal.aborted) throw new ApiError(504, 'too_slow', 'The engine does not answer.', { cause })
      throw lost(cause)
    } finally {
      clearTimeout(timer)
    }
  }

  /** Lets through what an engine answers, errors in its shape included. */
  #check(c: Request, { isOwn = false }: UpstreamRequest, { status, ok, headers }: Response): void {
    if (status === 401 || status === 403 || (status >= 300 && status < 400)) throw misled(status)
    if (!ok && !/^application\/json\b/.test(headers.get('content-type') ?? '')) {
      throw lost(undefined, headers.get('retry-after'), status)
    }
    if (!ok || isOwn) return
    if (headers.get(CALLER_HEADER)?.endsWith(`/${c.get('caller').name}`) !== true) throw misled(status)
  }
}

function lost(cause?: unknown, retryAfter?: string | null, status?: number): ApiError {
  const seconds = /^\d{1,6}$/.test(retryAfter ?? '') ? String(retryAfter) : String(RETRY_AFTER_SECONDS)
  const message = 'The engine cannot be reached. Try again.'
  return new ApiError(502, 'engine_unreachable', message, {
    headers: { 'Retry-After': seconds },
    cause: cause ?? `status ${status}`,
  })
}

/** Another try would end the same: the operator has to look. */
function misled(status: number): ApiError {
  const message = 'The engine does not know this gateway. Tell the operator the request id.'
  return new ApiError(502, 'engine_refused', message, { cause: `status ${status}` })
}
