import { LinkError } from '@longtake/core'
import { type Answer, ConnectionFailure } from './exchange.js'

/**
 * Reads exactly so many bytes.
 *
 * @throws {ConnectionFailure} If the body ends earlier.
 * @throws {LinkError} `LINK_BROKEN` if it is longer.
 */
export async function readExactly(answer: Answer, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  let filled = 0
  for await (const piece of answer.body()) {
    if (filled + piece.length > length) {
      throw new LinkError('LINK_BROKEN', "The link's server sends more bytes than it was asked for.")
    }
    bytes.set(piece, filled)
    filled += piece.length
  }
  if (filled < length) throw new ConnectionFailure("The link's server sends fewer bytes than it says.")
  return bytes
}

/** Reads at most so many bytes and drops the rest. */
export async function readUpTo(pieces: AsyncIterable<Uint8Array>, most: number): Promise<Uint8Array> {
  const kept: Uint8Array[] = []
  let length = 0
  for await (const piece of pieces) {
    kept.push(piece.subarray(0, most - length))
    length += piece.length
    if (length >= most) break
  }
  return Buffer.concat(kept)
}

/** A body whose first bytes are looked at before the whole is read. */
export interface Peeked {
  readonly head: Uint8Array
  /** All pieces, the head's included; to be read once. */
  readonly whole: AsyncGenerator<Uint8Array>
}

/** Reads pieces until there are `least` bytes, or no more. */
export async function peek(body: AsyncGenerator<Uint8Array>, least: number): Promise<Peeked> {
  const pieces: Uint8Array[] = []
  let length = 0
  while (length < least) {
    const { done, value } = await body.next()
    if (done === true) break
    pieces.push(value)
    length += value.length
  }
  return { head: Buffer.concat(pieces), whole: chain(pieces, body) }
}

async function* chain(
  pieces: readonly Uint8Array[],
  rest: AsyncGenerator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    yield* pieces
    yield* rest
  } finally {
    await rest.return(undefined)
  }
}
