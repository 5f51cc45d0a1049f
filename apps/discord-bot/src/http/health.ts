import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { InvalidOptionError } from '@longtake/core'
import type { Metrics } from './metrics.js'

export interface HealthOptions {
  readonly host: string
  /** 0: any that is free. */
  readonly port: number
  readonly metrics: Metrics
  /** Rejects while questions cannot be answered. */
  readonly check: () => Promise<void>
}

export interface HealthServer {
  readonly url: string
  close(): Promise<void>
}

/**
 * `/healthz`: the process lives; `/readyz`: it takes questions; `/metrics`: for Prometheus.
 *
 * @throws {InvalidOptionError} If it cannot listen there.
 */
export async function serveHealth({ host, port, metrics, check }: HealthOptions): Promise<HealthServer> {
  const answer = async (path: string, response: ServerResponse): Promise<void> => {
    if (path === '/healthz') end(response, 200, 'ok')
    else if (path === '/readyz') {
      await check().then(
        () => end(response, 200, 'ready'),
        () => end(response, 503, 'not ready'),
      )
    } else if (path === '/metrics') {
      const { contentType, text } = await metrics.render()
      end(response, 200, text, contentType)
    } else end(response, 404, 'not found')
  }
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    answer(pathname, response).catch(() => end(response, 500, 'failed'))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(new InvalidOptionError('LONGTAKE_HEALTH_PORT', 'a port that is free', port, { cause })),
    )
    server.listen(port, host, resolve)
  })
  const bound = (server.address() as AddressInfo).port
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

function end(response: ServerResponse, status: number, text: string, contentType = 'text/plain'): void {
  response.writeHead(status, { 'Content-Type': contentType, 'Cache-Control': 'no-store' }).end(text)
}
