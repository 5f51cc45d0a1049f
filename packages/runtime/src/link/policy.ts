import { InvalidOptionError } from '@longtake/core'
import { type NetworkRules, parseNetworks } from './address.js'

/** Finds the addresses of a name. All of them are checked, and the connection is made to one of these. */
export type Resolver = (hostname: string) => Promise<readonly string[]>

/** What finding the file behind a player may use. */
export interface PlayerContext {
  /** Fires when nobody waits any more. */
  readonly signal: AbortSignal
  /** An HTTP proxy, password included, that passes on HTTPS to where links may lead, until the file is found. */
  readonly proxy: string
}

/**
 * Finds the file behind a page of a site that shows videos in a player of its own.
 *
 * @param page - A link to such a site, checked; its host is on the public internet.
 * @returns The address of a file or an HLS playlist, which is checked like any other.
 */
export type PlayerResolver = (page: URL, context: PlayerContext) => Promise<string>

/** Where links may lead, and what they may cost. The default lets strangers' links reach the public internet only. */
export interface LinkPolicy {
  /** Ports, or `any`. Default 80 and 443. */
  readonly ports?: readonly number[] | 'any' | undefined
  /** Hosts, and with `*.` in front all below one. Given at all, no others may be reached. */
  readonly allowHosts?: readonly string[] | undefined
  /** Hosts that may not be reached, written as above. */
  readonly denyHosts?: readonly string[] | undefined
  /** Networks that may be reached although they are not public; see `PRIVATE_NETWORKS`. */
  readonly allowNetworks?: readonly string[] | undefined
  /** Networks that may not be reached, whatever else is allowed. */
  readonly denyNetworks?: readonly string[] | undefined
  /** Whether a link to an HTML page is followed one level, to the video it names. Default true. */
  readonly pages?: boolean | undefined
  /** How files behind players of YouTube and such sites are found, as `ytDlp` does. Without it their links are refused. */
  readonly players?: PlayerResolver | undefined
  readonly limits?: Partial<LinkLimits> | undefined
  /** Instead of the system's resolver. */
  readonly resolve?: Resolver | undefined
}

/** What one link may cost. */
export interface LinkLimits {
  /** Length of the file. Default 32 GiB: only what is needed of it is fetched. */
  readonly maxFileBytes: number
  /** Bytes fetched in all, pages and playlists included. Default 4 GiB. */
  readonly maxFetchedBytes: number
  /** Bytes in a temporary file, where a server knows no ranges, and for playlists. Default 1 GiB. */
  readonly maxSpoolBytes: number
  /** Bytes in a `data:` URI, decoded. Default 32 MiB. */
  readonly maxDataBytes: number
  /** Bytes of an answer's headers. Default 16 KiB. */
  readonly maxHeaderBytes: number
  /** Bytes kept in memory for one file. Default 16 MiB. */
  readonly memoryBytes: number
  /** Seconds of waiting for the network, all requests together. Default 1,800. */
  readonly maxSeconds: number
  /** Seconds until a server has to answer, and over which its speed is measured. Default 15. */
  readonly stallSeconds: number
  /** Slowest bytes per second, over `stallSeconds`. Default 2,048. */
  readonly minBytesPerSecond: number
  /** Redirects of one request, at most 5, which is the default. */
  readonly maxRedirects: number
  /** Segments of a playlist. Default 5,000. */
  readonly maxSegments: number
}

const DEFAULT_LIMITS: LinkLimits = {
  maxFileBytes: 32 * 2 ** 30,
  maxFetchedBytes: 4 * 2 ** 30,
  maxSpoolBytes: 2 ** 30,
  maxDataBytes: 32 * 2 ** 20,
  maxHeaderBytes: 16 * 2 ** 10,
  memoryBytes: 16 * 2 ** 20,
  maxSeconds: 1800,
  stallSeconds: 15,
  minBytesPerSecond: 2048,
  maxRedirects: 5,
  maxSegments: 5000,
}

/** More redirects than this are a loop, whatever an operator says; and timers count no more than some weeks. */
const MOST: Partial<LinkLimits> = { maxRedirects: 5, maxSeconds: 604_800, stallSeconds: 604_800 }
/** Less could not hold what is being read. */
const LEAST_MEMORY_BYTES = 2 ** 20

/** A policy with everything decided. */
export interface Settings {
  readonly ports: readonly number[] | 'any'
  readonly allowHosts: readonly string[] | undefined
  readonly denyHosts: readonly string[]
  readonly networks: NetworkRules
  readonly pages: boolean
  readonly players: PlayerResolver | undefined
  readonly limits: LinkLimits
  readonly resolve: Resolver | undefined
}

/** @throws {InvalidOptionError} If a part of the policy cannot be used. */
export function readPolicy(policy: LinkPolicy = {}): Settings {
  const { ports = [80, 443], allowHosts, denyHosts = [], allowNetworks = [], denyNetworks = [] } = policy
  return {
    ports: ports === 'any' ? ports : ports.map(checkPort),
    allowHosts: allowHosts?.map((host, index) => readHost(`policy.allowHosts[${index}]`, host)),
    denyHosts: denyHosts.map((host, index) => readHost(`policy.denyHosts[${index}]`, host)),
    networks: {
      allow: parseNetworks('policy.allowNetworks', allowNetworks),
      deny: parseNetworks('policy.denyNetworks', denyNetworks),
    },
    pages: policy.pages ?? true,
    players: policy.players,
    limits: readLimits(policy.limits ?? {}),
    resolve: policy.resolve,
  }
}

function checkPort(port: number, index: number): number {
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port
  throw new InvalidOptionError(`policy.ports[${index}]`, 'a whole number from 1 to 65535', port)
}

/** A host as `URL` writes it, so that lists and links are compared in one spelling. */
function readHost(option: string, text: string): string {
  const below = text.startsWith('*.') ? '*.' : ''
  const name = text.slice(below.length)
  const url = /^[^/?#@\\]+$/.test(name) ? `http://${name}/` : ''
  if (!URL.canParse(url) || new URL(url).port !== '') {
    throw new InvalidOptionError(option, 'a host such as example.com or *.example.com', text)
  }
  return below + bareHost(new URL(url).hostname)
}

/** A host without the dot of the root. */
export function bareHost(hostname: string): string {
  return hostname.endsWith('.') ? hostname.slice(0, -1) : hostname
}

function readLimits(given: Partial<LinkLimits>): LinkLimits {
  const limits = { ...DEFAULT_LIMITS }
  for (const name of Object.keys(DEFAULT_LIMITS) as (keyof LinkLimits)[]) {
    const value = given[name]
    if (value === undefined) continue
    const least = name === 'maxRedirects' ? 0 : name === 'memoryBytes' ? LEAST_MEMORY_BYTES : Number.MIN_VALUE
    const most = MOST[name] ?? Number.MAX_SAFE_INTEGER
    if (!(value >= least && value <= most)) {
      throw new InvalidOptionError(`policy.limits.${name}`, `a number from ${least} to ${most}`, value)
    }
    limits[name] = value
  }
  return limits
}
