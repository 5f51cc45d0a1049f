import gateway from '@longtake/edge-api/workers'

/** Variables of `wrangler.toml`, and secrets that `wrangler secret put` stores. */
type Environment = Parameters<typeof gateway.fetch>[1]

// The gateway checks keys, bodies and rates near the caller. The engine is a `longtake serve` somewhere else.
export default {
  fetch(request: Request, env: Environment): Response | Promise<Response> {
    const { pathname } = new URL(request.url)
    // Whatever else the Worker does stands before it.
    if (pathname === '/') return new Response('Clients of OpenAI find the API at /v1.\n')
    return gateway.fetch(request, env)
  },
}
