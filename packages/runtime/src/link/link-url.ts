import { LinkError } from '@longtake/core'
import { bareHost, type Settings } from './policy.js'

/** Longest link: browsers and servers stop at about as much. */
const MAX_CHARACTERS = 8192

/** Sites that show videos in a player of their own, and give no file. */
const PLAYER_SITES: ReadonlyMap<string, string> = new Map([
  ['youtube.com', 'YouTube'],
  ['youtu.be', 'YouTube'],
  ['youtube-nocookie.com', 'YouTube'],
  ['vimeo.com', 'Vimeo'],
  ['dailymotion.com', 'Dailymotion'],
  ['twitch.tv', 'Twitch'],
  ['tiktok.com', 'TikTok'],
  ['instagram.com', 'Instagram'],
  ['facebook.com', 'Facebook'],
  ['fb.watch', 'Facebook'],
  ['netflix.com', 'Netflix'],
  ['bilibili.com', 'Bilibili'],
])

/** Who a link comes from: the caller, another server, or what finds files behind players. */
export type LinkOrigin = 'given' | 'found' | 'resolved'

/**
 * Reads a link and checks everything about it that needs no network. This is the only reader of links: what it returns is
 * what is connected to.
 *
 * @param base - What a relative one is relative to.
 * @throws {LinkError} `LINK_REFUSED`, or `LINK_NOT_MEDIA` for sites that give no files, unless theirs can be found.
 */
export function checkLink(text: string, settings: Settings, origin: LinkOrigin, base?: URL): URL {
  if (text.length > MAX_CHARACTERS) throw refused(`is longer than ${MAX_CHARACTERS} characters`, origin)
  if (!URL.canParse(text, base?.href)) throw refused('is no complete http: or https: address', origin)
  const url = new URL(text, base)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw refused('does not begin with http: or https:', origin)
  }
  if (url.username !== '' || url.password !== '') {
    throw refused('has a user name or a password in it, which are never sent', origin)
  }
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port)
  if (settings.ports !== 'any' && !settings.ports.includes(port)) {
    throw refused(`has a port that is not allowed (allowed: ${settings.ports.join(', ')})`, origin)
  }
  const host = bareHost(url.hostname)
  checkHost(host, settings, origin)
  const mayBePlayer = origin === 'resolved' || (origin === 'given' && settings.players !== undefined)
  if (!mayBePlayer) checkPlayer(playerOf(host))
  url.hash = ''
  return url
}

function checkHost(host: string, { allowHosts, denyHosts }: Settings, origin: LinkOrigin): void {
  if (host === '') throw refused('names no host', origin)
  const isListed = (list: readonly string[]) => list.some((entry) => isUnder(host, entry))
  if (isListed(denyHosts) || (allowHosts !== undefined && !isListed(allowHosts))) {
    throw refused('leads to a host that is not allowed here', origin)
  }
}

/** Whether a link leads to a site that shows videos in a player of its own. */
export function isPlayer(url: URL): boolean {
  return playerOf(bareHost(url.hostname)) !== undefined
}

function playerOf(host: string): string | undefined {
  for (const [site, name] of PLAYER_SITES) {
    if (host === site || host.endsWith(`.${site}`)) return name
  }
  return undefined
}

function checkPlayer(name: string | undefined): void {
  if (name === undefined) return
  throw new LinkError(
    'LINK_NOT_MEDIA',
    `${name} shows videos in its own player and gives no file: download the video and give the file, or give a direct link to one.`,
  )
}

function isUnder(host: string, entry: string): boolean {
  return entry.startsWith('*.') ? host.endsWith(entry.slice(1)) : host === entry
}

function refused(why: string, origin: LinkOrigin): LinkError {
  return refusal(origin === 'given' ? `The link ${why}.` : `The link leads on to one that ${why}.`)
}

/** A refusal, with what to give instead. */
export function refusal(sentence: string, cause?: unknown): LinkError {
  return new LinkError('LINK_REFUSED', `${sentence} Give a public http: or https: link to a video.`, {
    cause,
  })
}
