import type { JobEvent } from '@longtake/jobs'
import { ApiError, apiErrorOf, reasonError } from '../http/api-error.js'
import type { Kit } from '../http/context.js'
import type { JobProgress, VideoResult } from '../videos/job.js'
import type { Asked } from './ask.js'
import { evidenceOf, usageOf } from './completion.js'

export interface StreamOptions {
  readonly includeUsage: boolean
  readonly returnProgress: boolean
  /** Told how it ended: `answered`, or the code of the error. */
  readonly onEnd: (outcome: string, error?: unknown) => void
}

type Event = JobEvent<VideoResult, JobProgress>
type Send = (frame: object | string) => void

/**
 * The answer as server-sent events: chunks of OpenAI's shape, comments as signs of life, `[DONE]`. A failure is an error
 * frame, after which nothing comes.
 *
 * @param onLeave - Called when the client is gone.
 */
export function streamAnswer(
  kit: Kit,
  asked: Asked,
  options: StreamOptions,
  signal: AbortSignal,
  onLeave: () => void,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  const left = new AbortController()
  const leave = (): void => {
    if (left.signal.aborted) return
    left.abort()
    onLeave()
  }
  return new ReadableStream<Uint8Array>({
    start(controller) {
      const write = (text: string): void => {
        if (!left.signal.aborted) controller.enqueue(encoder.encode(text))
      }
      if (signal.aborted) leave()
      signal.addEventListener('abort', leave, { once: true })
      const ping = setInterval(() => write(': ping\n\n'), kit.services.limits.pingMs)
      write(': ping\n\n')
      const send: Send = (frame) =>
        write(`data: ${typeof frame === 'string' ? frame : JSON.stringify(frame)}\n\n`)
      void follow(kit, asked, options, left.signal, send).finally(() => {
        clearInterval(ping)
        signal.removeEventListener('abort', leave)
        if (!left.signal.aborted) controller.close()
        left.abort()
      })
    },
    cancel: leave,
  })
}

async function follow(
  { services }: Kit,
  asked: Asked,
  options: StreamOptions,
  signal: AbortSignal,
  send: Send,
): Promise<void> {
  const frames = new Frames(asked, options, services.clock, send)
  try {
    frames.begin()
    for await (const event of services.jobs.watch(asked.id, { signal })) frames.take(event)
    options.onEnd('answered')
  } catch (error) {
    const failure = apiErrorOf(error)
    options.onEnd(failure.code, error)
    send(failure.body)
  }
}

/** Turns what happens to a job into frames. */
class Frames {
  readonly #asked: Asked
  readonly #options: StreamOptions
  readonly #clock: () => number
  readonly #send: Send
  readonly #startedAt: number
  /** Text that was sent; an attempt that starts over has to say the same. */
  #sent = ''
  /** Text of this attempt. */
  #said = ''

  constructor(asked: Asked, options: StreamOptions, clock: () => number, send: Send) {
    this.#asked = asked
    this.#options = options
    this.#clock = clock
    this.#send = send
    this.#startedAt = clock()
  }

  begin(): void {
    this.#chunk({ role: 'assistant', content: '' })
  }

  /** @throws {ApiError} If the job failed. */
  take(event: Event): void {
    if (event.type === 'started') this.#said = ''
    else if (event.type === 'queued') this.#tell({ longtake: { position: event.position } })
    else if (event.type === 'progress') this.#progress(event.progress)
    else if (event.type === 'token') this.#say(this.#said + event.text)
    else if (event.type === 'failed') throw reasonError(event.reason)
    else if (event.type === 'cancelled') throw new ApiError(499, 'cancelled', 'The request was cancelled.')
    else if (event.type === 'done') this.#end(event.result)
  }

  /** Says what is new of the text so far. */
  #say(said: string): void {
    this.#said = said
    if (said.length <= this.#sent.length && this.#sent.startsWith(said)) return
    if (!said.startsWith(this.#sent)) {
      throw new ApiError(
        503,
        'restarted',
        'The answer had to be started over, and came out differently. Ask again.',
        {
          headers: { 'Retry-After': '1' },
        },
      )
    }
    const content = said.slice(this.#sent.length)
    this.#sent = said
    this.#chunk({ content })
  }

  #progress({ stage, done, total }: JobProgress): void {
    const time_ms = Math.round(this.#clock() - this.#startedAt)
    this.#tell({
      prompt_progress: { total, cache: 0, processed: done, time_ms },
      longtake: { stage, done, total },
    })
  }

  #tell(fields: object): void {
    if (this.#options.returnProgress) this.#chunk({}, null, fields)
  }

  #end(result: VideoResult): void {
    if (result.kind !== 'ask') throw new ApiError(500, 'internal_error', 'The job was no question.')
    // The result says everything again: what of the tokens was forgotten comes now.
    this.#say(result.text)
    this.#chunk({}, result.finishReason, { longtake: evidenceOf(result) })
    if (this.#options.includeUsage) this.#send({ ...this.#head(), choices: [], usage: usageOf(result) })
    this.#send('[DONE]')
  }

  #chunk(delta: object, finishReason: string | null = null, fields: object = {}): void {
    const choices = [{ index: 0, delta, logprobs: null, finish_reason: finishReason }]
    const usage = this.#options.includeUsage ? { usage: null } : {}
    this.#send({ ...this.#head(), choices, ...usage, ...fields })
  }

  #head() {
    const { id, created, model } = this.#asked
    return { id: `chatcmpl-${id}`, object: 'chat.completion.chunk', created, model }
  }
}
