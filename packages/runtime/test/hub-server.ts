import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, relative, sep } from 'node:path'

export const COMMIT = '0123456789abcdef0123456789abcdef01234567'
/** Files from this size on are described as large ones: by the SHA-256 of their content. */
const LARGE_BYTES = 10_000

export interface HubRequest {
  /** Host and port that were asked. */
  readonly host: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
}

/** Answers a request in another way than usual; false where the usual answer is wanted. */
export type Fault = (request: IncomingMessage, response: ServerResponse, path: string) => boolean

/** A hub on loopback with one model, and others beside it, which can be made to misbehave. */
export class TestHub implements AsyncDisposable {
  readonly requests: HubRequest[] = []
  readonly endpoint: string
  /** Changed by tests: entries of the list of files. */
  listed: Record<string, unknown>[]
  fault: Fault = () => false
  /** Changed by tests: files of other models, by id. All other ids are the one model. */
  readonly others = new Map<string, ReadonlyMap<string, Buffer>>()
  readonly #server: Server
  readonly #files: ReadonlyMap<string, Buffer>

  private constructor(server: Server, files: ReadonlyMap<string, Buffer>) {
    this.#server = server
    this.#files = files
    this.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    this.listed = [...files].map(([path, bytes]) => describeFile(path, bytes))
    server.on('request', (request, response) => this.#answer(request, response))
  }

  static async open(files: ReadonlyMap<string, Buffer>): Promise<TestHub> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return new TestHub(server, files)
  }

  /** Requests for a file of the model. */
  requestsFor(path: string): HubRequest[] {
    return this.requests.filter((request) => request.path.endsWith(`/${path}`))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname } = new URL(request.url ?? '/', this.endpoint)
    const path = decodeURIComponent(pathname)
    this.requests.push({ host: request.headers.host ?? '', path, headers: request.headers })
    if (this.fault(request, response, path)) return
    const isList = path.startsWith('/api/models/')
    const parts = path.split('/').slice(isList ? 3 : 1)
    const other = this.others.get(parts.slice(0, 2).join('/'))
    if (isList) {
      const siblings = other ? [...other].map(([name, bytes]) => describeFile(name, bytes)) : this.listed
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ sha: COMMIT, siblings }))
      return
    }
    const bytes = (other ?? this.#files).get(parts.slice(4).join('/'))
    if (bytes === undefined) {
      response.writeHead(404).end()
      return
    }
    sendRange(request, response, bytes)
  }
}

/** Sends a file, or the part of it that is asked for. */
export function sendRange(request: IncomingMessage, response: ServerResponse, bytes: Buffer): void {
  const etag = `"${createHash('md5').update(bytes).digest('hex')}"`
  response.setHeader('etag', etag)
  const [, start, last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? []
  const wanted = request.headers['if-range']
  if (start === undefined || (wanted !== undefined && wanted !== etag)) {
    response.writeHead(200, { 'content-length': bytes.length }).end(bytes)
    return
  }
  const part = bytes.subarray(Number(start), last ? Number(last) + 1 : undefined)
  const end = Number(start) + part.length - 1
  response
    .writeHead(206, {
      'content-length': part.length,
      'content-range': `bytes ${start}-${end}/${bytes.length}`,
    })
    .end(part)
}

/** As the hub's list describes a file. */
function describeFile(path: string, bytes: Buffer): Record<string, unknown> {
  const gitHash = createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')
  const entry = { rfilename: path, size: bytes.length, blobId: gitHash }
  if (bytes.length < LARGE_BYTES) return entry
  return { ...entry, lfs: { sha256: createHash('sha256').update(bytes).digest('hex'), size: bytes.length } }
}

/** All files of a folder, by their paths with `/`. */
export function filesOf(folder: string): Map<string, Buffer> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((item) => item.isFile())
  return new Map(
    files.map((item) => {
      const path = join(item.parentPath, item.name)
      return [relative(folder, path).split(sep).join('/'), readFileSync(path)]
    }),
  )
}
