import { isIP } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { LinkError } from '@longtake/core'
import { Budget } from './budget.js'
import { type Agents, type Answer, ConnectionFailure, exchange, openAgents } from './exchange.js'
import type { KeptFile } from './kept-file.js'
import type { LinkCache } from './link-cache.js'
import { checkLink } from './link-url.js'
import type { Settings } from './policy.js'
import { resolveHost } from './resolve-host.js'
import { strongTag } from './validator.js'

/** Addresses of a host that are tried; more would let a name stretch every wait. */
const MAX_TRIED_ADDRESSES = 4
/** Tries of one request, where the connection broke or the server is busy. */
const MAX_TRIES = 3
const FIRST_WAIT_MS = 250

const REDIRECTS = new Set([301, 302, 303, 307, 308])
/** Answers that may be another one soon. */
const BUSY = new Set([408, 425, 429, 500, 502, 503, 504])

/** An answer, and the link that gave it after redirects. */
export interface Found {
  readonly answer: Answer
  readonly url: URL
}

/** Fetches for one link, and for what it leads on to: every request and every redirect is checked anew. */
export class LinkClient {
  readonly settings: Settings
  readonly budget: Budget
  readonly cache: LinkCache | undefined
  readonly #agents: Agents = openAgents()
  readonly #closing = new AbortController()
  readonly #signal: AbortSignal

  constructor(
    settings: Settings,
    cache: LinkCache | undefined,
    signal: AbortSignal | undefined,
    onFetched: (bytes: number) => void,
  ) {
    this.settings = settings
    this.cache = cache
    this.budget = new Budget(settings.limits, onFetched)
    this.#signal =
      signal === undefined ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal])
  }

  /** Fires when the caller gives up, or the client is closed. */
  get signal(): AbortSignal {
    return this.#signal
  }

  /**
   * Asks for a link that was checked, follows redirects, and returns an answer of 200, 206 or 416.
   *
   * @param kept - What is here already: if it came from where the redirects lead now, the answer may be 304.
   * @throws {LinkError} For every other answer.
   * @throws {CancelledError} When the signal fires.
   */
  async get(link: URL, headers: Readonly<Record<string, string>>, kept?: KeptFile): Promise<Found> {
    let url = link
    for (let hops = 0; hops <= this.settings.limits.maxRedirects; hops++) {
      const tag = kept?.isFrom(url) ? strongTag(kept.head) : undefined
      const answer = await this.#ask(url, tag === undefined ? headers : { ...headers, 'if-none-match': tag })
      if (answer.status === 304 && tag !== undefined) return { answer, url }
      if (!REDIRECTS.has(answer.status)) return { answer: accepted(answer), url }
      const location = answer.header('location')
      answer.drop()
      url = this.#redirected(location, url)
    }
    throw new LinkError(
      'LINK_REFUSED',
      `The link redirects more than ${this.settings.limits.maxRedirects} times.`,
    )
  }

  /** Runs `attempt` again where the connection broke, at most {@link MAX_TRIES} times in all. */
  async retry<T>(attempt: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await attempt()
      } catch (error) {
        if (!(error instanceof ConnectionFailure)) throw error
        // As a failure that no other retry around this one takes up again.
        if (tries >= MAX_TRIES) throw new LinkError(error.code, error.message, { cause: error })
        await wait(FIRST_WAIT_MS * 2 ** (tries - 1), undefined, { signal: this.#signal }).catch(() => {})
      }
    }
  }

  /** Ends everything that is under way. */
  close(): void {
    this.#closing.abort()
    this.#agents.http.destroy()
    this.#agents.https.destroy()
  }

  #redirected(location: string | undefined, from: URL): URL {
    if (location === undefined) throw new LinkError('LINK_BROKEN', 'The link redirects to nowhere.')
    const url = checkLink(location, this.settings, 'found', from)
    if (from.protocol === 'https:' && url.protocol === 'http:') {
      throw new LinkError('LINK_REFUSED', 'The link redirects from https: to http:, which is not followed.')
    }
    return url
  }

  /** One request, to the first address that answers. Names are looked up again each time: what holds is the check. */
  async #ask(url: URL, headers: Readonly<Record<string, string>>): Promise<Answer> {
    const context = {
      agents: this.#agents,
      limits: this.settings.limits,
      budget: this.budget,
      signal: this.#signal,
    }
    const addresses = await resolveHost(url, this.settings, this.#signal)
    // Where IPv6 leads nowhere, trying it first would cost the whole wait.
    const ordered = addresses.toSorted((a, b) => isIP(a) - isIP(b))
    const tried = ordered.slice(0, MAX_TRIED_ADDRESSES)
    for (const [index, address] of tried.entries()) {
      try {
        return await exchange(url, address, headers, context)
      } catch (error) {
        const isSilent = error instanceof LinkError && error.code === 'LINK_TOO_SLOW'
        if (!(isSilent || error instanceof ConnectionFailure) || index === tried.length - 1) throw error
      }
    }
    throw new ConnectionFailure("The link's host has no address.")
  }
}

/** @throws {LinkError} For answers without a file in them. */
function accepted(answer: Answer): Answer {
  const failure = failureOf(answer)
  if (failure === undefined) return answer
  answer.drop()
  throw failure
}

function failureOf(answer: Answer): LinkError | undefined {
  const { status } = answer
  const packed = [answer.header('content-encoding'), answer.header('transfer-encoding')]
  if (status === 200 || status === 206) {
    if (packed.every((value) => value === undefined || /^(identity|chunked)?$/i.test(value.trim()))) return
    return new LinkError('LINK_BROKEN', "The link's server packs its answers although it was asked not to.")
  }
  // A range of an empty file cannot be satisfied; whoever asked for one sees to it.
  if (status === 416) return
  if (BUSY.has(status))
    return new ConnectionFailure(`The link's server is busy or failing (it answered ${status}).`)
  if (status === 401 || status === 403) {
    return new LinkError(
      'LINK_NOT_FOUND',
      `The link's server gives its file to nobody without a login (${status}).`,
    )
  }
  if (status === 404 || status === 410) {
    return new LinkError(
      'LINK_NOT_FOUND',
      `There is nothing at the link (${status}): check it, or whether it ran out.`,
    )
  }
  return new LinkError('LINK_BROKEN', `The link's server answered ${status}, which no file needs.`)
}
