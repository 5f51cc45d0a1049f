import { LinkError } from '@longtake/core'
import { parse, setOptions, type types } from 'hls-parser'

/** Bytes of a playlist: five thousand segments take about 1 MB. */
export const MAX_PLAYLIST_BYTES = 4 * 2 ** 20
/** Longest line of one; addresses are shorter, and the parser splits what is in it again and again. */
const MAX_LINE_CHARACTERS = 32 * 2 ** 10
/** Variants of one video; real ones have up to twenty or so. */
const MAX_VARIANTS = 200
/** Pictures are made smaller for every checkpoint, so more lines than this would only cost time. */
const ENOUGH_LINES = 360

/** A piece of a file, by its address as the playlist writes it. */
export interface Piece {
  readonly uri: string
  /** Absent: all of it. */
  readonly range?: { readonly start: number; readonly end: number } | undefined
}

/** What a playlist says: another playlist to read instead, or the pieces that make up the video. */
export type Playlist = { readonly variant: string } | { readonly pieces: readonly Piece[] }

/**
 * Reads an HLS playlist (RFC 8216). Nothing is fetched, and addresses are passed on as they stand, to be checked.
 *
 * @throws {LinkError} `LINK_NOT_MEDIA` for live streams, encrypted ones, and those pieced together of several recordings;
 *   `LINK_TOO_LARGE` with too many segments.
 */
export function readPlaylist(text: string, maxSegments: number): Playlist {
  const playlist = parseText(text, maxSegments)
  if (playlist.isMasterPlaylist) return { variant: chooseVariant(playlist as types.MasterPlaylist) }
  return { pieces: piecesOf(playlist as types.MediaPlaylist, maxSegments) }
}

function parseText(text: string, maxSegments: number): types.MasterPlaylist | types.MediaPlaylist {
  // Counted before anything is built of it. Ten lines a segment are more than players write.
  const lines = text.split('\n', maxSegments * 10 + 1)
  if (lines.length > maxSegments * 10) throw tooMany(maxSegments)
  if (lines.some(({ length }) => length > MAX_LINE_CHARACTERS)) throw unusable('is damaged')
  // Otherwise it writes what it finds wrong to the console, which belongs to the caller.
  setOptions({ silent: true, strictMode: false })
  try {
    return parse(text)
  } catch (cause) {
    throw unusable('is damaged', cause)
  }
}

function chooseVariant({ variants }: types.MasterPlaylist): string {
  const films = variants
    .slice(0, MAX_VARIANTS)
    .filter((variant) => !variant.isIFrameOnly && hasPictures(variant))
  const height = (variant: types.Variant) => variant.resolution?.height ?? 0
  const enough = films.filter((variant) => height(variant) >= ENOUGH_LINES)
  const smaller = (a: types.Variant, b: types.Variant) => height(a) - height(b) || a.bandwidth - b.bandwidth
  const chosen = enough.length > 0 ? enough.sort(smaller)[0] : films.sort(smaller).at(-1)
  if (chosen === undefined) throw unusable('names no video')
  if (typeof chosen.uri !== 'string') throw unusable('is damaged')
  return chosen.uri
}

function hasPictures({ codecs, resolution }: types.Variant): boolean {
  return resolution !== undefined || codecs === undefined || /\b(avc|hvc|hev|dvh|vp0?[89]|av01)/i.test(codecs)
}

function piecesOf(playlist: types.MediaPlaylist, maxSegments: number): readonly Piece[] {
  const { segments, endlist } = playlist
  if (segments.length > maxSegments) throw tooMany(maxSegments)
  if (segments.length === 0) throw unusable('has no segments')
  if (!endlist) throw unusable('is a live stream without an end')
  if (segments.some(({ key }) => key !== undefined && key !== null && key.method !== 'NONE')) {
    throw unusable('is encrypted')
  }
  const maps = new Set(segments.map(({ map }) => (map ? JSON.stringify([map.uri, map.byterange]) : '')))
  if (maps.size > 1 || segments.some(({ discontinuity }) => discontinuity === true)) {
    throw unusable('is pieced together of several recordings with clocks of their own')
  }
  const map = segments[0]!.map
  return [...(map ? [pieceOf(map)] : []), ...segments.filter(({ gap }) => gap !== true).map(pieceOf)]
}

function pieceOf({ uri, byterange }: Pick<types.Segment, 'uri'> & { byterange?: types.Byterange }): Piece {
  if (typeof uri !== 'string') throw unusable('is damaged')
  if (!byterange) return { uri }
  const { offset, length } = byterange
  const end = offset + length
  if (!(Number.isSafeInteger(offset) && offset >= 0 && Number.isSafeInteger(end) && length > 0)) {
    throw unusable('is damaged')
  }
  return { uri, range: { start: offset, end } }
}

function tooMany(maxSegments: number): LinkError {
  return new LinkError('LINK_TOO_LARGE', `The playlist has more than the ${maxSegments} segments allowed.`)
}

function unusable(why: string, cause?: unknown): LinkError {
  const sentence = `The link is a playlist (HLS) that cannot be watched: it ${why}. Give a link to a video file.`
  return new LinkError('LINK_NOT_MEDIA', sentence, { cause })
}
