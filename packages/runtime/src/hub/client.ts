import { clearTimeout, setTimeout } from 'node:timers'
import { CancelledError, HubError } from '@longtake/core'
import { systemCode } from '../features/error.js'
import { reachOf } from './address.js'
import type { HubModel } from './model-id.js'
import type { HubSettings } from './settings.js'

/** Redirects of one request; hubs use one or two. */
const MAX_REDIRECTS = 5
/** Bytes of a list of files: ten thousand files take about 4 MB. */
const MAX_LIST_BYTES = 32 * 2 ** 20
/** Failures in a row, with less than `PROGRESS_BYTES` received since the first of them. */
const MAX_FAILURES = 6
const PROGRESS_BYTES = 2 ** 20
/** Longest wait before another try, whatever the hub asks for. */
const MAX_WAIT_MS = 60_000

/** How patient the client is, and in what pieces it asks. */
export interface Patience {
  /** Milliseconds before the second try; doubled for every further one. */
  readonly backoffMs: number
  /** Milliseconds without a byte after which a connection counts as cut. */
  readonly stallMs: number
  /** Files of more bytes than this come in ranges of so many. */
  readonly segmentBytes: number
}

export const USUAL_PATIENCE: Patience = { backoffMs: 500, stallMs: 60_000, segmentBytes: 64 * 2 ** 20 }

/** What may go away by itself: a cut, a busy hub. */
export class Interruption extends Error {
  /** Milliseconds that the hub asks to wait. */
  readonly waitMs: number | undefined

  constructor(message: string, options?: ErrorOptions & { readonly waitMs?: number | undefined }) {
    super(message, options)
    this.waitMs = options?.waitMs
  }
}

/** Asks one hub for one model. */
export class HubClient {
  readonly #settings: HubSettings
  readonly #model: HubModel
  readonly #patience: Patience

  constructor(settings: HubSettings, model: HubModel, patience: Patience) {
    this.#settings = settings
    this.#model = model
    this.#patience = patience
  }

  /** The hub's answer about a revision, as it came. */
  async list(revision: string, signal: AbortSignal): Promise<unknown> {
    const path = `api/models/${this.#model.id}/revision/${encodeURIComponent(revision)}?blobs=true`
    const text = await this.retry(
      signal,
      () => 0,
      () => this.#readText(path, signal),
    )
    try {
      return JSON.parse(text)
    } catch (error) {
      throw new HubError('HUB_INVALID', `${this.#host} answered with something else than JSON.`, {
        cause: error,
      })
    }
  }

  /**
   * Receives a file from byte `offset` on.
   *
   * @param onAnswer - Told the answer before its bytes; throws where they are not wanted.
   * @param onBytes - Told each piece, in order.
   */
  async receive(
    path: string,
    commit: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
    onAnswer: (response: Response) => Promise<void>,
    onBytes: (bytes: Uint8Array) => Promise<void>,
  ): Promise<void> {
    const file = path.split('/').map(encodeURIComponent).join('/')
    await this.#exchange(`${this.#model.id}/resolve/${commit}/${file}`, headers, signal, onAnswer, onBytes)
  }

  /** Runs `attempt` until it succeeds, fails for good, or was interrupted too often without progress. */
  async retry<R>(signal: AbortSignal, received: () => number, attempt: () => Promise<R>): Promise<R> {
    let failures = 0
    let before = received()
    for (;;) {
      try {
        return await attempt()
      } catch (error) {
        if (signal.aborted) throw new CancelledError(undefined, { cause: error })
        if (!(error instanceof Interruption)) throw error
        if (received() - before >= PROGRESS_BYTES) failures = 0
        if (failures === 0) before = received()
        failures += 1
        if (failures >= MAX_FAILURES) {
          throw new HubError(
            'HUB_UNREACHABLE',
            `${this.#host} failed ${failures} times in a row, at last: ${error.message}. What has arrived is kept: run it again later to go on.`,
            { cause: error },
          )
        }
        await this.#wait(failures, error.waitMs, signal)
      }
    }
  }

  get #host(): string {
    return this.#settings.endpoint.host
  }

  async #readText(path: string, signal: AbortSignal): Promise<string> {
    const pieces: Uint8Array[] = []
    let size = 0
    await this.#exchange(
      path,
      {},
      signal,
      async () => {},
      async (bytes) => {
        size += bytes.length
        if (size > MAX_LIST_BYTES) {
          throw new HubError('HUB_INVALID', `${this.#host} answered with more than ${MAX_LIST_BYTES} bytes.`)
        }
        pieces.push(bytes)
      },
    )
    return Buffer.concat(pieces).toString('utf8')
  }

  /** One request and its answer; a connection on which nothing comes any more counts as cut. */
  async #exchange(
    path: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
    onAnswer: (response: Response) => Promise<void>,
    onBytes: (bytes: Uint8Array) => Promise<void>,
  ): Promise<void> {
    const stop = new AbortController()
    const timer = setTimeout(() => stop.abort(new Error('nothing came any more')), this.#patience.stallMs)
    try {
      const url = new URL(path, this.#settings.endpoint)
      const response = await this.#request(url, headers, AbortSignal.any([signal, stop.signal]))
      await onAnswer(response)
      const reader = response.body?.getReader()
      for (;;) {
        const piece = await reader?.read().catch(asInterruption)
        if (piece === undefined || piece.done) return
        timer.refresh()
        await onBytes(piece.value)
      }
    } finally {
      clearTimeout(timer)
      // Ends a connection whose bytes are not wanted; one that was read to its end is not touched.
      stop.abort()
    }
  }

  /** Follows redirects itself, so that the token goes to the endpoint's own origin and nowhere else. */
  async #request(
    url: URL,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<Response> {
    const { endpoint, token } = this.#settings
    let address = url
    for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
      const isOwn = address.origin === endpoint.origin
      const response = await fetch(address, {
        redirect: 'manual',
        signal,
        headers: {
          'user-agent': 'longtake',
          // Sizes, ranges and hashes are those of the file, not of a packed form of it.
          'accept-encoding': 'identity',
          ...headers,
          ...(isOwn && token !== undefined && { authorization: `Bearer ${token}` }),
        },
      }).catch(asInterruption)
      if (![301, 302, 303, 307, 308].includes(response.status)) {
        if (response.ok) return response
        throw this.#refusal(response, isOwn, address.host)
      }
      await response.body?.cancel()
      address = await this.#redirected(response, address)
    }
    throw new HubError('HUB_INVALID', `${this.#host} redirects more than ${MAX_REDIRECTS} times.`)
  }

  /**
   * Where an answer leads. Never to a file, never from https: to http:, and never from the internet into a local network
   * or to this machine: a hub must not make us ask there.
   */
  async #redirected(response: Response, from: URL): Promise<URL> {
    const location = response.headers.get('location') ?? ''
    const url = URL.canParse(location, from.href) ? new URL(location, from) : undefined
    const isKept = url?.protocol === 'https:' || (url?.protocol === 'http:' && from.protocol === 'http:')
    if (url === undefined || !isKept) {
      throw new HubError('HUB_INVALID', `${from.host} redirects to something else than an https: address.`)
    }
    const { endpoint } = this.#settings
    if (url.host === endpoint.host) return url
    const [reach, own] = await Promise.all([reachOf(url.hostname), reachOf(endpoint.hostname)])
    if (reach === 'public' || reach === own) return url
    throw new HubError('HUB_INVALID', `${from.host} redirects to ${url.host}, which is no public address.`)
  }

  /** What an answer that is no success means. Addresses are not repeated: redirects carry signatures. */
  #refusal(response: Response, isOwn: boolean, host: string): Error {
    const { status } = response
    const { id } = this.#model
    if (status === 429 || status === 408 || status >= 500) {
      return new Interruption(`${host} answered ${status}`, { waitMs: waitOf(response) })
    }
    // Another host refuses where a signed address has expired; the next try gets a new one.
    if (!isOwn || status === 416) return new Interruption(`${host} answered ${status}`)
    if (status === 401 || status === 403) {
      const page = new URL(id, this.#settings.endpoint).href
      const how =
        this.#settings.token === undefined
          ? `check the name; if access is restricted, ask for it at ${page} and set HF_TOKEN to a token that may read it`
          : `check the name; if access is restricted, ask for it at ${page} with the account of HF_TOKEN, whose token must be allowed to read it`
      return new HubError('HUB_DENIED', `${host} denies access to ${id} (${status}): ${how}.`)
    }
    if (status === 404 || status === 410) {
      const what = this.#model.revision === undefined ? id : `${id} at revision ${this.#model.revision}`
      return new HubError('HUB_NOT_FOUND', `${host} does not have ${what}: check the name and the revision.`)
    }
    return new HubError('HUB_INVALID', `${host} answered ${status}, which no download expects.`)
  }

  async #wait(failures: number, askedMs: number | undefined, signal: AbortSignal): Promise<void> {
    // Spread out, so that many clients of a busy hub do not come back at once.
    const usual = this.#patience.backoffMs * 2 ** (failures - 1) * (0.75 + Math.random() / 2)
    const milliseconds = Math.min(askedMs ?? usual, MAX_WAIT_MS)
    await new Promise<void>((resolve) => {
      const end = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', end)
        resolve()
      }
      const timer = setTimeout(end, milliseconds)
      signal.addEventListener('abort', end, { once: true })
      if (signal.aborted) end()
    })
    if (signal.aborted) throw new CancelledError()
  }
}

/** Seconds or a date, as milliseconds from now. */
function waitOf(response: Response): number | undefined {
  const text = response.headers.get('retry-after')?.trim()
  if (!text) return undefined
  if (/^\d+$/.test(text)) return Number(text) * 1000
  const date = Date.parse(text)
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now())
}

function asInterruption(error: unknown): never {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const code = systemCode(cause) || (cause instanceof Error ? cause.message : String(cause))
  throw new Interruption(`the connection failed (${code})`, { cause: error })
}
