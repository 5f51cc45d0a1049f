import { EngineError, InvalidOptionError, LinkError, VideoError } from '@longtake/core'
import { z } from 'zod'

/** Until an answer begins; the API sends signs of life in streams. */
const REQUEST_MS = 60_000
/** A picture, or a description of a video. */
const MOST_BYTES = 32 * 2 ** 20

const errorSchema = z.object({ error: z.object({ message: z.string(), code: z.string().nullish() }) })

/** How the API's codes are named here; its own are those of Longtake in small letters. */
const LINK_CODES = [
  'LINK_REFUSED',
  'LINK_NOT_FOUND',
  'LINK_UNREACHABLE',
  'LINK_TOO_LARGE',
  'LINK_TOO_SLOW',
  'LINK_CHANGED',
  'LINK_BROKEN',
  'LINK_NOT_MEDIA',
] as const
const VIDEO_CODES = [
  'VIDEO_NOT_FOUND',
  'VIDEO_UNREADABLE',
  'VIDEO_NOT_A_VIDEO',
  'VIDEO_NO_VIDEO_TRACK',
  'VIDEO_UNSUPPORTED_CODEC',
  'VIDEO_TRUNCATED',
  'VIDEO_EMPTY',
  'VIDEO_TOO_LARGE',
] as const

export interface RemoteOptions {
  /** Address of a Longtake API, without `/v1`. */
  readonly url: string
  readonly key: string | undefined
}

/** Requests to a Longtake API. */
export class RemoteApi {
  readonly #options: RemoteOptions

  constructor(options: RemoteOptions) {
    this.#options = options
  }

  /** @throws {LongtakeError} As the API's error says; `ENGINE_UNAVAILABLE` if it does not answer. */
  async json<Schema extends z.ZodType>(
    schema: Schema,
    path: string,
    request: RequestInit & { readonly signal: AbortSignal },
  ): Promise<z.output<Schema>> {
    const response = await this.request(path, request)
    const parsed = schema.safeParse(await response.json().catch(() => undefined))
    if (parsed.success) return parsed.data
    throw new EngineError('ENGINE_FAILED', `${this.#host} answers what no Longtake API would.`)
  }

  async bytes(path: string, signal: AbortSignal): Promise<Uint8Array> {
    const response = await this.request(path, { signal })
    const bytes = new Uint8Array(await response.arrayBuffer())
    if (bytes.length > MOST_BYTES) throw new EngineError('ENGINE_FAILED', `${this.#host} sends too much.`)
    return bytes
  }

  /** An answer that is no error; reading its body is up to who calls. */
  async request(path: string, init: RequestInit & { readonly signal: AbortSignal }): Promise<Response> {
    const { key, url } = this.#options
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(), REQUEST_MS)
    try {
      const response = await fetch(`${url}${path}`, {
        ...init,
        redirect: 'error',
        signal: AbortSignal.any([init.signal, late.signal]),
        headers: { ...(key !== undefined && { Authorization: `Bearer ${key}` }), ...init.headers },
      })
      if (response.ok) return response
      throw failureOf(await response.json().catch(() => undefined), this.#host)
    } catch (error) {
      if (init.signal.aborted || !(error instanceof Error) || Reflect.has(error, 'code')) throw error
      throw new EngineError('ENGINE_UNAVAILABLE', `${this.#host} does not answer.`, { cause: error })
    } finally {
      clearTimeout(timer)
    }
  }

  get #host(): string {
    return `The Longtake API at ${new URL(this.#options.url).host}`
  }
}

/** The error that a body describes. */
export function failureOf(body: unknown, host: string): Error {
  const parsed = errorSchema.safeParse(body)
  if (!parsed.success) return new EngineError('ENGINE_UNAVAILABLE', `${host} cannot be used now.`)
  const { message, code } = parsed.data.error
  const name = (code ?? '').toUpperCase()
  const link = LINK_CODES.find((it) => it === name)
  if (link !== undefined) return new LinkError(link, message)
  const video = VIDEO_CODES.find((it) => it === name)
  if (video !== undefined) return new VideoError(video, message)
  if (name === 'CONTEXT_LENGTH_EXCEEDED') return new EngineError('CONTEXT_TOO_LONG', message)
  if (name === 'JOB_EXPIRED' || name === 'ENGINE_TIMEOUT') return new EngineError('ENGINE_TIMEOUT', message)
  if (name === 'INVALID_OPTION' || name === 'INVALID_VALUE')
    return new InvalidOptionError('longtake', message, {})
  // Full queues, restarts, rates, and engines that were lost: worth another attempt.
  return new EngineError('ENGINE_FAILED', message)
}
