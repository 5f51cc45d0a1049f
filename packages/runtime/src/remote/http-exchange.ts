import { type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { clearTimeout, setTimeout } from 'node:timers'
import { EngineError } from '@longtake/core'
import { systemCode } from '../features/error.js'
import { cancelled, throwIfAborted } from '../ort/abort.js'

/** What is asked of a server. */
export interface Asked {
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | undefined
}

export interface ExchangeLimits {
  /** Seconds without a byte after which the exchange is given up. */
  readonly silenceSeconds: number
  readonly signal: AbortSignal
}

/** A server's answer. Its body is read, or dropped, exactly once. */
export interface Reply {
  readonly status: number
  /** A header's value; empty without one. */
  header(name: string): string
  /**
   * @throws {EngineError} `ENGINE_TIMEOUT`; `ENGINE_CRASHED` if the connection ends before the body does.
   * @throws {CancelledError} If the signal fires.
   */
  body(): AsyncGenerator<Uint8Array, void, undefined>
  /** Ends a connection whose body is not wanted. */
  drop(): void
}

/**
 * Asks a server once, following no redirects. Node's own client, because `fetch` gives up after minutes of silence, which
 * a large model on a small machine may well need before its first word.
 *
 * @throws {EngineError} `ENGINE_UNAVAILABLE` if there is no connection, `ENGINE_TIMEOUT` if there is no answer.
 * @throws {CancelledError} If the signal fires.
 */
export async function exchange(url: URL, asked: Asked, limits: ExchangeLimits): Promise<Reply> {
  throwIfAborted(limits.signal)
  const exchanged = new Exchange(url.host, limits)
  try {
    return await exchanged.start(url, asked)
  } catch (error) {
    exchanged.finish()
    throw error
  }
}

class Exchange {
  readonly #host: string
  readonly #limits: ExchangeLimits
  readonly #silence: NodeJS.Timeout
  readonly #onAbort = (): void => this.#fail(cancelled(this.#limits.signal))
  #stream: ClientRequest | IncomingMessage | undefined
  #failure: Error | undefined

  constructor(host: string, limits: ExchangeLimits) {
    this.#host = host
    this.#limits = limits
    const { silenceSeconds, signal } = limits
    this.#silence = setTimeout(() => this.#fail(silent(host, silenceSeconds)), silenceSeconds * 1000)
    signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  async start(url: URL, { method, headers, body }: Asked): Promise<Reply> {
    const send = url.protocol === 'https:' ? requestHttps : requestHttp
    try {
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        const request = send(url, {
          method,
          headers: { ...headers, 'accept-encoding': 'identity' },
          agent: false,
        })
        this.#stream = request
        request.once('response', resolve)
        request.on('error', reject)
        request.end(body)
      })
      this.#stream = response
      this.#silence.refresh()
      // Errors are thrown where the body is read; one that comes before or after must not end the process.
      response.on('error', () => {})
      if (this.#failure !== undefined) throw this.#failure
      return this.#reply(response)
    } catch (error) {
      throw this.#failure ?? unreachable(error, this.#host)
    }
  }

  /** Gives timers back; safe to call twice. */
  finish(): void {
    clearTimeout(this.#silence)
    this.#limits.signal.removeEventListener('abort', this.#onAbort)
    this.#stream?.destroy()
  }

  #reply(response: IncomingMessage): Reply {
    return {
      status: response.statusCode ?? 0,
      header: (name) => String(response.headers[name] ?? ''),
      body: () => this.#body(response),
      drop: () => this.finish(),
    }
  }

  async *#body(response: IncomingMessage): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for await (const piece of response as AsyncIterable<Uint8Array>) {
        this.#silence.refresh()
        yield piece
      }
      if (this.#failure !== undefined || !response.complete)
        throw new Error('The connection ended too early.')
    } catch (error) {
      throw this.#failure ?? cut(this.#host, error)
    } finally {
      this.finish()
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error
    this.#stream?.destroy(error)
  }
}

function silent(host: string, seconds: number): EngineError {
  const advice = 'It may be busy, or loading its model: try again, or give it more remote.timeoutSeconds.'
  return new EngineError('ENGINE_TIMEOUT', `${host} said nothing for ${seconds} s. ${advice}`)
}

/** An answer that ended before its end; it may be asked for again. */
export function cut(host: string, cause?: unknown): EngineError {
  const sentence = `${host} ended the connection in the middle of the answer. Ask again; its own log may say why.`
  return new EngineError('ENGINE_CRASHED', sentence, { cause })
}

/** Why there was no answer at all. */
function unreachable(error: unknown, host: string): EngineError {
  const code = systemCode(error)
  const why = (): string => {
    if (/NOTFOUND|EAI_|ENODATA/.test(code))
      return `The name ${host} is not known here. Check the address and the network.`
    if (/REFUSED/i.test(code))
      return `Nothing listens at ${host}. Start the server there, or check address and port.`
    if (/WRONG_VERSION|EPROTO/.test(code))
      return `${host} does not speak TLS. Begin the address with http: if it is a server of your own network.`
    if (/CERT|TLS|SSL|VERIFY|SIGNATURE/.test(code))
      return `The certificate of ${host} is not valid here (${code}). Check the address; for an authority of your own set NODE_EXTRA_CA_CERTS.`
    if (code.startsWith('HPE_')) return `${host} does not speak HTTP as it should. Check address and port.`
    return `${host} could not be reached, or ended the connection without an answer${code && ` (${code})`}. Check the address, and whether the server runs.`
  }
  return new EngineError('ENGINE_UNAVAILABLE', why(), { cause: error })
}
