import { lookup } from 'node:dns/promises'
import { clearTimeout, setTimeout } from 'node:timers'
import { CancelledError, EngineError, InvalidOptionError } from '@longtake/core'
import { reachOf } from '../hub/address.js'
import { withAbort } from '../ort/abort.js'
import type { Dialect } from './chat-request.js'
import { type Asked, exchange, type Reply } from './http-exchange.js'
import { fieldOf, textOf } from './json-fields.js'
import { type Asking, dialectOf, refusalOf } from './refusal.js'
import type { RemoteId } from './remote-id.js'

const MAX_REDIRECTS = 3
/** Tries of one question that meets a busy server. */
const MAX_TRIES = 4
/** Longest wait before another try; who asks for more is told to the caller instead. */
const MAX_WAIT_SECONDS = 60
/** Bytes that are read of an answer that is no success. */
const MAX_REFUSAL_BYTES = 64 * 1024
/** Bytes of a list of models; the longest hosted ones have about 1 MB. */
const MAX_LIST_BYTES = 8 * 1024 * 1024
/** What a list of models is waited for; it is nothing but a courtesy. */
const LIST_SECONDS = 10
/** Models that a message names. */
const MAX_NAMED = 8

const NEVER = new AbortController().signal

/** An API as OpenAI's, and one model of it. Its key is sent to its own origin, and shown nowhere. */
export class Endpoint {
  readonly model: string
  readonly host: string
  readonly #base: URL
  readonly #key: string | undefined
  readonly #timeoutSeconds: number
  #isReached = false
  #dialect: Dialect = { namesCompletion: false, fixesTemperature: false }

  constructor({ base, model }: RemoteId, key: string | undefined, timeoutSeconds: number) {
    this.model = model
    this.host = base.host
    this.#base = base
    this.#key = key
    this.#timeoutSeconds = timeoutSeconds
  }

  get asking(): Asking {
    return { host: this.host, model: this.model, key: this.#key }
  }

  /**
   * Looks whether there is a server at all, before anything is decoded for it. One that does not list its models passes.
   *
   * @throws {EngineError} `ENGINE_UNAVAILABLE` if it cannot be reached, or refuses the key.
   * @throws {InvalidOptionError} If pictures and key would travel through the internet in the clear.
   */
  async check(signal: AbortSignal = NEVER): Promise<void> {
    if (this.#isReached) return
    await this.#requireSafe()
    try {
      const reply = await this.#send({ method: 'GET' }, 'models', signal, LIST_SECONDS)
      reply.drop()
      // Keys may be good for asking only: then the list alone is forbidden (403).
      if (reply.status === 401) throw refusalOf(401, '', this.asking)
    } catch (error) {
      // A server that is busy with an answer is there.
      if (!(error instanceof EngineError && error.code === 'ENGINE_TIMEOUT')) throw error
    }
    this.#isReached = true
  }

  /** What is known of how the model wants to be asked. */
  get dialect(): Dialect {
    return this.#dialect
  }

  /**
   * Asks a question, again where the server is busy, or wants it put otherwise.
   *
   * @param write - The request, as JSON.
   * @returns An answer that is a success; read or drop it.
   * @throws {EngineError} Whatever the server's refusal means.
   */
  async ask(write: (dialect: Dialect) => string, signal: AbortSignal): Promise<Reply> {
    let body = write(this.#dialect)
    for (let tries = 1; ; tries++) {
      const headers = { 'content-type': 'application/json', accept: 'text/event-stream' }
      const asked = { method: 'POST', headers, body } as const
      const reply = await this.#send(asked, 'chat/completions', signal, this.#timeoutSeconds)
      if (reply.status >= 200 && reply.status < 300) return reply
      const text = await readText(reply, MAX_REFUSAL_BYTES)
      const again = reply.status === 400 ? this.#putOtherwise(text, write) : body
      if (again !== body && tries < MAX_TRIES) {
        body = again
        continue
      }
      const wait = waitSeconds(reply, tries)
      const isBusy = reply.status === 429 || reply.status === 503
      if (!isBusy || tries === MAX_TRIES || wait > MAX_WAIT_SECONDS)
        throw await this.#refusal(reply.status, text, signal)
      await pause(wait, signal)
    }
  }

  #putOtherwise(text: string, write: (dialect: Dialect) => string): string {
    this.#dialect = dialectOf(text, this.#dialect)
    return write(this.#dialect)
  }

  async #refusal(status: number, text: string, signal: AbortSignal): Promise<EngineError> {
    if (status !== 404) return refusalOf(status, text, this.asking)
    const models = await this.#models(signal)
    const { host, model } = this
    const isUnknown = models.length > 0 && !models.includes(model)
    const shown = models.slice(0, MAX_NAMED).join(', ') + (models.length > MAX_NAMED ? ' and others' : '')
    const sentence = isUnknown
      ? `${host} has no model ${model}. It has: ${shown}.`
      : `${host} has nothing at ${this.#base.pathname}chat/completions, or no model ${model}: check the address, which usually ends in /v1, and the name.`
    return new EngineError('ENGINE_UNAVAILABLE', sentence)
  }

  /** Names of the server's models; none where it does not say. */
  async #models(signal: AbortSignal): Promise<readonly string[]> {
    try {
      const reply = await this.#send({ method: 'GET' }, 'models', signal, LIST_SECONDS)
      const data = fieldOf(JSON.parse(await readText(reply, MAX_LIST_BYTES)), 'data')
      if (reply.status !== 200 || !Array.isArray(data)) return []
      return data.map((it) => textOf(fieldOf(it, 'id'))).filter((id) => /^[^\s\p{Cc}]{1,256}$/u.test(id))
    } catch (error) {
      if (error instanceof CancelledError) throw error
      return []
    }
  }

  /** Follows redirects within the API's own origin; pictures and key go nowhere else. */
  async #send(
    asked: Pick<Asked, 'method' | 'body'> & Partial<Asked>,
    path: string,
    signal: AbortSignal,
    silenceSeconds: number,
  ): Promise<Reply> {
    const headers = {
      'user-agent': 'longtake',
      ...asked.headers,
      ...(asked.body !== undefined && { 'content-length': String(Buffer.byteLength(asked.body)) }),
      ...(this.#key !== undefined && { authorization: `Bearer ${this.#key}` }),
    }
    let url = new URL(path, this.#base)
    for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
      const reply = await exchange(url, { ...asked, headers }, { silenceSeconds, signal })
      if (reply.status < 300 || reply.status >= 400) return reply
      reply.drop()
      url = this.#redirected(reply, url, asked.method)
    }
    throw new EngineError(
      'ENGINE_UNAVAILABLE',
      `${this.host} redirects more than ${MAX_REDIRECTS} times. Check the address.`,
    )
  }

  #redirected(reply: Reply, from: URL, method: Asked['method']): URL {
    const location = reply.header('location')
    const url = URL.canParse(location, from.href) ? new URL(location, from) : undefined
    // Other redirects would turn a question into something else.
    const isKept = method === 'GET' || reply.status === 307 || reply.status === 308
    if (url !== undefined && url.origin === this.#base.origin && isKept) return url
    const where = url === undefined ? 'nowhere' : url.origin === this.#base.origin ? url.pathname : url.origin
    throw new EngineError(
      'ENGINE_UNAVAILABLE',
      `${this.host} redirects to ${where} (${reply.status}), which is not followed. If you trust it, give that address instead.`,
    )
  }

  async #requireSafe(): Promise<void> {
    const { protocol, hostname } = this.#base
    if (protocol === 'https:' || (await reachOf(hostname)) !== 'public') return
    // Of a name that is not known the connection will tell.
    const isKnown = await lookup(hostname.replace(/^\[|\]$/g, '')).then(
      () => true,
      () => false,
    )
    if (!isKnown) return
    const need = 'an address with https:, because pictures and key would go through the internet in the clear'
    throw new InvalidOptionError('id', need, `http://${this.host}`)
  }
}

/** A body as text, as far as `most` bytes. */
export async function readText(reply: Reply, most: number): Promise<string> {
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of reply.body()) {
    pieces.push(piece)
    size += piece.length
    if (size >= most) break
  }
  return Buffer.concat(pieces).toString('utf8', 0, most)
}

/** As the server asks, by seconds or a date; else longer every time. */
function waitSeconds(reply: Reply, tries: number): number {
  const text = reply.header('retry-after').trim()
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text)
  const date = Date.parse(text)
  return Number.isNaN(date) ? 2 ** (tries - 1) : Math.max(0, (date - Date.now()) / 1000)
}

async function pause(seconds: number, signal: AbortSignal): Promise<void> {
  let stop = (): void => {}
  await withAbort(
    signal,
    () => stop(),
    () =>
      new Promise<void>((resolve, reject) => {
        const timer = setTimeout(resolve, seconds * 1000)
        stop = () => {
          clearTimeout(timer)
          reject(new CancelledError(undefined, { cause: signal.reason }))
        }
      }),
  )
}
