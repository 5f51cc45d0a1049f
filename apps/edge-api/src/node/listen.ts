import type { Server } from 'node:http'
import { serve } from '@hono/node-server'
import { LAST_ANSWERS_MS, type Listener, type Listening } from './listening.js'

const HEADERS_MS = 15_000
/** The app refuses what is too slow with an answer of its own, so Node's limit lies above. */
const SPARE_MS = 15_000

/** Node's server. */
export function listen({ fetch, hostname, port, bodyMs }: Listener): Promise<Listening> {
  return new Promise((resolve, reject) => {
    const serverOptions = { requestTimeout: HEADERS_MS + bodyMs + SPARE_MS, headersTimeout: HEADERS_MS }
    const server = serve({ fetch, hostname, port, serverOptions, overrideGlobalObjects: false }, (address) =>
      resolve({ port: address.port, stop: () => stop(server as Server) }),
    )
    server.on('error', reject)
  })
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const end = setTimeout(() => server.closeAllConnections(), LAST_ANSWERS_MS)
    server.close(() => {
      clearTimeout(end)
      resolve()
    })
    server.closeIdleConnections()
  })
}
