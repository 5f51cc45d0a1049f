import { LinkError } from '@longtake/core'
import type { LinkedBytes } from './linked-bytes.js'

/** The longest part of a `data:` URI before its data. */
const MAX_PREFIX_CHARACTERS = 256

export function isDataUri(text: string): boolean {
  return /^\s*data:/i.test(text.slice(0, 64))
}

/**
 * Reads `data:video/mp4;base64,…` (RFC 2397); nothing is fetched.
 *
 * @throws {LinkError} `LINK_TOO_LARGE`, or `LINK_NOT_MEDIA` where it is not base64.
 */
export function readDataUri(text: string, maxBytes: number): { bytes: LinkedBytes; mimeType: string } {
  const start = text.search(/data:/i) + 'data:'.length
  const comma = text.indexOf(',', start)
  const prefix = comma < 0 || comma - start > MAX_PREFIX_CHARACTERS ? undefined : text.slice(start, comma)
  if (prefix === undefined || !/;\s*base64\s*$/i.test(prefix)) {
    throw new LinkError('LINK_NOT_MEDIA', 'A data: URI has to be base64, such as data:video/mp4;base64,AAAA.')
  }
  const encoded = text.length - comma - 1
  // Three bytes in four characters; what is percent-encoded takes more and is checked again below.
  if (encoded > (maxBytes * 4) / 3 + 1024) throw tooLarge(maxBytes)
  const content = decode(text.slice(comma + 1))
  if (content.length > maxBytes) throw tooLarge(maxBytes)
  return { bytes: inMemory(content), mimeType: prefix.split(';')[0]!.trim().toLowerCase() }
}

function decode(text: string): Uint8Array {
  const plain = text.replaceAll(/%(2b|2f|3d)/gi, decodeURIComponent).replaceAll(/[\t\n\f\r ]+/g, '')
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(plain)) {
    throw new LinkError('LINK_NOT_MEDIA', 'The data: URI is damaged: it is not base64 throughout.')
  }
  return Buffer.from(plain, 'base64')
}

function tooLarge(maxBytes: number): LinkError {
  return new LinkError('LINK_TOO_LARGE', `The data: URI holds more than the ${maxBytes} bytes allowed.`)
}

function inMemory(content: Uint8Array): LinkedBytes {
  return {
    way: 'memory',
    sizeBytes: content.length,
    read: async (start, end) => content.slice(start, end),
    close: async () => {},
  }
}
