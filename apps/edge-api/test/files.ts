import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** The repository's test data, from this file. */
const DATA = new URL('../../../tests/data/', import.meta.url)

export function readData(path: string): Promise<Buffer<ArrayBuffer>> {
  return readFile(new URL(path, DATA)) as Promise<Buffer<ArrayBuffer>>
}

export interface FileServer extends AsyncDisposable {
  /** Address of a file of the test data. */
  url(path: string): string
  /** Requests so far. */
  readonly requests: readonly string[]
  /** Has `/held/…` answered from now on, also where it was asked for before. */
  answerHeld(): void
}

/** Serves the test data on loopback, by range. `/slow/…` never answers, `/held/…` not before it is told to. */
export async function serveFiles(): Promise<FileServer> {
  const requests: string[] = []
  let answerHeld = (): void => {}
  const held = new Promise<void>((resolve) => {
    answerHeld = resolve
  })
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname.slice(1)
    requests.push(request.url ?? '')
    if (path.startsWith('slow/')) return
    const whenAnswered = path.startsWith('held/') ? held : Promise.resolve()
    const file = path.replace(/^held\//, '')
    whenAnswered
      .then(() => readData(file))
      .then(
        (bytes) => {
          const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '')
          if (range === null) {
            response.writeHead(200, { 'Content-Length': bytes.length, 'Accept-Ranges': 'bytes' }).end(bytes)
            return
          }
          const start = Number(range[1])
          const end = Math.min(range[2] ? Number(range[2]) : bytes.length - 1, bytes.length - 1)
          response
            .writeHead(206, { 'Content-Range': `bytes ${start}-${end}/${bytes.length}`, ETag: '"1"' })
            .end(bytes.subarray(start, end + 1))
        },
        () => response.writeHead(404).end('nothing here'),
      )
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    url: (path) => `http://127.0.0.1:${port}/${path}`,
    requests,
    answerHeld: () => answerHeld(),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
