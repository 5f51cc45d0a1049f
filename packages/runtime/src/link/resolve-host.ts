import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { LinkError } from '@longtake/core'
import { isAllowedAddress } from './address.js'
import { refusal } from './link-url.js'
import type { Settings } from './policy.js'
import { within } from './within.js'

/** A name with more addresses than this is a trap; large sites have eight or so. */
const MAX_ADDRESSES = 64

/**
 * Finds the addresses that a link's host stands for and checks every one.
 *
 * @returns At least one address, to which and to nothing else a connection may be made.
 * @throws {LinkError} `LINK_REFUSED` if any is not allowed, `LINK_UNREACHABLE` if there is none.
 */
export async function resolveHost(
  url: URL,
  { networks, resolve = systemResolver, limits }: Settings,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const literal = url.hostname.replace(/^\[|\]$/g, '')
  const found =
    isIP(literal) === 0 ? await ask(url.hostname, resolve, limits.stallSeconds, signal) : [literal]
  if (found.length > MAX_ADDRESSES || !found.every((address) => isAllowedAddress(address, networks))) {
    // No word about which: what names mean in here is nobody's business.
    throw refusal('The link leads to an address that is not on the public internet.')
  }
  return found
}

async function ask(
  hostname: string,
  resolve: NonNullable<Settings['resolve']>,
  seconds: number,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const late = () => new LinkError('LINK_UNREACHABLE', "The link's host could not be looked up in time.")
  const found = await within(seconds, signal, late, resolve(hostname)).catch((cause: unknown) => {
    if (cause instanceof LinkError || signal.aborted) throw cause
    throw unknownHost(cause)
  })
  if (found.length === 0) throw unknownHost(undefined)
  return found
}

function unknownHost(cause: unknown): LinkError {
  return new LinkError('LINK_UNREACHABLE', "The link's host was not found: check its spelling.", { cause })
}

async function systemResolver(hostname: string): Promise<readonly string[]> {
  // By RFC 6761 these are this machine, whatever a server of names would say.
  if (/^(.+\.)?localhost\.?$/.test(hostname)) return ['127.0.0.1', '::1']
  const found = await lookup(hostname, { all: true })
  return found.map(({ address }) => address)
}
