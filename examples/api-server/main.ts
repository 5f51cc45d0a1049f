import { serve } from '@hono/node-server'
import { openApi } from '@longtake/edge-api/node'
import { Hono } from 'hono'

// Everything of `longtake serve` but the listening; LONGTAKE_… variables say models, limits and keys.
const api = await openApi(process.env)

const app = new Hono()
app.get('/', (c) => c.text('Clients of OpenAI find the API at /longtake/v1.'))
app.mount('/longtake', api.fetch)

// Without LONGTAKE_KEYS everybody who reaches the port may ask, so it stays this machine's own.
const port = Number(process.env.PORT ?? 3000)
const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port }, (address) => {
  console.log(`http://127.0.0.1:${address.port}/longtake/v1`)
})

process.once('SIGTERM', async () => {
  // Running questions end first, and are told over connections that are still open.
  await api.close()
  server.close()
})
