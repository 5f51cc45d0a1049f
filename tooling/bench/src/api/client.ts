import { isRecord } from '../json.js'
import type { ApiServer } from './server.js'

const MODEL = '@longtake/tiny'

/** A question about one video, and who asks it. */
export interface Question {
  /** `http:` or `data:`. */
  readonly video: string
  readonly text: string
  readonly key?: string | undefined
  readonly idempotencyKey?: string | undefined
  readonly isPicture?: boolean | undefined
}

/** What came back of a streamed question. */
export interface Streamed {
  /** Id of the job; undefined when it was not accepted. */
  readonly id: string | undefined
  /** All that was said. */
  readonly text: string
  /** Code of the error that was stated; undefined without one. */
  readonly failure: string | undefined
  /** Whether it came to its proper end. */
  readonly isDone: boolean
  /** Places in the queue, as they were told, and when, milliseconds of `performance.now`. */
  readonly positions: readonly { readonly position: number; readonly atMs: number }[]
}

export function chatRequest(question: Question, fields: object, signal?: AbortSignal): RequestInit {
  const { video, text, key, idempotencyKey, isPicture } = question
  const part = isPicture
    ? { type: 'image_url', image_url: { url: video } }
    : { type: 'video_url', video_url: { url: video } }
  const messages = [{ role: 'user', content: [part, { type: 'text', text }] }]
  return {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      ...(key !== undefined && { Authorization: `Bearer ${key}` }),
      ...(idempotencyKey !== undefined && { 'Idempotency-Key': idempotencyKey }),
    },
    body: JSON.stringify({ model: MODEL, messages, ...fields }),
    ...(signal && { signal }),
  }
}

/**
 * Asks and follows the stream. A connection that breaks is no exception: what had come is returned.
 *
 * @param onAccepted - Told once the question is a job of the server's.
 */
export async function askStreamed(
  { url }: Pick<ApiServer, 'url'>,
  question: Question,
  onAccepted: (id: string) => void = () => {},
  signal?: AbortSignal,
): Promise<Streamed> {
  const reader = new StreamReader(onAccepted)
  try {
    const fields = { stream: true, return_progress: true }
    const response = await fetch(`${url}/v1/chat/completions`, chatRequest(question, fields, signal))
    if (!response.ok || response.body === null) {
      reader.fail(await response.json())
      return reader.result
    }
    let rest = ''
    for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) if (line.startsWith('data: ')) reader.take(line.slice(6))
    }
  } catch {
    // The connection broke; the result is not done.
  }
  return reader.result
}

/** Puts the frames of a stream together. */
class StreamReader {
  readonly #onAccepted: (id: string) => void
  readonly #positions: { readonly position: number; readonly atMs: number }[] = []
  #id: string | undefined
  #text = ''
  #failure: string | undefined
  #isDone = false

  constructor(onAccepted: (id: string) => void) {
    this.#onAccepted = onAccepted
  }

  get result(): Streamed {
    return {
      id: this.#id,
      text: this.#text,
      failure: this.#failure,
      isDone: this.#isDone,
      positions: this.#positions,
    }
  }

  take(data: string): void {
    if (data === '[DONE]') {
      this.#isDone = true
      return
    }
    const frame: unknown = JSON.parse(data)
    if (!isRecord(frame)) return
    if ('error' in frame) this.fail(frame)
    if (this.#id === undefined && typeof frame.id === 'string') {
      this.#id = frame.id
      this.#onAccepted(frame.id)
    }
    const extra = isRecord(frame.longtake) ? frame.longtake.position : undefined
    if (typeof extra === 'number') this.#positions.push({ position: extra, atMs: performance.now() })
    this.#text += contentOf(frame)
  }

  /** @param body - OpenAI's error. */
  fail(body: unknown): void {
    this.#failure = errorCode(body) ?? 'unknown'
  }
}

/** Code of an error in OpenAI's shape; undefined if it is none. */
export function errorCode(body: unknown): string | undefined {
  const error = isRecord(body) ? body.error : undefined
  if (!isRecord(error) || typeof error.message !== 'string') return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

function contentOf(frame: Readonly<Record<string, unknown>>): string {
  const [choice] = Array.isArray(frame.choices) ? frame.choices : []
  const delta: unknown = isRecord(choice) ? choice.delta : undefined
  return isRecord(delta) && typeof delta.content === 'string' ? delta.content : ''
}
