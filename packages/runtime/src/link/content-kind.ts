/** What an answer holds, as far as it matters to opening it. */
export type ContentKind = 'file' | 'page' | 'hls' | 'dash'

/** Enough of a file to tell pages and playlists from media. */
export const PEEK_BYTES = 1024

const PAGES = new Set(['text/html', 'application/xhtml+xml'])
const HLS = new Set([
  'application/vnd.apple.mpegurl',
  'application/x-mpegurl',
  'application/mpegurl',
  'audio/mpegurl',
  'audio/x-mpegurl',
])

/** What an answer is by its content, and where that says nothing, by what the server calls it. */
export function contentKind(mimeType: string, head: Uint8Array): ContentKind {
  const text = Buffer.from(head.subarray(0, PEEK_BYTES))
    .toString('latin1')
    .replace(/^\xef\xbb\xbf/, '')
    .trimStart()
  if (text.startsWith('#EXTM3U')) return 'hls'
  if (/^<(!doctype html|html)\b/i.test(text)) return 'page'
  if (/^<(\?xml|!--|MPD)/.test(text) && /<MPD[\s>]/.test(text)) return 'dash'
  if (PAGES.has(mimeType)) return 'page'
  if (HLS.has(mimeType)) return 'hls'
  return mimeType === 'application/dash+xml' ? 'dash' : 'file'
}

/** A content type without parameters, in small letters; empty where there is none. */
export function mimeTypeOf(header: string | undefined): string {
  return (header ?? '').split(';')[0]!.trim().toLowerCase()
}
