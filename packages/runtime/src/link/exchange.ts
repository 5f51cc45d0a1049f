import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import { isIP } from 'node:net'
import { clearTimeout, setTimeout } from 'node:timers'
import { LinkError } from '@longtake/core'
import { systemCode } from '../features/error.js'
import { cancelled, throwIfAborted } from '../ort/abort.js'
import type { Budget } from './budget.js'
import type { LinkLimits } from './policy.js'

/** Connections kept open to one address. */
const MAX_SOCKETS = 4

/** One server's answer; its body is read, or dropped, exactly once. */
export interface Answer {
  readonly status: number
  /** A header's value; undefined without one. */
  header(name: string): string | undefined
  /**
   * The body's pieces as they come.
   *
   * @throws {LinkError} Where the server is too slow, or the connection ends before the body does.
   */
  body(): AsyncGenerator<Uint8Array>
  /** Ends a connection whose body is not wanted. */
  drop(): void
}

/** Connections of one link. */
export interface Agents {
  readonly http: HttpAgent
  readonly https: HttpsAgent
}

export function openAgents(): Agents {
  const options = { keepAlive: true, maxSockets: MAX_SOCKETS }
  return { http: new HttpAgent(options), https: new HttpsAgent(options) }
}

/** What an exchange needs beside the request. */
export interface ExchangeContext {
  readonly agents: Agents
  readonly limits: LinkLimits
  readonly budget: Budget
  readonly signal: AbortSignal
}

/** The connection was not made, or broke before the whole answer was here; another try may do better. */
export class ConnectionFailure extends LinkError {
  constructor(sentence: string, cause?: unknown) {
    super('LINK_UNREACHABLE', sentence, { cause })
  }
}

/**
 * Asks one server at one address that was checked. Nothing is looked up here: the connection is made to the address itself,
 * while `Host`, SNI and the certificate's name stay those of the link.
 *
 * @throws {ConnectionFailure} If there is no answer.
 * @throws {LinkError} `LINK_TOO_SLOW`, `LINK_TOO_LARGE` for its headers, `LINK_BROKEN` if it is not HTTP.
 */
export async function exchange(
  url: URL,
  address: string,
  headers: Readonly<Record<string, string>>,
  context: ExchangeContext,
): Promise<Answer> {
  const { budget, signal } = context
  throwIfAborted(signal)
  budget.begin()
  const exchanged = new Exchange(context)
  try {
    return await exchanged.start(url, address, headers)
  } catch (error) {
    exchanged.finish()
    throw error
  }
}

class Exchange {
  readonly #context: ExchangeContext
  readonly #deadline: NodeJS.Timeout
  readonly #onAbort = (): void => this.#fail(cancelled(this.#context.signal))
  #destroy: (error: Error) => void = () => {}
  #failure: Error | undefined
  #isOver = false

  constructor(context: ExchangeContext) {
    this.#context = context
    this.#deadline = setTimeout(() => this.#fail(context.budget.late()), Math.ceil(context.budget.leftMs))
    context.signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  async start(url: URL, address: string, headers: Readonly<Record<string, string>>): Promise<Answer> {
    const { limits } = this.#context
    const timer = setTimeout(() => this.#fail(slow(limits)), limits.stallSeconds * 1000)
    try {
      return this.#answer(await this.#send(url, address, headers))
    } catch (error) {
      throw this.#failure ?? failureOf(error)
    } finally {
      clearTimeout(timer)
    }
  }

  /** Gives timers back; safe to call twice. */
  finish(): void {
    if (this.#isOver) return
    this.#isOver = true
    clearTimeout(this.#deadline)
    this.#context.signal.removeEventListener('abort', this.#onAbort)
    this.#context.budget.end()
  }

  #send(url: URL, address: string, headers: Readonly<Record<string, string>>): Promise<IncomingMessage> {
    const { agents, limits } = this.#context
    const isSecure = url.protocol === 'https:'
    return new Promise((resolve, reject) => {
      const message = (isSecure ? requestHttps : requestHttp)({
        agent: isSecure ? agents.https : agents.http,
        host: address,
        family: isIP(address),
        port: url.port === '' ? (isSecure ? 443 : 80) : Number(url.port),
        path: `${url.pathname}${url.search}`,
        maxHeaderSize: limits.maxHeaderBytes,
        // An address has no server name; the certificate is then compared with the address itself.
        ...(isSecure && isIP(bare(url)) === 0 && { servername: bare(url) }),
        headers: {
          host: url.host,
          'user-agent': 'longtake',
          accept: '*/*',
          // Lengths and ranges are those of the file, and nothing unpacks to more than was sent.
          'accept-encoding': 'identity',
          ...headers,
        },
      })
      this.#destroy = (error) => message.destroy(error)
      message.once('response', resolve)
      message.on('error', reject)
      message.end()
      if (this.#failure !== undefined) message.destroy(this.#failure)
    })
  }

  #answer(response: IncomingMessage): Answer {
    this.#destroy = (error) => response.destroy(error)
    // Errors are thrown where the body is read; one that comes before or after must not end the process.
    response.on('error', () => {})
    return {
      status: response.statusCode ?? 0,
      header: (name) => {
        const value = response.headers[name]
        return Array.isArray(value) ? value.join(', ') : value
      },
      body: () => this.#body(response),
      drop: () => {
        response.destroy()
        this.finish()
      },
    }
  }

  async *#body(response: IncomingMessage): AsyncGenerator<Uint8Array> {
    const { limits, budget } = this.#context
    let received = 0
    const timer = setInterval(() => {
      if (received < limits.minBytesPerSecond * limits.stallSeconds) this.#fail(slow(limits))
      received = 0
    }, limits.stallSeconds * 1000)
    try {
      for await (const piece of response as AsyncIterable<Uint8Array>) {
        received += piece.length
        budget.add(piece.length)
        yield piece
      }
      if (this.#failure !== undefined || !response.complete)
        throw new Error('The connection ended too early.')
    } catch (error) {
      throw this.#failure ?? failureOf(error)
    } finally {
      clearInterval(timer)
      if (!response.complete) response.destroy()
      this.finish()
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error
    this.#destroy(error)
  }
}

/** The host without the brackets of IPv6. */
function bare(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
}

function slow({ minBytesPerSecond, stallSeconds }: LinkLimits): LinkError {
  const sentence = `The link's server sends less than ${minBytesPerSecond} bytes per second over ${stallSeconds} seconds.`
  return new LinkError('LINK_TOO_SLOW', sentence)
}

/** What a failure of the connection means; its own words could name addresses. */
function failureOf(error: unknown): Error {
  if (error instanceof LinkError) return error
  const code = systemCode(error)
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new LinkError('LINK_TOO_LARGE', "The headers of the link's server are too long.", { cause: error })
  }
  if (code.startsWith('HPE_')) {
    return new LinkError('LINK_BROKEN', "The link's server does not speak HTTP as it should.", {
      cause: error,
    })
  }
  if (/CERT|TLS|SSL|VERIFY|SIGNATURE/.test(code)) {
    const sentence =
      "No secure connection to the link's server could be made: its certificate is not valid here."
    return new LinkError('LINK_UNREACHABLE', sentence, { cause: error })
  }
  return new ConnectionFailure("The link's server could not be reached, or ended the connection.", error)
}
