import { LAST_ANSWERS_MS, type Listener, type Listening } from '../node/listening.js'

/** Bun ends connections that are silent that long, in seconds; a sender may be no slower. */
const SILENT_SECONDS = 120
/** The app refuses what is too large with an answer of its own, so Bun's limit lies above. */
const SPARE_BYTES = 2 ** 20

/** What is used of Bun's own server. */
interface BunServer {
  readonly port: number
  timeout(request: Request, seconds: number): void
  stop(now?: boolean): Promise<void>
}

declare const Bun: {
  serve(options: {
    readonly hostname: string
    readonly port: number
    readonly idleTimeout: number
    readonly maxRequestBodySize: number
    fetch(request: Request, server: BunServer): Response | Promise<Response>
  }): BunServer
}

/** Bun's server. */
export async function listen({ fetch, hostname, port, mostBytes }: Listener): Promise<Listening> {
  const server = Bun.serve({
    hostname,
    port,
    idleTimeout: SILENT_SECONDS,
    maxRequestBodySize: mostBytes + SPARE_BYTES,
    fetch(request, itself) {
      // A whole answer says nothing until it is there; its own deadline ends it.
      itself.timeout(request, 0)
      return fetch(request)
    },
  })
  return {
    port: server.port,
    async stop() {
      const end = setTimeout(() => void server.stop(true), LAST_ANSWERS_MS)
      await server.stop()
      clearTimeout(end)
    },
  }
}
