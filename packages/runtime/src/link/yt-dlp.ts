import { InvalidOptionError, LinkError } from '@longtake/core'
import { isObject } from '../checkpoint/fields.js'
import { Gate } from '../ort/gate.js'
import type { PlayerResolver } from './policy.js'
import { type ProgramEnd, runProgram } from './run-program.js'

/** Programs at a time, each of which takes some 100 MB; others wait. */
const MAX_PROGRAMS = 4
const DEFAULT_SECONDS = 60
const MAX_SECONDS = 3600
/** How it ends when it does not know an option. */
const USAGE_CODE = 2
/** What it tells about one video is about 1 MB. */
const MAX_OUTPUT_BYTES = 16 * 2 ** 20
/** One file with pictures in it, or a playlist; sound is not needed. */
const FORMAT = 'bv*[protocol=https]/bv*[protocol=http]/bv*[protocol^=m3u8]'

const ARGUMENTS = [
  '--ignore-config',
  '--no-cache-dir',
  // Sites that it knows: its generic reader follows any page anywhere.
  '--use-extractors',
  'default,-generic',
  '--no-playlist',
  '--flat-playlist',
  '--playlist-items',
  '1',
  '--no-warnings',
  '--no-progress',
  '--socket-timeout',
  '15',
  '--retries',
  '2',
  '--format',
  FORMAT,
  '--format-sort',
  'res:360',
  '--dump-single-json',
  '--',
]

export interface YtDlpOptions {
  /** The program, by name or path. Default `yt-dlp`. */
  readonly command?: string | undefined
  /** Seconds after which it is killed, 1 to 3,600. Default 60. */
  readonly timeoutSeconds?: number | undefined
}

/**
 * Finds files behind players, for `policy.players`, with the yt-dlp program, which has to be installed.
 *
 * It is started without a shell and without settings of anybody, for hosts of known sites only; what it asks them goes
 * through a proxy that makes the same checks as for links. It tells an address, which is then opened like any other.
 *
 * @throws {InvalidOptionError} If an option cannot be used.
 */
export function ytDlp({
  command = 'yt-dlp',
  timeoutSeconds = DEFAULT_SECONDS,
}: YtDlpOptions = {}): PlayerResolver {
  if (typeof command !== 'string' || command === '' || command.includes('\0')) {
    throw new InvalidOptionError('command', 'the name or path of a program', command)
  }
  if (!(timeoutSeconds >= 1 && timeoutSeconds <= MAX_SECONDS)) {
    throw new InvalidOptionError('timeoutSeconds', `a number from 1 to ${MAX_SECONDS}`, timeoutSeconds)
  }
  const gate = new Gate(MAX_PROGRAMS)
  const limits = { seconds: timeoutSeconds, outputBytes: MAX_OUTPUT_BYTES }
  return async (page, { signal, proxy }) => {
    const args = [...ARGUMENTS, page.href]
    const proxies = { http_proxy: proxy, https_proxy: proxy, all_proxy: proxy }
    const environment = { LANG: 'C.UTF-8', YTDLP_NO_PLUGINS: '1', ...proxies }
    const end = await gate.pass(signal, () => runProgram(command, args, environment, limits, signal))
    return addressIn(outputOf(end, timeoutSeconds))
  }
}

/** @throws {LinkError} Without the program's own words, which hold what a server answered: those are in the cause. */
function outputOf(end: ProgramEnd, seconds: number): Buffer {
  switch (end.how) {
    case 'missing':
      throw unavailable(end.cause)
    case 'late':
      throw new LinkError('LINK_TOO_SLOW', `The video could not be found within ${seconds} seconds.`)
    case 'long':
      throw unusable(new Error(`yt-dlp wrote more than ${MAX_OUTPUT_BYTES} bytes.`))
    case 'ended':
      if (end.code === 0) return end.output
      if (end.code === USAGE_CODE) throw unavailable(new Error(end.errors))
      throw new LinkError(
        'LINK_NOT_FOUND',
        'The site gives no video at the link: it may be private, removed, live, or only there after a login.',
        { cause: new Error(`yt-dlp ended with ${end.code}: ${end.errors}`) },
      )
  }
}

function addressIn(output: Buffer): string {
  let found: unknown
  try {
    found = JSON.parse(output.toString('utf8'))
  } catch (cause) {
    throw unusable(cause)
  }
  if (!isObject(found)) throw unusable(new Error('yt-dlp wrote no object.'))
  const { _type: type = 'video', is_live: isLive, url, requested_downloads: downloads } = found
  if (type !== 'video') {
    throw new LinkError('LINK_NOT_MEDIA', 'The link leads to a list of videos: give a link to one of them.')
  }
  if (isLive === true) {
    throw new LinkError('LINK_NOT_MEDIA', 'The link is a live stream without an end. Give a link to a video.')
  }
  const first: unknown = Array.isArray(downloads) ? downloads[0] : undefined
  const address = url ?? (isObject(first) ? first.url : undefined)
  if (typeof address !== 'string') throw unusable(new Error('yt-dlp names no address.'))
  return address
}

function unavailable(cause: unknown): LinkError {
  const sentence =
    'Videos of this site are read with yt-dlp, which is missing here or too old: install it (python3 -m pip install -U yt-dlp) or correct its path.'
  return new LinkError('LINK_UNREACHABLE', sentence, { cause })
}

function unusable(cause: unknown): LinkError {
  return new LinkError('LINK_BROKEN', 'What was found out about the video cannot be used.', { cause })
}
