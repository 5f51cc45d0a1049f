import { isLongtakeError, JobError, type JobReason } from '@longtake/core'
import { HTTPException } from 'hono/http-exception'

/** Statuses that the API answers with when something is wrong. */
export type ErrorStatus =
  | 400
  | 401
  | 403
  | 404
  | 405
  | 408
  | 409
  | 413
  | 415
  | 422
  | 429
  | 499
  | 500
  | 502
  | 503
  | 504

/** A failure as clients see it. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: ErrorStatus
  readonly code: string
  readonly param: string | null
  readonly headers: Readonly<Record<string, string>>

  constructor(
    status: ErrorStatus,
    code: string,
    message: string,
    details: {
      readonly param?: string | null
      readonly headers?: Readonly<Record<string, string>>
    } & ErrorOptions = {},
  ) {
    super(message, details)
    this.status = status
    this.code = code
    this.param = details.param ?? null
    this.headers = details.headers ?? {}
  }

  /** The body in OpenAI's shape. */
  get body() {
    return { error: { message: this.message, type: typeOf(this.status), param: this.param, code: this.code } }
  }
}

/** How a code of Longtake is answered. Without `say` its own message is for strangers too. */
interface Rule {
  readonly status: ErrorStatus
  /** Code that OpenAI's clients know, where there is one. */
  readonly code?: string
  /** Instead of the message, where that could name files, processes or native errors. */
  readonly say?: string
  readonly retryAfterSeconds?: number
}

const BROKEN_ENGINE = 'The model could not work on this. Try again; if it stays, tell the operator.'
const BROKEN_SERVER = 'Something went wrong here. Try again; if it stays, tell the operator the request id.'

/** The one table from Longtake's codes to answers. What is missing in it is a 500 that says nothing. */
const RULES: Readonly<Record<string, Rule>> = {
  INVALID_OPTION: { status: 400 },
  CONTEXT_TOO_LONG: { status: 400, code: 'context_length_exceeded' },
  VIDEO_NOT_FOUND: { status: 422, say: 'The video is not there any more: send it again.' },
  VIDEO_UNREADABLE: {
    status: 422,
    say: 'The video cannot be read: it is damaged, or was cut off on its way.',
  },
  VIDEO_NOT_A_VIDEO: { status: 422 },
  VIDEO_NO_VIDEO_TRACK: { status: 422 },
  VIDEO_UNSUPPORTED_CODEC: { status: 422 },
  VIDEO_TRUNCATED: { status: 422 },
  VIDEO_EMPTY: { status: 422 },
  VIDEO_TOO_LARGE: { status: 422 },
  LINK_REFUSED: { status: 422 },
  LINK_NOT_FOUND: { status: 422 },
  LINK_TOO_LARGE: { status: 422 },
  LINK_BROKEN: { status: 422 },
  LINK_NOT_MEDIA: { status: 422 },
  LINK_UNREACHABLE: { status: 502 },
  LINK_TOO_SLOW: { status: 504 },
  LINK_CHANGED: { status: 409 },
  ENGINE_FAILED: { status: 500, say: BROKEN_ENGINE },
  ENGINE_CRASHED: { status: 500, say: BROKEN_ENGINE },
  ENGINE_TIMEOUT: { status: 504, say: 'The time for this request ran out.' },
  ENGINE_UNAVAILABLE: { status: 503, say: BROKEN_ENGINE, retryAfterSeconds: 30 },
  ENGINE_CLOSED: { status: 503, say: 'The video was given back. Ask again.', retryAfterSeconds: 1 },
  JOBS_FULL: { status: 503, code: 'queue_full' },
  JOBS_CLOSED: { status: 503, say: 'The server restarts. Ask again.', retryAfterSeconds: 5 },
  JOB_TOO_LARGE: { status: 413, say: 'The request is too large.' },
  JOB_CONFLICT: { status: 409, say: 'This Idempotency-Key was used for another request.' },
  JOB_EXPIRED: { status: 504, say: 'The time for this request ran out.' },
  JOB_INTERRUPTED: {
    status: 503,
    say: 'The server was interrupted while it worked on this.',
    retryAfterSeconds: 5,
  },
  JOB_CANCELLED: { status: 499, code: 'cancelled', say: 'The request was cancelled.' },
  CANCELLED: { status: 499, code: 'cancelled', say: 'The request was cancelled.' },
}

/** Whatever was thrown, as clients may see it. */
export function apiErrorOf(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  if (error instanceof HTTPException) {
    const status = error.status === 413 ? 413 : 400
    return new ApiError(
      status,
      status === 413 ? 'body_too_large' : 'invalid_request',
      'The request cannot be read.',
    )
  }
  if (!isLongtakeError(error)) return unexpected(error)
  if (error instanceof JobError) {
    if (error.reason !== undefined) return reasonError(error.reason)
    return ruled(error.code, error.message, error, error.retryAfterSeconds)
  }
  const param = error.code === 'INVALID_OPTION' ? error.option : null
  return ruled(error.code, error.message, error, undefined, param)
}

/** Why a job failed, as clients may see it. */
export function reasonError({ code, message }: JobReason): ApiError {
  return ruled(code, message, undefined)
}

function ruled(
  code: string,
  message: string,
  cause: unknown,
  retryAfterSeconds?: number,
  param: string | null = null,
): ApiError {
  const rule = Object.hasOwn(RULES, code) ? RULES[code] : undefined
  if (rule === undefined) return unexpected(cause)
  const seconds = retryAfterSeconds ?? rule.retryAfterSeconds
  const headers = seconds === undefined ? {} : { 'Retry-After': String(seconds) }
  return new ApiError(rule.status, rule.code ?? code.toLowerCase(), rule.say ?? message, {
    param,
    headers,
    cause,
  })
}

function unexpected(cause: unknown): ApiError {
  return new ApiError(500, 'internal_error', BROKEN_SERVER, { cause })
}

function typeOf(status: ErrorStatus): string {
  if (status === 401) return 'authentication_error'
  if (status === 403) return 'permission_error'
  if (status === 429) return 'rate_limit_error'
  return status >= 500 ? 'server_error' : 'invalid_request_error'
}
