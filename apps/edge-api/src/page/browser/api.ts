import { readEvents } from './events.js'
import { Failure } from './failure.js'

const KEY = 'longtake.key'

/** The key of this tab; gone when it is closed. */
export const key = {
  get: (): string => sessionStorage.getItem(KEY) ?? '',
  set: (value: string): void =>
    value === '' ? sessionStorage.removeItem(KEY) : sessionStorage.setItem(KEY, value),
}

export type StageName = 'open' | 'decode' | 'encode' | 'prefill'

export interface Progress {
  readonly stage: StageName
  readonly done: number
  readonly total: number
}

interface VideoFacts {
  readonly duration: number
  readonly width: number
  readonly height: number
}

export interface Video {
  readonly id: string
  readonly source: string
  readonly model: string
  readonly status: 'queued' | 'watching' | 'ready' | 'failed' | 'cancelled'
  readonly position?: number
  readonly progress?: Progress | null
  readonly video?: VideoFacts
  readonly plan?: { readonly frames: number }
  readonly error?: { readonly code: string; readonly message: string }
}

export interface Frame {
  readonly index: number
  readonly timestamp: number
  readonly weight: number
}

/** What an answer rests on, and what it took. */
export interface Evidence {
  readonly video: VideoFacts
  readonly frames: readonly Frame[]
  readonly timings: { readonly total: number }
  readonly notes: readonly string[]
}

/** A frame of a streamed answer. */
export interface Chunk {
  readonly choices?: readonly {
    readonly delta: { readonly content?: string }
    readonly finish_reason: string | null
  }[]
  readonly longtake?: Partial<Progress & Evidence> & { readonly position?: number }
  readonly error?: { readonly code: string; readonly message: string }
}

/** The names of the models, the default first. */
export async function models(): Promise<readonly string[]> {
  const { data } = await json<{ data: readonly { id: string }[] }>(await call('/v1/models', {}))
  return data.map(({ id }) => id)
}

/** Registers a link or a file. */
export async function addVideo(
  source: string | File,
  model: string | undefined,
  signal: AbortSignal,
): Promise<Video> {
  if (typeof source === 'string') {
    const body = JSON.stringify({ url: source, ...(model !== undefined && { model }) })
    return json(
      await call('/v1/videos', {
        method: 'POST',
        body,
        signal,
        headers: { 'Content-Type': 'application/json' },
      }),
    )
  }
  const form = new FormData()
  form.set('file', source)
  if (model !== undefined) form.set('model', model)
  return json(await call('/v1/videos', { method: 'POST', body: form, signal }))
}

export async function readVideo(id: string, signal: AbortSignal): Promise<Video> {
  return json(await call(`/v1/videos/${encodeURIComponent(id)}`, { signal }))
}

/** Nobody wants it any more. That this may fail is of no consequence: it expires. */
export function forgetVideo(id: string): void {
  call(`/v1/videos/${encodeURIComponent(id)}`, { method: 'DELETE' }).catch(() => {})
}

/** Asks, and gives what comes as it comes. */
export async function* ask(
  { id, model }: Video,
  question: string,
  signal: AbortSignal,
): AsyncGenerator<Chunk, void, undefined> {
  const body = JSON.stringify({
    model,
    messages: [{ role: 'user', content: question }],
    stream: true,
    return_progress: true,
    longtake: { video: id },
  })
  const headers = { 'Content-Type': 'application/json' }
  const response = await call('/v1/chat/completions', { method: 'POST', body, signal, headers })
  if (response.body === null) throw new Failure(0, 'offline', 'The answer has no body.')
  for await (const data of readEvents(response.body)) {
    if (data === '[DONE]') return
    const chunk = JSON.parse(data) as Chunk
    if (chunk.error !== undefined) throw new Failure(200, chunk.error.code, chunk.error.message)
    yield chunk
  }
  throw new Failure(0, 'offline', 'The answer broke off.')
}

/** The sheet of frames, with those that the last answer rests on marked. */
export async function storyboard(id: string, signal: AbortSignal): Promise<Blob> {
  return (await call(`/v1/videos/${encodeURIComponent(id)}/storyboard.png`, { signal })).blob()
}

/** @throws {Failure} Whatever is no success. */
async function call(path: string, init: RequestInit): Promise<Response> {
  const headers = new Headers(init.headers)
  if (key.get() !== '') headers.set('Authorization', `Bearer ${key.get()}`)
  let response: Response
  try {
    response = await fetch(path, { ...init, signal: init.signal ?? null, headers, redirect: 'error' })
  } catch (error) {
    if (init.signal?.aborted) throw error
    throw new Failure(0, 'offline', 'No answer came back.')
  }
  if (response.ok) return response
  const retry = Number(response.headers.get('Retry-After') ?? Number.NaN)
  const body = (await response.json().catch(() => ({}))) as { error?: { code?: string; message?: string } }
  const { code = 'unknown', message = `The server answered with ${response.status}.` } = body.error ?? {}
  throw new Failure(response.status, code, message, Number.isFinite(retry) ? retry : undefined)
}

async function json<T>(response: Response): Promise<T> {
  return (await response.json()) as T
}
