import { LinkError } from '@longtake/core'
import { contentKind, mimeTypeOf, PEEK_BYTES } from './content-kind.js'
import { parseContentRange } from './content-range.js'
import type { KeptFile } from './kept-file.js'
import type { Found, LinkClient } from './link-client.js'
import { checkLink } from './link-url.js'
import type { LinkedBytes } from './linked-bytes.js'
import { MAX_PLAYLIST_BYTES, type Piece, readPlaylist } from './playlist.js'
import { peek, readUpTo } from './read-body.js'
import { findShelf, finish, isUnchanged, keepWhole, shelfName } from './shelf.js'
import { spool } from './spool.js'

/**
 * Downloads the video of an HLS playlist: one variant, its pieces one after the other in a temporary file, as demuxers
 * take transport streams and fragmented MP4. Every address is checked as one from a stranger.
 *
 * @param url - Of the playlist, which its addresses are relative to.
 * @throws {LinkError} As `readPlaylist` does, and as fetching does.
 */
export async function openPlaylist(client: LinkClient, url: URL, text: string): Promise<LinkedBytes> {
  const { settings } = client
  const first = readPlaylist(text, settings.limits.maxSegments)
  if ('pieces' in first) return download(client, url, first.pieces)
  const variant = await fetchPlaylist(client, checkLink(first.variant, settings, 'found', url))
  const second = readPlaylist(variant.text, settings.limits.maxSegments)
  if ('pieces' in second) return download(client, variant.url, second.pieces)
  throw new LinkError(
    'LINK_NOT_MEDIA',
    'The link is a playlist of playlists of playlists, which no video needs.',
  )
}

/** @throws {LinkError} `LINK_TOO_LARGE` beyond what playlists need. */
export function playlistText(bytes: Uint8Array): string {
  if (bytes.length < MAX_PLAYLIST_BYTES) return Buffer.from(bytes).toString('utf8')
  throw new LinkError('LINK_TOO_LARGE', `The playlist is longer than ${MAX_PLAYLIST_BYTES} bytes.`)
}

async function fetchPlaylist(client: LinkClient, link: URL): Promise<{ text: string; url: URL }> {
  return client.retry(async () => {
    const { answer, url } = await client.get(link, {})
    const bytes = await readUpTo(answer.body(), MAX_PLAYLIST_BYTES)
    if (contentKind('', bytes) === 'hls') return { text: playlistText(bytes), url }
    throw new LinkError('LINK_NOT_MEDIA', 'The playlist (HLS) leads to something else than a playlist.')
  })
}

function download(client: LinkClient, base: URL, pieces: readonly Piece[]): Promise<LinkedBytes> {
  const { settings } = client
  // All are checked before the first is fetched.
  const links = pieces.map(({ uri, range }) => ({ url: checkLink(uri, settings, 'found', base), range }))
  return spool(settings.limits.maxSpoolBytes, async (file) => {
    for (const { url, range } of links) {
      const { maxSpoolBytes } = settings.limits
      // Kept back until it is whole, so that a broken connection is tried again and leaves no half piece.
      const piece = await client.retry(() => fetchPiece(client, url, range, maxSpoolBytes - file.sizeBytes))
      await file.append(piece)
    }
  })
}

/** Most bytes of one piece: ten seconds of a Blu-ray. */
const MAX_PIECE_BYTES = 64 * 2 ** 20

async function fetchPiece(
  client: LinkClient,
  url: URL,
  range: Piece['range'],
  left: number,
): Promise<Uint8Array> {
  const most = Math.min(MAX_PIECE_BYTES, left)
  if (range !== undefined) {
    const headers = { range: `bytes=${range.start}-${range.end - 1}` }
    return readPiece(await client.get(url, headers), range, most)
  }
  const shelf = await findShelf(client, shelfName(url))
  const found = await client.get(url, {}, shelf.kept)
  if (shelf.kept !== undefined && isUnchanged(found, shelf.kept)) {
    const kept = await readKept(shelf.kept, most)
    if (kept !== undefined) await finish(found.answer)
    if (kept !== undefined) return kept
  }
  if (found.answer.status === 304) {
    await finish(found.answer)
    return readPiece(await client.get(url, {}), undefined, most)
  }
  const bytes = await readPiece(found, undefined, most)
  const read = async (start: number, end: number) => bytes.subarray(start, end)
  await keepWhole(client, found, { sizeBytes: bytes.length, read }, shelf)
  return bytes
}

/** A piece that is kept; undefined where that is damaged, or no video. */
async function readKept(kept: KeptFile, most: number): Promise<Uint8Array | undefined> {
  if (kept.head.sizeBytes > most) throw tooMuch()
  const blocks: Uint8Array[] = []
  const isWhole = await kept.copyTo(async (block) => {
    blocks.push(block)
  })
  const bytes = Buffer.concat(blocks)
  return isWhole && contentKind(kept.head.mimeType, bytes) === 'file' ? bytes : undefined
}

async function readPiece({ answer }: Found, range: Piece['range'], most: number): Promise<Uint8Array> {
  const said = parseContentRange(answer.header('content-range'))
  const isAsked = range === undefined ? answer.status === 200 : answer.status === 206
  if (!isAsked || (range !== undefined && (said?.start !== range.start || said.end !== range.end))) {
    answer.drop()
    throw new LinkError(
      'LINK_BROKEN',
      'A segment of the playlist came with another range than was asked for.',
    )
  }
  const { head, whole } = await peek(answer.body(), PEEK_BYTES)
  if (contentKind(mimeTypeOf(answer.header('content-type')), head) !== 'file') {
    await whole.return(undefined)
    answer.drop()
    throw new LinkError('LINK_NOT_MEDIA', 'A segment of the playlist is no video.')
  }
  const bytes = await readUpTo(whole, most + 1)
  if (bytes.length <= most) return bytes
  throw tooMuch()
}

function tooMuch(): LinkError {
  return new LinkError('LINK_TOO_LARGE', 'The playlist leads to more bytes than are allowed.')
}
