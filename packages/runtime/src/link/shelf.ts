import { throwIfAborted } from '../ort/abort.js'
import { mimeTypeOf } from './content-kind.js'
import type { Answer } from './exchange.js'
import type { KeptFile } from './kept-file.js'
import { hashOf, type KeptHead } from './kept-head.js'
import type { Found, LinkClient } from './link-client.js'
import type { LinkedBytes } from './linked-bytes.js'
import { readExactly } from './read-body.js'
import { spool } from './spool.js'
import { forbidsKeeping, isSameValidator, mayKeep, type Validator, validatorOf } from './validator.js'

/** Signatures in links: what they lead to is the same without them. */
const SIGNATURES = /^(x-amz-|x-goog-)/i
const DISCORD_HOSTS = /^(cdn|media)\.discordapp\.(com|net)$/
const DISCORD_SIGNATURES = new Set(['ex', 'is', 'hm'])

/** Where the bytes of a link are kept. */
export interface Shelf {
  readonly name: string
  /** What was kept there before. */
  readonly kept: KeptFile | undefined
}

/**
 * What a link's bytes are kept under: the link, without signatures that are others each time. Whether it still leads to the
 * same file is for its server to say, and for the file's start.
 */
export function shelfName(url: URL): string {
  const bare = new URL(url)
  for (const key of url.searchParams.keys()) {
    const isDiscords = DISCORD_HOSTS.test(url.hostname) && DISCORD_SIGNATURES.has(key)
    if (isDiscords || SIGNATURES.test(key)) bare.searchParams.delete(key)
  }
  return bare.href
}

export async function findShelf({ cache }: LinkClient, name: string): Promise<Shelf> {
  return { name, kept: await cache?.find(name) }
}

/** A file that answers by range. */
interface RangedContent extends Validator {
  readonly sizeBytes: number
  /** Its first block. */
  readonly first: Uint8Array
}

/** The entry of a file that is read by range, with its first block in it; undefined where it may not be kept. */
export async function keepRanges(
  { cache }: LinkClient,
  { answer, url }: Found,
  { first, ...content }: RangedContent,
  { name, kept }: Shelf,
): Promise<KeptFile | undefined> {
  if (cache === undefined) return undefined
  if (!mayKeep(answer)) {
    await kept?.drop()
    return undefined
  }
  const head: KeptHead = { ...content, ...originOf(answer, url), way: 'ranges' }
  const isKnown = kept?.isOf(head) === true
  let file = isKnown ? kept : await cache.begin(name, head)
  // Another address, or a server whose tags mean little: what is kept has to begin as the file does.
  if (file !== undefined && !(await beginsWith(file, first, isKnown))) {
    await file.drop()
    file = await cache.begin(name, head)
  }
  if (file !== kept) await file?.publish()
  if (file?.has(0) === false) await file.keep(0, first)
  return file
}

async function beginsWith(file: KeptFile, first: Uint8Array, isKnown: boolean): Promise<boolean> {
  const start = await file.read(0)
  return start === undefined ? isKnown || file.isEmpty : Buffer.compare(start, first) === 0
}

/** Keeps a file that was downloaded whole. */
export async function keepWhole(
  { cache }: LinkClient,
  { answer, url }: Found,
  bytes: Pick<LinkedBytes, 'sizeBytes' | 'read'>,
  { name, kept }: Shelf,
): Promise<void> {
  if (cache === undefined) return
  if (!mayKeep(answer) || bytes.sizeBytes === 0) return kept?.drop()
  const head: KeptHead = {
    ...validatorOf(answer),
    ...originOf(answer, url),
    sizeBytes: bytes.sizeBytes,
    way: 'spool',
  }
  const file = await cache.begin(name, head)
  await file?.keepWhole((start, end) => bytes.read(start, end))
}

/** Whether a server says that its file is what is kept: by 304, or before a body of 200 that need then not be read. */
export function isUnchanged({ answer, url }: Found, kept: KeptFile): boolean {
  if (answer.status === 304) {
    return (answer.header('etag') ?? kept.head.etag) === kept.head.etag && !forbidsKeeping(answer)
  }
  if (answer.status !== 200 || kept.head.way !== 'spool' || !kept.isFrom(url) || !mayKeep(answer))
    return false
  const length = answer.header('content-length')
  const isSameLength = length === undefined || Number(length) === kept.head.sizeBytes
  return isSameLength && isSameValidator(validatorOf(answer), kept.head)
}

/** Ends an answer of which nothing more is needed; one without a body leaves its connection open. */
export async function finish(answer: Answer): Promise<void> {
  if (answer.status === 304) await readExactly(answer, 0)
  else answer.drop()
}

/** A file that is kept whole, in a temporary file; undefined where it turns out to be damaged. */
export async function openKeptWhole(client: LinkClient, kept: KeptFile): Promise<LinkedBytes | undefined> {
  let isWhole = false
  const bytes = await spool(client.settings.limits.maxSpoolBytes, async (file) => {
    isWhole = await kept.copyTo((block) => {
      throwIfAborted(client.signal)
      return file.append(block)
    })
  })
  if (isWhole) return bytes
  await bytes.close()
  return undefined
}

function originOf(answer: Answer, url: URL): Pick<KeptHead, 'mimeType' | 'address'> {
  return { mimeType: mimeTypeOf(answer.header('content-type')), address: hashOf(url.href) }
}
