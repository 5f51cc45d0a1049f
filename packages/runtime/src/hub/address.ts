import { lookup } from 'node:dns/promises'

/** Where an address leads: out into the internet, into a local network, or to this machine. */
export type Reach = 'public' | 'network' | 'machine'

/** First bytes of IPv4 networks that are no internet, with their length in bits. */
const IPV4_NETWORKS: readonly (readonly [first: number, bits: number, reach: Reach])[] = [
  [ipv4(0, 0), 8, 'machine'],
  [ipv4(10, 0), 8, 'network'],
  [ipv4(100, 64), 10, 'network'],
  [ipv4(127, 0), 8, 'machine'],
  [ipv4(169, 254), 16, 'network'],
  [ipv4(172, 16), 12, 'network'],
  [ipv4(192, 168), 16, 'network'],
  [ipv4(198, 18), 15, 'network'],
  [ipv4(224, 0), 3, 'network'],
]

/**
 * Where a host leads, by its address or by what its name resolves to: the least public of all its addresses. A name that
 * does not resolve counts as public, because nothing will come of it.
 *
 * @param host - As `URL.hostname` spells it.
 */
export async function reachOf(host: string): Promise<Reach> {
  const literal = addressReach(host)
  if (literal !== undefined) return literal
  if (/(?:^|\.)localhost\.?$/i.test(host)) return 'machine'
  const addresses = await lookup(host, { all: true }).catch(() => [])
  const reaches = addresses.map(({ address }) => addressReach(address) ?? 'public')
  return reaches.find((reach) => reach !== 'public') ?? 'public'
}

/** Where an address leads; undefined for a name. */
export function addressReach(host: string): Reach | undefined {
  const bare = host.replace(/^\[|\]$/g, '').replace(/%.*$/, '')
  const four = /^(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(bare)
  if (four) return ipv4Reach(four.slice(1).map(Number))
  return bare.includes(':') ? ipv6Reach(groupsOf(bare.toLowerCase())) : undefined
}

function ipv4Reach([a = 0, b = 0, c = 0, d = 0]: readonly number[]): Reach {
  const value = ipv4(a, b, c, d)
  const isIn = (first: number, bits: number): boolean =>
    Math.floor(value / 2 ** (32 - bits)) === Math.floor(first / 2 ** (32 - bits))
  return IPV4_NETWORKS.find(([first, bits]) => isIn(first, bits))?.[2] ?? 'public'
}

function ipv6Reach(groups: readonly number[]): Reach {
  const [first = 0] = groups
  const [high = 0, low = 0] = groups.slice(6)
  const inner = (): Reach => ipv4Reach([high >> 8, high & 255, low >> 8, low & 255])
  const zeros = groups.slice(0, 5).every((group) => group === 0)
  if (zeros && (groups[5] === 0xffff || groups[5] === 0)) {
    // Unspecified, loopback, and IPv4 in the old and the usual spelling.
    return groups[5] === 0 && high === 0 && low <= 1 ? 'machine' : inner()
  }
  if (first === 0x64 && groups[1] === 0xff9b) return inner()
  // fc00::/7 unique local, fe80::/10 link-local, fec0::/10 site-local, ff00::/8 multicast.
  return first >= 0xfc00 && (first < 0xfe00 || first >= 0xfe80) ? 'network' : 'public'
}

/** The eight groups of an IPv6 address. */
function groupsOf(text: string): number[] {
  const embedded = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text)
  const [, before = '', ...bytes] = embedded ?? []
  const [a = 0, b = 0, c = 0, d = 0] = bytes.map(Number)
  const plain = embedded ? `${before}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}` : text
  const [head = '', tail] = plain.split('::')
  const read = (part: string): number[] =>
    part
      .split(':')
      .filter(Boolean)
      .map((group) => Number.parseInt(group, 16))
  if (tail === undefined) return read(head)
  const [front, back] = [read(head), read(tail)]
  return [...front, ...Array<number>(Math.max(0, 8 - front.length - back.length)).fill(0), ...back]
}

function ipv4(a: number, b: number, c = 0, d = 0): number {
  return ((a * 256 + b) * 256 + c) * 256 + d
}
