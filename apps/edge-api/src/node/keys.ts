import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { InvalidOptionError } from '@longtake/core'
import { z } from 'zod'
import type { Caller, Keys } from '../services.js'

const KEY_BYTES = 32
/** Everybody, where there are no keys. */
const ANYBODY: Caller = { name: 'anybody' }

const fileSchema = z.array(
  z.strictObject({
    name: z.string().regex(/^[\w.@-]{1,64}$/),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    requestsPerMinute: z.int().min(1).optional(),
    questionsPerDay: z.int().min(1).optional(),
  }),
)

interface Known {
  readonly caller: Caller
  readonly hash: Buffer
}

/** A new key, and what the server is told of it. Keys are random, so a plain hash of one can not be turned back. */
export function newKey(name: string): { readonly key: string; readonly entry: string } {
  if (!/^[\w.@-]{1,64}$/.test(name))
    throw new InvalidOptionError('name', '1 to 64 letters, digits or one of . _ @ -', name)
  const key = `lt-${randomBytes(KEY_BYTES).toString('base64url')}`
  return { key, entry: `${name}:${hashOf(key).toString('hex')}` }
}

/**
 * The keys that may be used; without any, nobody is asked for one.
 *
 * @param entries - `NAME:SHA256`.
 * @param file - JSON: an array of `{ name, sha256, requestsPerMinute?, questionsPerDay? }`.
 * @param gateways - Names of keys whose owners say for whom they ask.
 * @throws {InvalidOptionError} If the file cannot be used, a gateway has no key, or two keys have one name.
 */
export async function openKeys(
  entries: readonly string[],
  file: string | undefined,
  gateways: readonly string[],
): Promise<Keys> {
  const all = [...entries.map(readEntry), ...(file === undefined ? [] : await readKeysFile(file))]
  const known = all.map(({ caller, hash }) => ({
    caller: { ...caller, isGateway: gateways.includes(caller.name) },
    hash,
  }))
  const names = new Set(known.map(({ caller }) => caller.name))
  if (names.size < known.length) throw new InvalidOptionError('keys', 'a name of its own for each key', {})
  const stranger = gateways.find((name) => !names.has(name))
  if (stranger !== undefined) throw new InvalidOptionError('LONGTAKE_GATEWAYS', 'names of keys', stranger)
  return { open: known.length === 0 ? ANYBODY : undefined, find: async (secret) => find(known, secret) }
}

/** Compares with every key, so that the time says nothing about which one was close. */
function find(known: readonly Known[], secret: string): Caller | undefined {
  const hash = hashOf(secret)
  let found: Caller | undefined
  for (const key of known) if (timingSafeEqual(key.hash, hash)) found = key.caller
  return found
}

function readEntry(entry: string): Known {
  const [name = '', sha256 = ''] = entry.split(':')
  return { caller: { name }, hash: Buffer.from(sha256, 'hex') }
}

async function readKeysFile(path: string): Promise<readonly Known[]> {
  try {
    const entries = fileSchema.parse(JSON.parse(await readFile(path, 'utf8')))
    return entries.map(({ sha256, ...caller }) => ({ caller, hash: Buffer.from(sha256, 'hex') }))
  } catch (cause) {
    const need = 'a JSON array of { name, sha256, requestsPerMinute?, questionsPerDay? }'
    throw new InvalidOptionError('LONGTAKE_KEYS_FILE', need, path, { cause })
  }
}

function hashOf(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}
