import { isIP } from 'node:net'
import { InvalidOptionError } from '@longtake/core'
import ipaddr, { type IPv4, type IPv6 } from 'ipaddr.js'

/** An address range, and how many of its bits count. */
type Network = readonly [address: IPv4 | IPv6, bits: number]

/** Networks that an operator decides about. */
export interface NetworkRules {
  readonly allow: readonly Network[]
  readonly deny: readonly Network[]
}

/**
 * Addresses of one's own machine and networks, for `allowNetworks`: loopback, private, unique local and shared (CGNAT).
 * Link-local ones are not among them: clouds hand out credentials there.
 */
export const PRIVATE_NETWORKS: readonly string[] = [
  '127.0.0.0/8',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '::1/128',
  'fc00::/7',
]

/** Public by its range, yet answered by the host of a virtual machine: Azure's metadata and DHCP. */
const METADATA = network('168.63.129.16/32')
/** All that is routed on the internet; what else IPv6 has is reserved, local or translated. */
const GLOBAL_IPV6 = network('2000::/3')
/** Documentation, RFC 9637. */
const DOCUMENTATION_IPV6 = network('3fff::/20')

/** Where IPv6 carries an IPv4 address that a gateway may deliver to: the range, and the address's place or reading. */
const CARRIERS: readonly (readonly [
  range: Network,
  carried: (bytes: readonly number[]) => readonly number[],
])[] = [
  // Mapped; translated (RFC 2765); compatible, which also covers :: and ::1, none of them public either way.
  [network('::ffff:0:0/96'), (bytes) => bytes.slice(12)],
  [network('::ffff:0:0:0/96'), (bytes) => bytes.slice(12)],
  [network('::/96'), (bytes) => bytes.slice(12)],
  // NAT64, RFC 6052.
  [network('64:ff9b::/96'), (bytes) => bytes.slice(12)],
  // 6to4, RFC 3056.
  [network('2002::/16'), (bytes) => bytes.slice(2, 6)],
  // Teredo, RFC 4380, which stores the client's address inverted.
  [network('2001::/32'), (bytes) => bytes.slice(12).map((byte) => byte ^ 0xff)],
]

/**
 * Reads networks such as `10.0.0.0/8`, or single addresses.
 *
 * @throws {InvalidOptionError} If one is neither.
 */
export function parseNetworks(option: string, texts: readonly string[]): readonly Network[] {
  return texts.map((text, index) => {
    try {
      return network(isIP(text) === 0 ? text : `${text}/${isIP(text) === 4 ? 32 : 128}`)
    } catch (cause) {
      throw new InvalidOptionError(`${option}[${index}]`, 'a network such as 10.0.0.0/8', text, { cause })
    }
  })
}

/**
 * Whether a link may lead to an address: to a public one, or to one that is allowed, and to none that is denied.
 *
 * An IPv6 address that carries an IPv4 one (mapped, 6to4, NAT64, Teredo, ISATAP) is never public; where its network is
 * allowed, the address that it carries must be allowed too.
 *
 * @param text - What a resolver answers, or an address in a link; anything else is no address and refused.
 */
export function isAllowedAddress(text: string, rules: NetworkRules): boolean {
  if (isIP(text) === 0 || text.includes('%')) return false
  const address = ipaddr.parse(text)
  if (isIn(address, rules.deny)) return false
  // An operator's own word comes before what ranges mean, but ::1 is no carrier of 0.0.0.1.
  const isNamed = isIn(address, rules.allow)
  const carried = carriedAddress(address)
  if (carried === undefined || isLoopback(address)) return isNamed || isPublic(address)
  return isNamed && isAllowedAddress(carried, rules)
}

function network(text: string): Network {
  return ipaddr.parseCIDR(text)
}

function isIn(address: IPv4 | IPv6, networks: readonly Network[]): boolean {
  return networks.some(([base, bits]) => base.kind() === address.kind() && address.match(base, bits))
}

function isLoopback(address: IPv4 | IPv6): boolean {
  return address.range() === 'loopback'
}

function isPublic(address: IPv4 | IPv6): boolean {
  if (address.range() !== 'unicast') return false
  if (address.kind() === 'ipv4') return !isIn(address, [METADATA])
  return isIn(address, [GLOBAL_IPV6]) && !isIn(address, [DOCUMENTATION_IPV6])
}

/** The IPv4 address inside an IPv6 one. */
function carriedAddress(address: IPv4 | IPv6): string | undefined {
  if (address.kind() === 'ipv4') return undefined
  const bytes = address.toByteArray()
  const carrier = CARRIERS.find(([range]) => isIn(address, [range]))
  if (carrier !== undefined) return carrier[1](bytes).join('.')
  // ISATAP, RFC 5214: 0000:5efe or 0200:5efe in front of the address, below any prefix.
  const [first, ...marks] = bytes.slice(8, 12)
  const isIsatap = (first === 0 || first === 2) && marks.join() === '0,94,254'
  return isIsatap ? bytes.slice(12).join('.') : undefined
}
