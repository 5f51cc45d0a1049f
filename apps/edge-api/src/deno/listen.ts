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
    handler: (
      request: Request,
      /** `completed` settles when the answer is out. */
      info: { readonly completed: Promise<void> },
    ) => Response | Promise<Response>,
  ): { readonly addr: { readonly port: number }; readonly finished: Promise<void> }
}

/** Deno's server. */
export async function listen({ fetch, hostname, port }: Listener): Promise<Listening> {
  const ended = new AbortController()
  const answers = new Set<Promise<void>>()
  const options = { hostname, port, signal: ended.signal, onListen: () => {} }
  const server = Deno.serve(options, (request, { completed }) => {
    const done = completed.catch(() => {}).finally(() => answers.delete(done))
    answers.add(done)
    return fetch(request)
  })
  return {
    port: server.addr.port,
    async stop() {
      // Not `shutdown`: it waits for senders that go on sending, and what it waits for can be ended no more.
      await within(LAST_ANSWERS_MS, allOf(answers))
      ended.abort()
      await server.finished
    },
  }
}

async function allOf(promises: ReadonlySet<Promise<void>>): Promise<void> {
  while (promises.size > 0) await Promise.all(promises)
}

function within(milliseconds: number, work: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const late = setTimeout(resolve, milliseconds)
    void work.then(() => {
      clearTimeout(late)
      resolve()
    })
  })
}
