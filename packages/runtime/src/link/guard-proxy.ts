import { randomBytes, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { connect, isIP, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { checkLink } from './link-url.js'
import type { Settings } from './policy.js'
import { resolveHost } from './resolve-host.js'

/** What a program may receive in all: pages and scripts of a site take some megabytes. */
const MAX_BYTES = 256 * 2 ** 20

/** A proxy for one program, on loopback. */
export interface GuardProxy {
  /** With its password in it: for the environment of the program, not for its arguments. */
  readonly address: string
  /** Ends all connections through it. */
  close(): Promise<void>
}

/**
 * Opens a proxy whose connections pass the same checks as those of links: each host is looked up, all its addresses are
 * checked, and the connection is made to a checked one. It passes on HTTPS alone, which it does not look into.
 */
export async function openGuardProxy(settings: Settings, signal: AbortSignal): Promise<GuardProxy> {
  const password = randomBytes(24).toString('hex')
  const sockets = new Set<Duplex>()
  const track = (socket: Duplex): void => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
  }
  const server = createServer((_, response) => response.writeHead(403, { connection: 'close' }).end())
  server.on('connection', track)
  let leftBytes = MAX_BYTES
  server.on('connect', (request, client, head) => {
    const tunnel = async (): Promise<void> => {
      if (!knows(request, password)) return refuse(client, '407 Proxy Authentication Required')
      const upstream = await connectTo(request.url ?? '', settings, signal, track)
      if (client.destroyed) return void upstream.destroy()
      upstream.on('data', ({ length }: Buffer) => {
        leftBytes -= length
        if (leftBytes < 0) upstream.destroy()
      })
      client.on('close', () => upstream.destroy())
      upstream.on('close', () => client.destroy())
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      upstream.write(head)
      upstream.pipe(client).pipe(upstream)
    }
    tunnel().catch(() => refuse(client, '403 Forbidden'))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const bound = server.address()
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0
  return {
    address: `http://longtake:${password}@127.0.0.1:${port}`,
    async close() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

/** @throws {LinkError} If the host may not be reached. */
async function connectTo(
  host: string,
  settings: Settings,
  signal: AbortSignal,
  track: (socket: Duplex) => void,
): Promise<Socket> {
  const url = checkLink(`https://${host}`, settings, 'resolved')
  const addresses = await resolveHost(url, settings, signal)
  const address = addresses.toSorted((a, b) => isIP(a) - isIP(b))[0]!
  const upstream = connect({
    host: address,
    family: isIP(address),
    port: url.port === '' ? 443 : Number(url.port),
  })
  track(upstream)
  upstream.setTimeout(settings.limits.stallSeconds * 1000, () => upstream.destroy(new Error('Too slow.')))
  await once(upstream, 'connect', { signal })
  return upstream
}

function knows({ headers }: IncomingMessage, password: string): boolean {
  const wanted = Buffer.from(`Basic ${Buffer.from(`longtake:${password}`).toString('base64')}`)
  const given = Buffer.from(headers['proxy-authorization'] ?? '')
  return given.length === wanted.length && timingSafeEqual(given, wanted)
}

function refuse(client: Duplex, status: string): void {
  client.end(
    `HTTP/1.1 ${status}\r\nproxy-authenticate: Basic\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`,
  )
}
