import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { LinkPolicy } from '../src/link/index.js'

/** A server on loopback that counts who comes. */
export interface LinkServer {
  readonly port: number
  readonly origin: string
  /** Paths that were asked for, with their `Range` and `If-None-Match`. */
  readonly requests: {
    readonly path: string
    readonly range: string | undefined
    readonly tag: string | undefined
  }[]
  /** TCP connections that were made. */
  readonly connections: number
  /** Bytes of bodies that were handed to the system. */
  readonly sentBytes: number
  close(): Promise<void>
}

export async function startServer(
  listener: RequestListener,
  host = '127.0.0.1',
  wantedPort = 0,
): Promise<LinkServer> {
  const requests: LinkServer['requests'] = []
  let connections = 0
  let sentBytes = 0
  const server = createServer((request, response) => {
    const { range, 'if-none-match': tag } = request.headers
    requests.push({ path: request.url ?? '', range, tag })
    listener(request, response)
  })
  server.on('connection', (socket) => {
    connections++
    socket.on('error', () => {})
    socket.on('close', () => {
      sentBytes += socket.bytesWritten
    })
  })
  await new Promise<void>((resolve) => server.listen(wantedPort, host, resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    port,
    origin: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    requests,
    get connections() {
      return connections
    },
    get sentBytes() {
      return sentBytes
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** Lets links reach the servers of tests, and nothing else that is not public. */
export const TO_TESTS: LinkPolicy = { ports: 'any', allowNetworks: ['127.0.0.1/32'] }

export interface Served {
  readonly type?: string
  readonly etag?: string
  readonly modified?: string
  /** Default true. */
  readonly ranges?: boolean
  /** Whether it answers 304 to who has the file. Default true. */
  readonly conditions?: boolean
  /** Further headers. */
  readonly headers?: Readonly<Record<string, string>>
}

/** Serves bytes as a good server does, by range or whole. */
export function serve(
  request: IncomingMessage,
  response: ServerResponse,
  bytes: Uint8Array,
  { type = 'video/mp4', etag, modified, ranges = true, conditions = true, headers: more }: Served = {},
): void {
  const headers = {
    ...more,
    'content-type': type,
    ...(etag && { etag }),
    ...(modified && { 'last-modified': modified }),
  }
  if (conditions && etag !== undefined && request.headers['if-none-match'] === etag) {
    response.writeHead(304, { ...more, etag }).end()
    return
  }
  const match = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '')
  if (!ranges || match === null) {
    response.writeHead(200, { ...headers, 'content-length': bytes.length }).end(bytes)
    return
  }
  const start = Number(match[1])
  const end = Math.min(bytes.length, Number(match[2]) + 1)
  if (start >= bytes.length) {
    response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end()
    return
  }
  const range = `bytes ${start}-${end - 1}/${bytes.length}`
  response
    .writeHead(206, { ...headers, 'content-range': range, 'content-length': end - start })
    .end(bytes.subarray(start, end))
}
