import { ApiError } from '../http/api-error.js'
import type { Source } from './job.js'
import type { Uploads } from './uploads.js'

/**
 * What jobs can name: links as they are, and `data:` URIs as uploads, so that a job stays small.
 *
 * @throws {ApiError} 400 for a `data:` URI that is none, 413 for one that is too large.
 */
export async function sourcesOf(
  urls: readonly string[],
  owner: string,
  uploads: Uploads,
  mostBytes: number,
): Promise<readonly Source[]> {
  const sources: Source[] = []
  for (const url of urls) {
    if (!/^data:/i.test(url)) sources.push({ type: 'link', url })
    else sources.push({ type: 'upload', id: await uploads.put(owner, await readDataUri(url, mostBytes)) })
  }
  return sources
}

/** A link without what could be a key in it. */
export function shownUrl(text: string): string {
  if (!URL.canParse(text) || /^data:/i.test(text)) return 'upload'
  const { protocol, host, pathname } = new URL(text)
  return `${protocol}//${host}${pathname}`
}

async function readDataUri(uri: string, mostBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  let bytes: Uint8Array<ArrayBuffer>
  try {
    // The platform's own reader of data: URIs; nothing is asked of any network.
    bytes = new Uint8Array(await (await fetch(uri)).arrayBuffer())
  } catch {
    throw new ApiError(400, 'invalid_data_uri', 'A data: URI cannot be read.')
  }
  if (bytes.length === 0) throw new ApiError(400, 'invalid_data_uri', 'A data: URI is empty.')
  if (bytes.length > mostBytes)
    throw new ApiError(413, 'upload_too_large', `At most ${mostBytes} bytes are taken.`)
  return bytes
}
