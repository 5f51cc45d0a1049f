import { cancelled } from '../ort/abort.js'

/** Up to here a file is fetched whole: one request, which also works offline from a cache. */
const MAX_WHOLE_BYTES = 64 * 2 ** 20

/** A file on a server, read by range or held as the browser holds Blobs. */
export interface HttpFile {
  readonly sizeBytes: number
  /** @throws {Error} If the server fails, or the file is no longer what it was. */
  read(start: number, end: number): Promise<Uint8Array>
}

export interface HttpOptions {
  readonly signal?: AbortSignal | undefined
  /** Told of every piece that arrives while a file is fetched whole. */
  readonly onBytes?: ((doneBytes: number, totalBytes: number) => void) | undefined
}

/**
 * Opens a file at an address. A large one is read by range where its server says that it can be.
 *
 * @returns Undefined where there is none. Servers of single-page sites answer any address with a page: that is none either.
 * @throws {CancelledError} If the signal fires.
 * @throws {Error} If it cannot be fetched, with the reason.
 */
export async function openHttpFile(
  url: string,
  { signal, onBytes }: HttpOptions = {},
): Promise<HttpFile | undefined> {
  const stop = new AbortController()
  const response = await request(
    url,
    {},
    signal ? AbortSignal.any([signal, stop.signal]) : stop.signal,
    signal,
  )
  const { status, headers } = response
  if (status === 404 || status === 410 || isPage(response)) {
    stop.abort()
    return undefined
  }
  if (!response.ok) {
    stop.abort()
    throw new Error(`the server answers ${status}`)
  }
  const sizeBytes = Number(headers.get('content-length') ?? Number.NaN)
  const isPlain = (headers.get('content-encoding') ?? 'identity') === 'identity'
  if (sizeBytes > MAX_WHOLE_BYTES && isPlain && headers.get('accept-ranges') === 'bytes') {
    stop.abort()
    return rangedFile(response.url || url, sizeBytes, headers.get('etag'))
  }
  return wholeFile(await collect(response, isPlain ? sizeBytes : Number.NaN, onBytes, signal))
}

function isPage({ headers }: Response): boolean {
  return (headers.get('content-type') ?? '').startsWith('text/html')
}

async function request(
  url: string,
  headers: Record<string, string>,
  signal: AbortSignal | undefined,
  own: AbortSignal | undefined,
): Promise<Response> {
  try {
    return await fetch(url, { headers, ...(signal && { signal }) })
  } catch (error) {
    if (own?.aborted) throw cancelled(own)
    throw error
  }
}

/** The body, in pieces that the browser may keep outside of memory. */
async function collect(
  response: Response,
  totalBytes: number,
  onBytes: HttpOptions['onBytes'],
  signal: AbortSignal | undefined,
): Promise<Blob> {
  if (onBytes === undefined || response.body === null || !(totalBytes > 0)) {
    return response.blob().catch((error: unknown) => {
      throw signal?.aborted ? cancelled(signal) : error
    })
  }
  const pieces: Uint8Array<ArrayBuffer>[] = []
  const reader = response.body.getReader()
  let doneBytes = 0
  for (;;) {
    const { done, value } = await reader.read().catch((error: unknown) => {
      throw signal?.aborted ? cancelled(signal) : error
    })
    if (done) break
    pieces.push(value)
    doneBytes += value.length
    onBytes(Math.min(doneBytes, totalBytes), totalBytes)
  }
  return new Blob(pieces)
}

function wholeFile(blob: Blob): HttpFile {
  return { sizeBytes: blob.size, read: async (start, end) => bytesOf(blob.slice(start, end)) }
}

/** Bytes of a Blob. */
export async function bytesOf(blob: Blob): Promise<Uint8Array> {
  return new Uint8Array(await blob.arrayBuffer())
}

function rangedFile(url: string, sizeBytes: number, etag: string | null): HttpFile {
  return {
    sizeBytes,
    async read(start, end) {
      if (start >= end) return new Uint8Array(0)
      const { status, headers, ...response } = await answerTo(url, `bytes=${start}-${end - 1}`)
      if (status !== 206) throw new Error(`the server answers ${status} instead of a part of the file`)
      const total = Number(headers.get('content-range')?.split('/')[1])
      if (total !== sizeBytes || headers.get('etag') !== etag)
        throw new Error('the file was changed on the server')
      return bytesOf(await response.blob())
    },
  }
}

async function answerTo(url: string, range: string) {
  const response = await fetch(url, { headers: { range } })
  const { status, headers } = response
  return { status, headers, blob: () => response.blob() }
}
