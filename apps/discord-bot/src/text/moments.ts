/** `90`, `1:30`, `1:02:03`, `1m30s`, `2h`. */
const CLOCK = /^(?:(\d{1,3}):)?(\d{1,3}):(\d{1,2}(?:\.\d{1,3})?)$/
const UNITS = /^(?:(\d{1,3})h)?(?:(\d{1,4})m)?(?:(\d{1,6}(?:\.\d{1,3})?)s?)?$/i

/** Reads a moment as people write it. @returns Seconds, or `undefined` where it is none. */
export function parseMoment(text: string): number | undefined {
  const given = text.trim()
  const clock = CLOCK.exec(given)
  const match = clock ?? UNITS.exec(given)
  if (match === null || given === '') return undefined
  const [, hours = '0', minutes = '0', seconds = '0'] = match
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)
}

/** `0:07`, `12:30`, `1:02:03`. */
export function formatMoment(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds))
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
  const two = (value: number): string => String(value).padStart(2, '0')
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`
}

/** Longest address that is repeated in a message, several times at that. */
const MOST_LINK = 200
/** Browsers play these themselves, and begin where a media fragment says: https://www.w3.org/TR/media-frags/ */
const VIDEO_FILE = /\.(?:mp4|m4v|webm|mov|ogv|ogg)$/i

/** How hosts with players of their own name a moment. */
const PLAYERS: readonly (readonly [RegExp, (url: URL, seconds: number) => void])[] = [
  [/(?:^|\.)(?:youtube\.com|youtu\.be)$/, (url, seconds) => url.searchParams.set('t', `${seconds}s`)],
  [
    /(?:^|\.)vimeo\.com$/,
    (url, seconds) => {
      url.hash = `t=${seconds}s`
    },
  ],
  [/(?:^|\.)dailymotion\.com$/, (url, seconds) => url.searchParams.set('start', String(seconds))],
  [
    /(?:^|\.)twitch\.tv$/,
    (url, seconds) =>
      url.searchParams.set(
        't',
        `${Math.floor(seconds / 3600)}h${Math.floor(seconds / 60) % 60}m${seconds % 60}s`,
      ),
  ],
]

/**
 * The address of a moment of a video, where its host, or the browser, can begin there.
 *
 * @param link - As the asker gave it.
 * @returns An address that may stand in Markdown, or `undefined`.
 */
export function momentLink(link: string, seconds: number): string | undefined {
  if (!URL.canParse(link)) return undefined
  const url = new URL(link)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return undefined
  const whole = Math.max(0, Math.floor(seconds))
  const player = PLAYERS.find(([host]) => host.test(url.hostname))
  if (player !== undefined) player[1](url, whole)
  else if (VIDEO_FILE.test(url.pathname)) url.hash = `t=${whole}`
  else return undefined
  // What the address of a link ends with in Markdown is spelled out.
  const text = url.href.replace(/[()<>[\]\\`*_~|]/g, (sign) =>
    sign === '_' || sign === '~' ? sign : encodeSign(sign),
  )
  return text.length <= MOST_LINK ? text : undefined
}

function encodeSign(sign: string): string {
  return `%${sign.charCodeAt(0).toString(16).toUpperCase()}`
}
