import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const FILM = new URL('../../../tests/data/demo/0000.mp4', import.meta.url)

/** The demonstration's film on loopback, with ranges. */
export async function serveFilm(): Promise<AsyncDisposable & { readonly url: string }> {
  const film = await readFile(FILM)
  const server = createServer((request, response) => {
    if (request.url !== '/film.mp4') {
      response.writeHead(200, { 'Content-Type': 'text/html' }).end('<p>No film here.</p>')
      return
    }
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? []
    const start = Number(from ?? 0)
    const end = Math.min(film.length, to ? Number(to) + 1 : film.length)
    response.writeHead(from === undefined ? 200 : 206, {
      'Accept-Ranges': 'bytes',
      'Content-Type': 'video/mp4',
      'Content-Length': end - start,
      ...(from !== undefined && { 'Content-Range': `bytes ${start}-${end - 1}/${film.length}` }),
    })
    response.end(film.subarray(start, end))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
