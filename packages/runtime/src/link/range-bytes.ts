import { LinkError } from '@longtake/core'
import { Gate } from '../ort/gate.js'
import { BLOCK_BYTES, BlockReader } from '../video/block-reader.js'
import { parseContentRange } from './content-range.js'
import type { Answer } from './exchange.js'
import type { Found, LinkClient } from './link-client.js'
import type { LinkedBytes } from './linked-bytes.js'
import { readExactly } from './read-body.js'

/** Asked for first: it shows whether the server knows ranges, and is what demuxers read first. */
export const FIRST_RANGE = `bytes=0-${BLOCK_BYTES - 1}`

/** What must stay the same over all ranges of a file. */
interface Validator {
  readonly etag: string | undefined
  readonly modified: string | undefined
}

/**
 * Reads a file by ranges.
 *
 * @param found - The answer of 206 to {@link FIRST_RANGE}; its body is read here.
 * @returns Undefined, with the answer dropped, where the server does not say how long the file is.
 * @throws {LinkError} `LINK_BROKEN` for another range than was asked for, `LINK_TOO_LARGE`.
 */
export async function openRanges(client: LinkClient, found: Found): Promise<LinkedBytes | undefined> {
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
  const file = new RangedFile(client, url, total, validatorOf(answer))
  const reader = new BlockReader(total, client.settings.limits.memoryBytes, (start, end) =>
    file.fetch(start, end),
  )
  reader.prime(await readExactly(answer, length))
  return {
    way: 'ranges',
    sizeBytes: total,
    read: (start, end) => reader.read(start, end),
    close: async () => {},
  }
}

/** Ranges fetched at once; the connections of a link are no more. */
const MAX_FETCHES = 4

class RangedFile {
  readonly #gate = new Gate(MAX_FETCHES)
  readonly #client: LinkClient
  readonly #url: URL
  readonly #total: number
  readonly #validator: Validator

  constructor(client: LinkClient, url: URL, total: number, validator: Validator) {
    this.#client = client
    this.#url = url
    this.#total = total
    this.#validator = validator
  }

  fetch(start: number, end: number): Promise<Uint8Array> {
    // Without a signal: those that run fail when it fires, and so do then those that waited.
    return this.#gate.pass(undefined, () => this.#fetchNow(start, end))
  }

  #fetchNow(start: number, end: number): Promise<Uint8Array> {
    return this.#client.retry(async () => {
      const { answer } = await this.#client.get(this.#url, this.#headers(start, end))
      checkAnswer(answer, () => this.#failureOf(answer, start, end))
      return readExactly(answer, end - start)
    })
  }

  #headers(start: number, end: number): Record<string, string> {
    const { etag } = this.#validator
    const isStrong = etag?.startsWith('"') === true
    return { range: `bytes=${start}-${end - 1}`, ...(isStrong && { 'if-range': etag }) }
  }

  #failureOf(answer: Answer, start: number, end: number): LinkError | undefined {
    const { etag, modified } = validatorOf(answer)
    const range = parseContentRange(answer.header('content-range'))
    const isOther = etag !== this.#validator.etag || modified !== this.#validator.modified
    if (isOther || answer.status === 416 || (range?.total ?? this.#total) !== this.#total) {
      return new LinkError(
        'LINK_CHANGED',
        'The file behind the link changed while it was read: open it again.',
      )
    }
    if (answer.status !== 206 || range?.start !== start || range.end !== end) return wrongRange()
    return undefined
  }
}

function validatorOf(answer: Answer): Validator {
  return { etag: answer.header('etag'), modified: answer.header('last-modified') }
}

/** Drops an answer that cannot be used, and throws why. */
function checkAnswer(answer: Answer, check: () => LinkError | undefined): void {
  const failure = check()
  if (failure === undefined) return
  answer.drop()
  throw failure
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
