import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { LinkError } from '@longtake/core'
import { systemCode } from '../features/error.js'
import { isAllowedAddress } from './address.js'
import { refusal } from './link-url.js'
import type { Resolver, Settings } from './policy.js'
import { within } from './within.js'

/** A name with more addresses than this is a trap; large sites have eight or so. */
const MAX_ADDRESSES = 64

/** Tries of a look-up that may work in a moment. */
const MAX_TRIES = 3
const FIRST_WAIT_MS = 200

/**
 * Finds the addresses that a link's host stands for and checks every one.
 *
 * Strangers are told the same about a name that is not found, that cannot be looked up, and that leads elsewhere than to
 * the public internet, so that nobody learns by asking which names there are in here. The cause tells the operator.
 *
 * @returns At least one address, to which and to nothing else a connection may be made.
 * @throws {LinkError} `LINK_REFUSED` if there is none, or any is not allowed.
 */
export async function resolveHost(
  url: URL,
  { networks, resolve = systemResolver, limits }: Settings,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const literal = url.hostname.replace(/^\[|\]$/g, '')
  const found =
    isIP(literal) === 0 ? await ask(url.hostname, resolve, limits.stallSeconds, signal) : [literal]
  if (found.length > MAX_ADDRESSES) {
    throw notPublic(new Error(`${url.hostname} stands for ${found.length} addresses.`))
  }
  const inner = found.filter((address) => !isAllowedAddress(address, networks))
  if (inner.length > 0 || found.length === 0) {
    throw notPublic(new Error(`${url.hostname} stands for ${inner.join(', ') || 'no address'}.`))
  }
  return found
}

async function ask(
  hostname: string,
  resolve: NonNullable<Settings['resolve']>,
  seconds: number,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const late = () => notPublic(new Error(`${hostname} could not be looked up in ${seconds} seconds.`))
  return within(seconds, signal, late, lookUp(hostname, resolve)).catch((cause: unknown) => {
    if (cause instanceof LinkError || signal.aborted) throw cause
    throw notPublic(cause)
  })
}

async function lookUp(hostname: string, resolve: Resolver): Promise<readonly string[]> {
  for (let tries = 1; ; tries++) {
    try {
      return await resolve(hostname)
    } catch (error) {
      if (systemCode(error) !== 'EAI_AGAIN' || tries >= MAX_TRIES) throw error
      await wait(FIRST_WAIT_MS * 2 ** (tries - 1), undefined, { ref: false })
    }
  }
}

function notPublic(cause: unknown): LinkError {
  return refusal("The link's host was not found on the public internet.", cause)
}

async function systemResolver(hostname: string): Promise<readonly string[]> {
  // By RFC 6761 these are this machine, whatever a server of names would say.
  if (/^(.+\.)?localhost\.?$/.test(hostname)) return ['127.0.0.1', '::1']
  const found = await lookup(hostname, { all: true })
  return found.map(({ address }) => address)
}
