import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTcpServer, type Server } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { LinkPolicy } from '@longtake/runtime/link'
import { HOSTILE_NAMES, PLAYER, type Places, REBINDING_NAMES } from './hostile-urls.js'

/** Where the trusted server listens; the canary has the same port elsewhere on loopback. */
const TRUSTED_HOST = '127.0.0.2'
const EMPTY_HOST = '127.0.0.9'
const CANARY_HOSTS = ['127.0.0.1', '::1', '127.0.0.3']
/** Tries to find a port that is free on all of them. */
const PORT_TRIES = 20

const DATA = new URL('../../../tests/data/video/', import.meta.url)
const read = (name: string): Promise<Buffer> => readFile(fileURLToPath(new URL(name, DATA)))

/** A trusted server and a canary, which nothing may reach. */
export interface LinkServers extends AsyncDisposable, Places {
  /** Hosts at which the canary listens; without IPv6 on the machine, fewer. */
  readonly canaryHosts: readonly string[]
  /** TCP connections that the canary has seen, and bytes that came over them. */
  readonly reached: { connections: number; bytes: number }
  /** What lets links reach the trusted server and nothing else; names are new with each call. */
  policy(): LinkPolicy
}

export async function openLinkServers(): Promise<LinkServers> {
  const films = new Films(await read('h264.mp4'), await read('h264.m2t'), await read('h264-fragmented.mp4'))
  for (let tries = 1; ; tries++) {
    const http = createServer((request, response) => films.answer(request, response))
    const port = await listen(http, TRUSTED_HOST, 0)
    const canary = await openCanary(port).catch(async (error: unknown) => {
      await close(http)
      if (tries >= PORT_TRIES) throw error
      return undefined
    })
    if (canary === undefined) continue
    return {
      port,
      trusted: `http://${TRUSTED_HOST}:${port}`,
      canaryHosts: canary.hosts,
      reached: canary.reached,
      policy: () => ({
        ports: 'any',
        allowNetworks: [TRUSTED_HOST, EMPTY_HOST],
        resolve: resolver(),
        players: async (page) => page.searchParams.get('to') ?? '',
      }),
      async [Symbol.asyncDispose]() {
        http.closeAllConnections()
        await Promise.all([http, ...canary.servers].map(close))
      },
    }
  }
}

async function openCanary(port: number) {
  const reached = { connections: 0, bytes: 0 }
  const servers: Server[] = []
  const hosts: string[] = []
  for (const host of CANARY_HOSTS) {
    const server = createTcpServer((socket) => {
      reached.connections++
      socket.on('error', () => {})
      socket.on('data', (bytes) => {
        reached.bytes += bytes.length
        socket.end('HTTP/1.1 200 OK\r\ncontent-type: video/mp4\r\ncontent-length: 6\r\n\r\nsecret')
      })
    })
    try {
      await listen(server, host, port)
      servers.push(server)
      hosts.push(host)
    } catch (error) {
      const isWithoutIpv6 = host === '::1' && Reflect.get(Object(error), 'code') !== 'EADDRINUSE'
      if (isWithoutIpv6) continue
      await Promise.all(servers.map(close))
      throw error
    }
  }
  return { reached, servers, hosts }
}

/** Names of the benchmark; each look-up of a rebinding name gives its next address. */
function resolver(): NonNullable<LinkPolicy['resolve']> {
  const looks = new Map<string, number>()
  return async (hostname) => {
    const name = hostname.replace(/\.$/, '')
    const turns = REBINDING_NAMES[name]
    if (turns !== undefined) {
      const look = looks.get(name) ?? 0
      looks.set(name, look + 1)
      return turns.slice(Math.min(look, turns.length - 1)).slice(0, 1)
    }
    // Nobody listens at the first: the next one is tried.
    if (name === 'two.example') return [EMPTY_HOST, TRUSTED_HOST]
    if (name === PLAYER || /^(films|other|xn--[a-z0-9-]+)\.example$/.test(name)) return [TRUSTED_HOST]
    if (/^(.+\.)?localhost$/.test(name)) return ['127.0.0.1', '::1']
    return HOSTILE_NAMES[name] ?? []
  }
}

/** What the trusted server has: films, and ways that lead wherever a query says. */
class Films {
  readonly #film: Buffer
  readonly #transport: Buffer
  readonly #fragmented: Buffer

  constructor(film: Buffer, transport: Buffer, fragmented: Buffer) {
    this.#film = film
    this.#transport = transport
    this.#fragmented = fragmented
  }

  answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', 'http://films.example')
    const to = url.searchParams.get('url') ?? ''
    const how = url.searchParams.get('how') ?? ''
    const left = Number(url.searchParams.get('left') ?? 0)
    const chained = `/chain?left=${left - 1}&url=${encodeURIComponent(to)}`
    const whole = { 'content-length': this.#film.length }
    const routes: Readonly<Record<string, () => unknown>> = {
      '/film.mp4': () => sendRange(request, response, this.#film),
      // Long enough for several ranges, each with a look-up of its own.
      '/once.mp4': () => sendRange(request, response, Buffer.alloc(2 ** 21, 7)),
      '/all.ts': () => sendRange(request, response, this.#transport),
      '/all.mp4': () => sendRange(request, response, this.#fragmented),
      '/whole.mp4': () => response.writeHead(200, whole).end(this.#film),
      '/chunked.mp4': () => response.writeHead(200).end(this.#film),
      '/to': () => redirect(response, to),
      '/chain': () => redirect(response, left > 0 ? chained : to),
      '/page': () => send(response, 'text/html', page(how, to)),
      '/list.m3u8': () => send(response, 'application/vnd.apple.mpegurl', playlist(how, to)),
    }
    const route = routes[url.pathname]
    if (route === undefined) response.writeHead(404).end()
    else route()
  }
}

function redirect(response: ServerResponse, to: string): void {
  // Headers hold Latin-1; what lies beyond is sent as UTF-8, as servers do.
  response
    .writeHead(302, {
      location: Buffer.from(to)
        .toString('latin1')
        .replaceAll(/[\0\r\n]/g, ''),
    })
    .end()
}

function send(response: ServerResponse, type: string, text: string): void {
  response.writeHead(200, { 'content-type': type }).end(text)
}

function page(how: string, to: string): string {
  const quoted = to.replaceAll('&', '&amp;').replaceAll('"', '&quot;')
  if (how === 'og') return `<meta property="og:video" content="${quoted}">`
  if (how === 'json') {
    return `<script type="application/ld+json">${JSON.stringify({ contentUrl: to })}</script>`
  }
  return `<!doctype html><video><source src="${quoted}"></video>`
}

function playlist(how: string, to: string): string {
  const head = ['#EXTM3U', '#EXT-X-VERSION:7', '#EXT-X-TARGETDURATION:30']
  const line = to.replaceAll(/[\r\n]/g, '')
  const quoted = line.replaceAll('"', '%22')
  const end = ['#EXTINF:30,', how === 'segment' ? line : '/all.ts', '#EXT-X-ENDLIST', '']
  if (how === 'variant') return ['#EXTM3U', '#EXT-X-STREAM-INF:BANDWIDTH=1', line, ''].join('\n')
  if (how === 'map') return [...head, `#EXT-X-MAP:URI="${quoted}"`, ...end].join('\n')
  if (how === 'key') return [...head, `#EXT-X-KEY:METHOD=AES-128,URI="${quoted}"`, ...end].join('\n')
  return [...head, ...end].join('\n')
}

function sendRange(request: IncomingMessage, response: ServerResponse, bytes: Buffer): void {
  const match = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '')
  if (match === null) {
    response.writeHead(200, { 'content-length': bytes.length }).end(bytes)
    return
  }
  const start = Number(match[1])
  const end = Math.min(bytes.length, Number(match[2]) + 1)
  const headers = {
    'content-range': `bytes ${start}-${end - 1}/${bytes.length}`,
    'content-length': end - start,
    etag: '"1"',
  }
  response.writeHead(206, headers).end(bytes.subarray(start, end))
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, ipv6Only: true }, () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}
