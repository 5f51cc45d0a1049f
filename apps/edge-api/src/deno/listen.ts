import { LAST_ANSWERS_MS, type Listener, type Listening } from '../node/listening.js'

/** What is used of Deno's own server. */
declare const Deno: {
  serve(
    options: {
      readonly hostname: string
      readonly port: number
      readonly signal: AbortSignal
      readonly onListen: () => void
    },
    handler: (request: Request) => Response | Promise<Response>,
  ): { readonly addr: { readonly port: number }; readonly finished: Promise<void>; shutdown(): Promise<void> }
}

/** Deno's server. */
export async function listen({ fetch, hostname, port }: Listener): Promise<Listening> {
  const ended = new AbortController()
  const options = { hostname, port, signal: ended.signal, onListen: () => {} }
  const server = Deno.serve(options, (request) => fetch(request))
  return {
    port: server.addr.port,
    async stop() {
      const end = setTimeout(() => ended.abort(), LAST_ANSWERS_MS)
      await Promise.all([server.shutdown(), server.finished])
      clearTimeout(end)
    },
  }
}
