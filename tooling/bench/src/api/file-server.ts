import { createServer } from 'node:http'
import { InvalidOptionError } from '@longtake/core'

/** A server of bytes on loopback. */
export interface FileServer extends AsyncDisposable {
  readonly url: string
}

/**
 * Serves bytes on loopback, with ranges.
 *
 * @param find - Bytes of a path such as `/film.mp4`.
 */
export async function serveBytes(find: (path: string) => Uint8Array | undefined): Promise<FileServer> {
  const server = createServer((request, response) => {
    const bytes = find(request.url ?? '')
    if (bytes === undefined) {
      response.writeHead(404).end()
      return
    }
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? []
    const headers = { 'Accept-Ranges': 'bytes', 'Content-Type': 'application/octet-stream' }
    if (from === undefined) {
      response.writeHead(200, { ...headers, 'Content-Length': bytes.length }).end(bytes)
      return
    }
    const start = Number(from)
    const end = to === undefined || to === '' ? bytes.length : Math.min(bytes.length, Number(to) + 1)
    if (start >= end) {
      response.writeHead(416, { 'Content-Range': `bytes */${bytes.length}` }).end()
      return
    }
    const range = { 'Content-Range': `bytes ${start}-${end - 1}/${bytes.length}` }
    response.writeHead(206, { ...headers, ...range, 'Content-Length': end - start })
    response.end(bytes.subarray(start, end))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string')
    throw new InvalidOptionError('port', 'a port', address ?? undefined)
  return {
    url: `http://127.0.0.1:${address.port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
