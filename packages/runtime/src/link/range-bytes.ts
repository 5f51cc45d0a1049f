import { LinkError } from '@longtake/core'
import { BLOCK_BYTES, BlockReader } from '../block-reader.js'
import { Gate } from '../ort/gate.js'
import { parseContentRange } from './content-range.js'
import type { Answer } from './exchange.js'
import type { KeptFile } from './kept-file.js'
import { hashOf } from './kept-head.js'
import type { Found, LinkClient } from './link-client.js'
import type { LinkedBytes } from './linked-bytes.js'
import { readExactly } from './read-body.js'
import { keepRanges, type Shelf } from './shelf.js'
import { isSameValidator, strongTag, type Validator, validatorOf } from './validator.js'

/** Asked for first: it shows whether the server knows ranges, and is what demuxers read first. */
export const FIRST_RANGE = `bytes=0-${BLOCK_BYTES - 1}`

/** Ranges fetched at once; the connections of a link are no more. */
const MAX_FETCHES = 4
/** How often the address of one link may run out while it is read: signatures last minutes or hours. */
const MAX_RENEWALS = 16

/**
 * Reads a file by ranges.
 *
 * @param found - The answer of 206 to {@link FIRST_RANGE}; its body is read here.
 * @returns Undefined, with the answer dropped, where the server does not say how long the file is.
 * @throws {LinkError} `LINK_BROKEN` for another range than was asked for, `LINK_TOO_LARGE`.
 */
export async function openRanges(
  client: LinkClient,
  found: Found,
  shelf: Shelf,
): Promise<LinkedBytes | undefined> {
  const { answer, url } = found
  const range = parseContentRange(answer.header('content-range'))
  const total = range?.total
  if (range === undefined || total === undefined) {
    answer.drop()
    if (range === undefined) throw wrongRange()
    return undefined
  }
  const length = Math.min(BLOCK_BYTES, total)
  checkAnswer(answer, () => (range.start !== 0 || range.end !== length ? wrongRange() : undefined))
  checkAnswer(answer, () => tooLong(client, total))
  const validator = validatorOf(answer)
  const first = await readExactly(answer, length)
  const stored = await keepRanges(client, found, { ...validator, sizeBytes: total, first }, shelf)
  return new RangedBytes(client, { url, total, validator, first, stored })
}

/**
 * Reads a file whose blocks are here, and fetches those that are not.
 *
 * @param kept - Of which the server says at `url` that it is still the same.
 * @throws {LinkError} `LINK_TOO_LARGE`.
 */
export function openKeptRanges(client: LinkClient, url: URL, kept: KeptFile): LinkedBytes {
  const { sizeBytes } = kept.head
  const failure = tooLong(client, sizeBytes)
  if (failure !== undefined) throw failure
  return new RangedBytes(client, { url, total: sizeBytes, validator: kept.head, stored: kept })
}

interface RangedFile {
  readonly url: URL
  readonly total: number
  readonly validator: Validator
  /** The first block, where it was fetched just now. */
  readonly first?: Uint8Array
  readonly stored: KeptFile | undefined
}

class RangedBytes implements LinkedBytes {
  readonly way = 'ranges'
  readonly sizeBytes: number
  readonly #client: LinkClient
  readonly #validator: Validator
  readonly #start: string | undefined
  readonly #stored: KeptFile | undefined
  readonly #reader: BlockReader
  readonly #gate = new Gate(MAX_FETCHES)
  readonly #storing = new Set<Promise<unknown>>()
  #url: URL
  #reopen: (() => Promise<LinkedBytes>) | undefined
  #renewing: Promise<URL> | undefined
  #renewals = 0

  constructor(client: LinkClient, { url, total, validator, first, stored }: RangedFile) {
    this.#client = client
    this.#url = url
    this.sizeBytes = total
    this.#validator = validator
    this.#start = first && hashOf(first)
    this.#stored = stored
    const fetch = (start: number, end: number) => this.#fetch(start, end)
    this.#reader = new BlockReader(total, client.settings.limits.memoryBytes, fetch, stored)
    if (first !== undefined) this.#reader.prime(first)
  }

  read(start: number, end: number): Promise<Uint8Array> {
    return this.#reader.read(start, end)
  }

  renewBy(open: () => Promise<LinkedBytes>): void {
    this.#reopen = open
  }

  async close(): Promise<void> {
    await Promise.all(this.#storing)
  }

  async #fetch(start: number, end: number): Promise<Uint8Array> {
    // Without a signal: those that run fail when it fires, and so do then those that waited.
    const bytes = await this.#gate.pass(undefined, () => this.#fetchNow(start, end))
    const storing = this.#stored?.keep(start / BLOCK_BYTES, bytes)
    if (storing === undefined) return bytes
    this.#storing.add(storing)
    await storing
    this.#storing.delete(storing)
    return bytes
  }

  async #fetchNow(start: number, end: number): Promise<Uint8Array> {
    const url = this.#url
    try {
      return await this.#fetchFrom(url, start, end)
    } catch (error) {
      if (!(error instanceof LinkError) || error.code !== 'LINK_NOT_FOUND') throw error
      return this.#fetchFrom(await this.#renewed(url, error), start, end)
    }
  }

  #fetchFrom(url: URL, start: number, end: number): Promise<Uint8Array> {
    return this.#client.retry(async () => {
      const { answer } = await this.#client.get(url, this.#headers(start, end))
      checkAnswer(answer, () => this.#failureOf(answer, start, end))
      return readExactly(answer, end - start)
    })
  }

  #headers(start: number, end: number): Record<string, string> {
    const tag = strongTag(this.#validator)
    return { range: `bytes=${start}-${end - 1}`, ...(tag !== undefined && { 'if-range': tag }) }
  }

  #failureOf(answer: Answer, start: number, end: number): LinkError | undefined {
    const range = parseContentRange(answer.header('content-range'))
    const isOther = !isSameValidator(validatorOf(answer), this.#validator)
    if (isOther || answer.status === 416 || (range?.total ?? this.sizeBytes) !== this.sizeBytes) {
      return changed()
    }
    if (answer.status !== 206 || range?.start !== start || range.end !== end) return wrongRange()
    return undefined
  }

  /** The address that the link leads to now; of all that find one run out, one asks. */
  async #renewed(expired: URL, failure: LinkError): Promise<URL> {
    if (this.#url !== expired) return this.#url
    if (this.#reopen === undefined) throw failure
    this.#renewing ??= this.#renew(this.#reopen, failure).finally(() => {
      this.#renewing = undefined
    })
    return this.#renewing
  }

  async #renew(reopen: () => Promise<LinkedBytes>, failure: LinkError): Promise<URL> {
    if (++this.#renewals > MAX_RENEWALS) throw failure
    const fresh = await reopen().catch((cause: unknown) => {
      if (!(cause instanceof LinkError) || !GONE.has(cause.code)) throw cause
      const sentence = 'The address of the file ran out while it was read, and its link gives no other one.'
      throw new LinkError('LINK_NOT_FOUND', sentence, { cause })
    })
    await fresh.close()
    if (!(fresh instanceof RangedBytes && this.#isSameAs(fresh))) throw changed()
    if (fresh.#url.href === this.#url.href) throw failure
    this.#url = fresh.#url
    return this.#url
  }

  #isSameAs(other: RangedBytes): boolean {
    const isSameStart =
      this.#start === undefined || other.#start === undefined || this.#start === other.#start
    return (
      isSameStart && this.sizeBytes === other.sizeBytes && isSameValidator(this.#validator, other.#validator)
    )
  }
}

/** Failures of a link that led to the file before. */
const GONE = new Set<string>(['LINK_NOT_FOUND', 'LINK_NOT_MEDIA'])

/** Drops an answer that cannot be used, and throws why. */
function checkAnswer(answer: Answer, check: () => LinkError | undefined): void {
  const failure = check()
  if (failure === undefined) return
  answer.drop()
  throw failure
}

function changed(): LinkError {
  return new LinkError('LINK_CHANGED', 'The file behind the link changed while it was read: open it again.')
}

function tooLong({ settings }: LinkClient, total: number): LinkError | undefined {
  const { maxFileBytes } = settings.limits
  if (total <= maxFileBytes) return undefined
  return new LinkError(
    'LINK_TOO_LARGE',
    `The file behind the link is longer than the ${maxFileBytes} bytes allowed.`,
  )
}

function wrongRange(): LinkError {
  return new LinkError('LINK_BROKEN', "The link's server answers with another range than it was asked for.")
}
