import { InvalidOptionError, isLongtakeError, LinkError } from '@longtake/core'
import { throwIfAborted } from '../ort/abort.js'
import type { VideoSource } from '../video/index.js'
import { contentKind, mimeTypeOf, PEEK_BYTES } from './content-kind.js'
import { parseUnsatisfied } from './content-range.js'
import { isDataUri, readDataUri } from './data-uri.js'
import { openGuardProxy } from './guard-proxy.js'
import type { KeptFile } from './kept-file.js'
import { LinkCache } from './link-cache.js'
import { type Found, LinkClient } from './link-client.js'
import { checkLink, isPlayer } from './link-url.js'
import type { LinkedBytes } from './linked-bytes.js'
import { pageMedia } from './page-media.js'
import { MAX_PLAYLIST_BYTES } from './playlist.js'
import { openPlaylist, playlistText } from './playlist-bytes.js'
import { type LinkPolicy, type PlayerResolver, readPolicy, type Settings } from './policy.js'
import { FIRST_RANGE, openKeptRanges, openRanges } from './range-bytes.js'
import { peek, readUpTo } from './read-body.js'
import { resolveHost } from './resolve-host.js'
import { findShelf, finish, isUnchanged, keepWhole, openKeptWhole, type Shelf, shelfName } from './shelf.js'
import { spoolBody } from './spool.js'
import { within } from './within.js'

/** Of a page this much is read: what names its video stands at its start. */
const MAX_PAGE_BYTES = 2 ** 20

/** How far fetching is. */
export interface LinkProgress {
  /** Bytes fetched so far, pages and playlists included. */
  readonly fetchedBytes: number
  /** Length of the file, once it is known. */
  readonly sizeBytes: number | undefined
}

export interface OpenLinkOptions {
  /** Where the link may lead and what it may cost. By default the public internet only. */
  readonly policy?: LinkPolicy | undefined
  /** Where bytes are kept, so that they are not fetched again as long as the file is the same. Without it nothing is. */
  readonly cache?: LinkCache | undefined
  /** Ends opening; and reading, for as long as the link is open. */
  readonly signal?: AbortSignal | undefined
  /** Told whenever bytes have come, also while the video is read. */
  readonly onProgress?: ((progress: LinkProgress) => void) | undefined
}

/** What is known of an open link. */
export interface LinkFacts {
  /** Where the bytes come from, after redirects and pages. It may hold a signature: show it to its owner only. */
  readonly url: string
  /** What the server calls the file, in small letters and without parameters; empty where it says nothing. */
  readonly mimeType: string
  readonly sizeBytes: number
  /** In `ranges` as they are needed; downloaded whole (`spool`, also playlists); or from `memory` (`data:`). */
  readonly way: 'ranges' | 'spool' | 'memory'
}

/** An open link: a `VideoSource` that `watch` and `openVideo` take, and close. */
export interface LinkedVideo extends VideoSource, AsyncDisposable {
  readonly facts: LinkFacts
  /** Bytes fetched so far. */
  readonly fetchedBytes: number
}

/**
 * Opens a link from a stranger: an `http:` or `https:` address of a video, a picture, an HLS playlist or a page that names
 * a video; or a `data:` URI.
 *
 * Every host is looked up and all its addresses are checked, at every redirect, for every page, playlist and segment, and
 * anew for every range; the connection is made to the checked address. Where the server knows ranges, only what is read is
 * fetched.
 *
 * @throws {LinkError} With a `code` for each way in which a link can be unusable. Reading throws it too.
 * @throws {InvalidOptionError} If policy or cache cannot be used, or `link` is neither a string nor a `URL`.
 * @throws {CancelledError} When `signal` aborts.
 */
export async function openLink(link: string | URL, options: OpenLinkOptions = {}): Promise<LinkedVideo> {
  const settings = readPolicy(options.policy)
  throwIfAborted(options.signal)
  if (typeof link !== 'string' && !(link instanceof URL)) throw new InvalidOptionError('link', 'a link', link)
  if (options.cache !== undefined && !(options.cache instanceof LinkCache)) {
    const requirement =
      'a LinkCache of the same copy of @longtake/runtime (npm ls @longtake/runtime shows all)'
    throw new InvalidOptionError('cache', requirement, options.cache)
  }
  const text = typeof link === 'string' ? link : link.href
  let sizeBytes: number | undefined
  const client = new LinkClient(settings, options.cache, options.signal, (fetchedBytes) =>
    options.onProgress?.({ fetchedBytes, sizeBytes }),
  )
  try {
    const opened = isDataUri(text)
      ? { ...readDataUri(text, settings.limits.maxDataBytes), url: undefined }
      : await openRenewable(client, checkLink(text, settings, 'given'))
    sizeBytes = opened.bytes.sizeBytes
    return linkedVideo(client, opened)
  } catch (error) {
    client.close()
    throwIfAborted(options.signal)
    throw error
  }
}

interface Opened {
  readonly bytes: LinkedBytes
  readonly mimeType: string
  /** Absent for `data:`. */
  readonly url: URL | undefined
}

/** Opens a link, and has it opened again when what it led to runs out. */
async function openRenewable(client: LinkClient, link: URL): Promise<Opened> {
  const { pages, players } = client.settings
  const open = () =>
    players !== undefined && isPlayer(link) ? openPlayer(client, link, players) : openUrl(client, link, pages)
  const opened = await open()
  if (opened.url?.href !== link.href) opened.bytes.renewBy?.(async () => (await open()).bytes)
  return opened
}

/** Opens the file behind a player. */
async function openPlayer(client: LinkClient, link: URL, players: PlayerResolver): Promise<Opened> {
  const { budget, settings, signal } = client
  // The same check as before a request, although another program may make it.
  await resolveHost(link, settings, signal)
  budget.begin()
  const late = () => budget.late()
  const named = await within(
    budget.leftMs / 1000,
    signal,
    late,
    find(players, link, settings, signal),
  ).finally(() => budget.end())
  return openUrl(client, checkLink(named, settings, 'resolved'), false, `player ${link.href}`)
}

async function find(
  players: PlayerResolver,
  link: URL,
  settings: Settings,
  signal: AbortSignal,
): Promise<string> {
  const proxy = await openGuardProxy(settings, signal)
  try {
    const named: unknown = await players(new URL(link), { signal, proxy: proxy.address })
    if (typeof named === 'string') return named
    throw new TypeError(`No address, but ${typeof named}.`)
  } catch (cause) {
    if (isLongtakeError(cause)) throw cause
    throw new LinkError('LINK_UNREACHABLE', 'The file behind the player could not be found.', { cause })
  } finally {
    await proxy.close()
  }
}

async function openUrl(
  client: LinkClient,
  url: URL,
  mayBePage: boolean,
  name = shelfName(url),
): Promise<Opened> {
  const shelf = await findShelf(client, name)
  return client.retry(async () => {
    const found = await client.get(url, { range: FIRST_RANGE }, shelf.kept)
    return openFound(client, found, shelf, mayBePage)
  })
}

async function openFound(
  client: LinkClient,
  found: Found,
  shelf: Shelf,
  mayBePage: boolean,
): Promise<Opened> {
  const { answer, url } = found
  const kept = await openKept(client, found, shelf.kept)
  if (kept === undefined && answer.status === 304) {
    const again = await client.get(url, { range: FIRST_RANGE })
    return openFound(client, again, { name: shelf.name, kept: undefined }, mayBePage)
  }
  const mimeType = kept ? shelf.kept!.head.mimeType : mimeTypeOf(answer.header('content-type'))
  const bytes = kept ?? (answer.status === 200 ? undefined : await openPartial(client, found, shelf))
  const peeked =
    bytes === undefined && answer.status === 200 ? await peek(answer.body(), PEEK_BYTES) : undefined
  // A server that knows ranges but not the length is asked again for the whole.
  if (bytes === undefined && peeked === undefined) return openWhole(client, url, shelf, mayBePage)
  const head = peeked?.head ?? (await bytes!.read(0, PEEK_BYTES))
  const kind = contentKind(mimeType, head)
  if (kind === 'file') {
    return { bytes: bytes ?? (await spoolFound(client, found, peeked!.whole, shelf)), mimeType, url }
  }
  const most = kind === 'hls' ? MAX_PLAYLIST_BYTES : MAX_PAGE_BYTES
  const text = peeked === undefined ? await bytes!.read(0, most) : await readUpTo(peeked.whole, most)
  if (kind === 'hls') return { bytes: await openPlaylist(client, url, playlistText(text)), mimeType, url }
  if (kind === 'dash') throw notMedia('is a playlist of a kind that is not supported (DASH)')
  if (!mayBePage) throw notMedia('leads to a page, not to a video')
  return openPage(client, url, Buffer.from(text).toString('utf8'))
}

/** What is kept, where the server says that it is the same; undefined where the file has to be fetched after all. */
async function openKept(
  client: LinkClient,
  found: Found,
  kept: KeptFile | undefined,
): Promise<LinkedBytes | undefined> {
  const isSame = kept !== undefined && isUnchanged(found, kept)
  if (!isSame && found.answer.status !== 304) return undefined
  const bytes = isSame ? await openSame(client, found.url, kept) : undefined
  if (bytes === undefined) await kept?.drop()
  if (bytes !== undefined || found.answer.status === 304) await finish(found.answer)
  return bytes
}

async function openSame(client: LinkClient, url: URL, kept: KeptFile): Promise<LinkedBytes | undefined> {
  return kept.head.way === 'spool' ? openKeptWhole(client, kept) : openKeptRanges(client, url, kept)
}

async function spoolFound(
  client: LinkClient,
  found: Found,
  whole: AsyncGenerator<Uint8Array>,
  shelf: Shelf,
): Promise<LinkedBytes> {
  const bytes = await spoolBody(found.answer, whole, client.settings.limits.maxSpoolBytes)
  await keepWhole(client, found, bytes, shelf)
  return bytes
}

/** An answer of 206 or 416. */
async function openPartial(client: LinkClient, found: Found, shelf: Shelf): Promise<LinkedBytes | undefined> {
  if (found.answer.status === 206) return openRanges(client, found, shelf)
  const sizeBytes = parseUnsatisfied(found.answer.header('content-range'))
  found.answer.drop()
  if (sizeBytes !== 0)
    throw new LinkError('LINK_BROKEN', "The link's server refuses to send its first bytes.")
  return { way: 'memory', sizeBytes, read: async () => new Uint8Array(0), close: async () => {} }
}

async function openWhole(client: LinkClient, link: URL, shelf: Shelf, mayBePage: boolean): Promise<Opened> {
  const found = await client.get(link, {})
  if (found.answer.status === 200) return openFound(client, found, shelf, mayBePage)
  found.answer.drop()
  throw new LinkError('LINK_BROKEN', "The link's server answers with a range where the whole was asked for.")
}

/** Opens the first video that a page names and that can be opened. */
async function openPage(client: LinkClient, base: URL, html: string): Promise<Opened> {
  let failure: LinkError | undefined
  for (const [index, named] of pageMedia(html).entries()) {
    try {
      const url = checkLink(named, client.settings, 'found', base)
      // By its page, because pages often name their video with a signature.
      return await openUrl(client, url, false, `page ${index} ${shelfName(base)}`)
    } catch (error) {
      if (!(error instanceof LinkError)) throw error
      failure ??= error
    }
  }
  throw failure ?? notMedia('is a page that names no video (og:video, <video> or contentUrl)')
}

function notMedia(why: string): LinkError {
  return new LinkError('LINK_NOT_MEDIA', `The link ${why}. Give a direct link to a video file.`)
}

function linkedVideo(client: LinkClient, { bytes, mimeType, url }: Opened): LinkedVideo {
  const { sizeBytes, way } = bytes
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => {
    client.close()
    closing ??= bytes.close()
    return closing
  }
  return {
    name: nameOf(url),
    readsAhead: bytes.way === 'ranges',
    facts: { url: url?.href ?? 'data:', mimeType, sizeBytes, way },
    get fetchedBytes() {
      return client.budget.fetchedBytes
    },
    size: async () => sizeBytes,
    async read(start, end) {
      throwIfAborted(client.signal)
      return bytes.read(start, end)
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** The last part of the path where it looks like a file's name, and nothing that could be a key. */
function nameOf(url: URL | undefined): string {
  const last = url?.pathname.split('/').at(-1) ?? ''
  return /^[\w.-]{1,64}\.[A-Za-z0-9]{2,5}$/.test(last) ? last : 'the linked file'
}
