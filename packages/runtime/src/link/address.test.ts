import { BlockList } from 'node:net'
import { InvalidOptionError } from '@longtake/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isAllowedAddress, parseNetworks } from './address.js'
import { openLink } from './index.js'

/** IANA's registries of special-purpose addresses, those not globally reachable, and multicast. */
const REFUSED_V4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '168.63.129.16/32',
]
const REFUSED_V6 = [
  '::/8',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '100::/64',
  '2001::/32',
  '2001:2::/48',
  '2001:db8::/32',
  '2002::/16',
  '3fff::/20',
  '5f00::/16',
  'fc00::/7',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
]
const NONE = { allow: [], deny: [] }

/** Any address inside a network, as a number. */
function inside(cidr: string, width: 32 | 128): fc.Arbitrary<bigint> {
  const [base = '', bits = '0'] = cidr.split('/')
  const free = BigInt(width - Number(bits))
  return fc
    .bigInt({ min: 0n, max: (1n << free) - 1n })
    .map((rest) => (width === 32 ? numberOfV4(base) : numberOfV6(base)) | rest)
}

function numberOfV4(text: string): bigint {
  return text.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n)
}

/** Only for the bases above: `a:b::`. */
function numberOfV6(text: string): bigint {
  const words = text
    .split('::')[0]!
    .split(':')
    .filter((word) => word !== '')
  return words.reduce((sum, word, index) => sum | (BigInt(`0x${word}`) << BigInt(112 - 16 * index)), 0n)
}

const dotted = (value: bigint) => [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.')
const words = (value: bigint) =>
  Array.from({ length: 8 }, (_, index) => ((value >> BigInt(112 - 16 * index)) & 0xffffn).toString(16))
const anyV4 = fc.oneof(...REFUSED_V4.map((cidr) => inside(cidr, 32)))
const anyV6 = fc.oneof(...REFUSED_V6.map((cidr) => inside(cidr, 128)))

/** Spellings of an IPv4 address that URLs take. */
function spellings(value: bigint): string[] {
  const parts = dotted(value).split('.').map(Number)
  const [a = 0, b = 0, c = 0, d = 0] = parts
  const fullwidth = dotted(value).replaceAll(/[\d.]/g, (sign) =>
    sign === '.' ? '。' : String.fromCodePoint(0xff10 + Number(sign)),
  )
  return [
    dotted(value),
    `${value}`,
    `0x${value.toString(16)}`,
    `0${value.toString(8)}`,
    parts.map((part) => `0x${part.toString(16)}`).join('.'),
    parts.map((part) => `0${part.toString(8)}`).join('.'),
    `${a}.${(b << 16) + (c << 8) + d}`,
    `${a}.${b}.${(c << 8) + d}`,
    `${dotted(value)}.`,
    fullwidth,
  ]
}

test('refuses every IPv4 address that is not public', () => {
  fc.assert(
    fc.property(anyV4, (value) => {
      expect(isAllowedAddress(dotted(value), NONE)).toBe(false)
    }),
  )
})

test('refuses every IPv6 address that is not public', () => {
  fc.assert(
    fc.property(anyV6, (value) => {
      expect(isAllowedAddress(words(value).join(':'), NONE)).toBe(false)
    }),
    { numRuns: 500 },
  )
})

test('refuses addresses inside IPv6 that stand for refused ones, and for public ones too', () => {
  fc.assert(
    fc.property(fc.oneof(anyV4, fc.bigInt({ min: 0n, max: 2n ** 32n - 1n })), (value) => {
      const [high, low] = [(value >> 16n).toString(16), (value & 0xffffn).toString(16)]
      const hidden = [
        `::ffff:${dotted(value)}`,
        `::ffff:${high}:${low}`,
        `::ffff:0:${high}:${low}`,
        `::${high}:${low}`,
        `64:ff9b::${dotted(value)}`,
        `64:ff9b:1::${high}:${low}`,
        `2002:${high}:${low}::1`,
        `2001:0:5ef5:79fb:0:0:${((value >> 16n) ^ 0xffffn).toString(16)}:${((value & 0xffffn) ^ 0xffffn).toString(16)}`,
        `2606:4700::5efe:${high}:${low}`,
      ]
      for (const address of hidden) expect(isAllowedAddress(address, NONE), address).toBe(false)
    }),
  )
})

test('agrees with an independent list on any address', () => {
  const list = new BlockList()
  for (const cidr of REFUSED_V4) list.addSubnet(cidr.split('/')[0]!, Number(cidr.split('/')[1]), 'ipv4')
  // Anycast of DNS and of tunnels: special, though reachable.
  for (const base of ['192.31.196.0', '192.52.193.0', '192.175.48.0']) list.addSubnet(base, 24, 'ipv4')
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }), (value) => {
      expect(isAllowedAddress(dotted(value), NONE)).toBe(!list.check(dotted(value), 'ipv4'))
    }),
    { numRuns: 2000 },
  )
})

test('links with a refused address are refused in all its spellings, before anything is sent', async () => {
  await fc.assert(
    fc.asyncProperty(anyV4, async (value) => {
      for (const host of spellings(value)) {
        await expect(openLink(`http://${host}/a.mp4`), host).rejects.toMatchObject({ code: 'LINK_REFUSED' })
      }
    }),
    { numRuns: 60 },
  )
})

test('public addresses are allowed, unless they are denied', () => {
  for (const address of ['93.184.216.34', '8.8.8.8', '2606:4700:4700::1111', '2a00:1450:4001:81b::200e']) {
    expect(isAllowedAddress(address, NONE), address).toBe(true)
  }
  const deny = parseNetworks('deny', ['8.8.8.0/24', '2606:4700::/32'])
  expect(isAllowedAddress('8.8.8.8', { allow: [], deny })).toBe(false)
  expect(isAllowedAddress('2606:4700:4700::1111', { allow: [], deny })).toBe(false)
  expect(isAllowedAddress('8.8.4.4', { allow: [], deny })).toBe(true)
})

test('a carrier that is allowed leads to allowed addresses only', () => {
  const allow = parseNetworks('allow', ['64:ff9b::/96'])
  const deny = parseNetworks('deny', ['8.8.8.8'])
  expect(isAllowedAddress('64:ff9b::8.8.4.4', { allow, deny })).toBe(true)
  expect(isAllowedAddress('64:ff9b::8.8.8.8', { allow, deny })).toBe(false)
  expect(isAllowedAddress('64:ff9b::127.0.0.1', { allow, deny })).toBe(false)
  expect(isAllowedAddress('64:ff9b::169.254.169.254', { allow, deny })).toBe(false)
})

test.each(['', 'localhost', '127.1', '0x7f.0.0.1', '2130706433', 'fe80::1%lo', '8.8.8.8 ', '[::1]'])(
  'what is no address in its one form is refused: %j',
  (text) => expect(isAllowedAddress(text, NONE)).toBe(false),
)

test.each(['10.0.0.0/33', 'example.com', '', '10.0.0/8x'])('names a network that is none: %j', (text) => {
  expect(() => parseNetworks('policy.denyNetworks', [text])).toThrow(InvalidOptionError)
})
