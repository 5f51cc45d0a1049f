import type { Caller, Keys } from '../services.js'

interface Known {
  readonly caller: Caller
  readonly hash: Uint8Array
}

/**
 * Keys where there is Web Crypto only.
 *
 * @param entries - `NAME:SHA256`.
 */
export function webKeys(entries: readonly string[]): Keys {
  const known = entries.map(readEntry)
  return {
    open: undefined,
    async find(secret) {
      const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(secret)))
      let found: Caller | undefined
      // Every key is compared whole, so that the time says nothing about which one was close.
      for (const key of known) if (isSame(key.hash, hash)) found = key.caller
      return found
    },
  }
}

function readEntry(entry: string): Known {
  const [name = '', sha256 = ''] = entry.split(':')
  const bytes = sha256.match(/../g) ?? []
  return { caller: { name }, hash: Uint8Array.from(bytes, (byte) => Number.parseInt(byte, 16)) }
}

function isSame(left: Uint8Array, right: Uint8Array): boolean {
  let difference = left.length ^ right.length
  for (const [index, byte] of left.entries()) difference |= byte ^ (right[index] ?? 0)
  return difference === 0
}
