import { createHash } from 'node:crypto'
import { isObject } from '../checkpoint/fields.js'
import type { Validator } from './validator.js'

/** Raised whenever files of the cache change their meaning. */
const VERSION = 1
/** Longest text of a head; servers do not write more. */
const MOST_CHARACTERS = 2048

/** What is known of a kept file. */
export interface KeptHead extends Validator {
  readonly sizeBytes: number
  readonly mimeType: string
  /** Whether it came by range, or whole. */
  readonly way: 'ranges' | 'spool'
  /** Hash of the address that gave it, after redirects. */
  readonly address: string
}

export function hashOf(text: string | Uint8Array): string {
  return createHash('sha256').update(text).digest('hex')
}

/** Names the content: pieces of two contents never have the same name, nor do those of two links. */
export function contentOf(key: string, { etag, modified, sizeBytes, way }: KeptHead): string {
  const parts = [VERSION, key, etag ?? null, modified ?? null, sizeBytes, way]
  return hashOf(JSON.stringify(parts)).slice(0, 32)
}

export function encodeHead(key: string, head: KeptHead): string {
  return JSON.stringify({ ...head, content: contentOf(key, head) })
}

/** Reads a head; undefined for one that is damaged, of another version or of another link. */
export function decodeHead(key: string, text: string): KeptHead | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!isObject(value)) return undefined
  const { etag, modified, sizeBytes, mimeType, way, address, content } = value
  if (!isTextOrNothing(etag) || !isTextOrNothing(modified)) return undefined
  if (typeof mimeType !== 'string' || typeof address !== 'string') return undefined
  if (typeof sizeBytes !== 'number' || !Number.isSafeInteger(sizeBytes) || sizeBytes < 1) return undefined
  if (way !== 'ranges' && way !== 'spool') return undefined
  const head = { etag, modified, sizeBytes, mimeType, way, address } as const
  return content === contentOf(key, head) ? head : undefined
}

function isTextOrNothing(value: unknown): value is string | undefined {
  return value === undefined || (typeof value === 'string' && value.length <= MOST_CHARACTERS)
}
