import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newKey, type RunningServer, serve } from '../apps/edge-api/src/node/index.js'
import { call, KEYS, question } from '../apps/edge-api/test/api.js'
import { OpenAI } from '../apps/edge-api/test/client.js'
import { type FileServer, readData, serveFiles } from '../apps/edge-api/test/files.js'
import { alike } from './support/alike.js'
import { announce } from './support/announce.js'
import { findBinary } from './support/binaries.js'
import { bundleWorker, type RunningWorker, startWorker } from './support/workerd.js'

const binary = await findBinary('workerd')
if (binary === undefined) console.warn('npm installed no workerd for this machine: the gateway is not run.')
const bundle = await bundleWorker()

/** The gateway's own callers. */
const eve = newKey('eve')
const mia = newKey('mia')
/** What the gateway is at the engine. */
const edge = newKey('edge')

const GATEWAY = { LONGTAKE_KEYS: `${eve.entry},${mia.entry}`, LONGTAKE_UPSTREAM_KEY: edge.key }

test('the bundle imports nothing: no built-in of Node, no engine', () => {
  expect(bundle.imports).toEqual([])
  expect(bundle.code).not.toMatch(/\bfrom\s*["']node:|\brequire\(["']|onnxruntime|node-av|process\.dlopen/)
})

describe.skipIf(binary === undefined)('in front of an engine', () => {
  let files: FileServer
  let engine: RunningServer
  let worker: RunningWorker
  const at = (path: string): string => `${worker.url}${path}`
  const ask = (path: string, body?: unknown, key = eve.key, headers: Record<string, string> = {}) =>
    call(at(path), { body, key, headers })

  beforeAll(async () => {
    files = await serveFiles()
    engine = await serve({
      LONGTAKE_HOST: '127.0.0.1',
      LONGTAKE_PORT: '0',
      LONGTAKE_LOG: 'silent',
      LONGTAKE_KEYS: edge.entry,
      LONGTAKE_GATEWAYS: 'edge',
      LONGTAKE_LINK_NETWORKS: '127.0.0.0/8',
      LONGTAKE_LINK_PORTS: 'any',
    })
    worker = await startWorker(binary ?? '', bundle.code, { ...GATEWAY, LONGTAKE_UPSTREAM: engine.url })
  })

  afterAll(async () => {
    await worker?.[Symbol.asyncDispose]()
    await engine?.close()
    await files?.[Symbol.asyncDispose]()
  })

  test('the official client answers and streams through it', async () => {
    const client = new OpenAI({ baseURL: at('/v1'), apiKey: eve.key })
    expect((await client.models.list()).data.map(({ id }) => id)).toEqual(['@longtake/tiny'])
    const body = question(
      files.url('demo/0000.mp4'),
    ) as never as OpenAI.ChatCompletionCreateParamsNonStreaming
    const whole = await client.chat.completions.create(body)
    expect(whole.choices[0]?.message.content).toMatch(/square/i)
    let text = ''
    for await (const chunk of await client.chat.completions.create({ ...body, stream: true })) {
      text += chunk.choices[0]?.delta.content ?? ''
    }
    expect(text).toBe(whole.choices[0]?.message.content)
  })

  test('a described video is planned at the edge as the engine would plan it', async () => {
    const body = {
      video: { duration: 600, width: 640, height: 360, fps: 25 },
      longtake: { frames: 64, method: { rearrange: 'interleaved' } },
    }
    const response = await ask('/v1/plan', body)
    expect(response.status).toBe(200)
    const plan = await response.json()
    expect(plan).toMatchObject({ object: 'plan', model: '@longtake/tiny', plan: { frames: 64 } })
    const own = await call(`${engine.url}/v1/plan`, { body, key: edge.key })
    expect(alike(plan)).toEqual(alike(await own.json()))
    const link = await ask('/v1/plan', { url: files.url('demo/0000.mp4'), longtake: { frames: 8 } })
    expect(await link.json()).toMatchObject({ plan: { frames: 8 }, video: { duration: expect.any(Number) } })
  })

  test.each([
    ['no question', { model: '@longtake/tiny', messages: [] }, 400, 'invalid_value'],
    [
      'another model',
      question('https://example.com/a.mp4', 'What?', { model: 'gpt' }),
      404,
      'model_not_found',
    ],
    [
      'too many frames',
      question('https://example.com/a.mp4', 'What?', { longtake: { frames: 9999 } }),
      400,
      'invalid_value',
    ],
    ['a tool', question('https://example.com/a.mp4', 'What?', { tools: [{}] }), 400, 'invalid_value'],
    ['no address', question('file:///etc/passwd'), 400, 'invalid_value'],
    ['no JSON', '{', 400, 'invalid_json'],
  ])('refused at the edge: %s', async (_what, body, status, code) => {
    const response = await ask('/v1/chat/completions', body)
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ error: { code, message: expect.any(String) } })
  })

  test('a body beyond the limit is refused before it is sent', async () => {
    const headers = { Authorization: `Bearer ${eve.key}` }
    const { status, text } = await announce(at('/v1/chat/completions'), 9 * 2 ** 20, headers)
    expect(status).toBe(413)
    expect(JSON.parse(text)).toMatchObject({ error: { code: 'body_too_large' } })
  })

  test('nobody comes in without a key of the gateway; the engine has no keys of its callers', async () => {
    for (const key of ['lt-wrong', edge.key, KEYS.ann]) {
      const response = await ask('/v1/models', undefined, key)
      expect(response.status).toBe(401)
    }
    expect((await call(`${engine.url}/v1/models`, { key: eve.key })).status).toBe(401)
    expect((await fetch(at('/healthz'))).status).toBe(200)
    expect((await fetch(at('/readyz'))).status).toBe(200)
    expect((await fetch(at('/metrics'))).status).toBe(404)
  })

  test("a caller's videos are no other caller's, uploads included", async () => {
    const form = new FormData()
    form.set('file', new Blob([await readData('demo/0000.mp4')]), 'a.mp4')
    const made = await ask('/v1/videos', form)
    expect(made.status).toBe(202)
    const { id } = (await made.json()) as { id: string }
    expect(made.headers.get('location')).toBe(`/v1/videos/${id}`)
    expect((await ask(`/v1/videos/${id}`)).status).toBe(200)
    expect((await ask(`/v1/videos/${id}`, undefined, mia.key)).status).toBe(404)
    expect(await (await ask('/v1/videos', undefined, mia.key)).json()).toMatchObject({ data: [] })
    // Whoever names another caller is still who the key says.
    const named = await ask(`/v1/videos/${id}`, undefined, mia.key, { 'X-Longtake-Caller': 'eve' })
    expect(named.status).toBe(404)
    const about = {
      model: '@longtake/tiny',
      messages: [{ role: 'user', content: 'Which shape is at the start of the video?' }],
      longtake: { video: id },
    }
    expect(JSON.stringify(await (await ask('/v1/chat/completions', about)).json())).toMatch(/square/i)
    expect((await ask('/v1/chat/completions', about, mia.key)).status).toBe(404)
    const deleted = await call(at(`/v1/videos/${id}`), { method: 'DELETE', key: eve.key })
    expect(deleted.status).toBe(200)
  })

  test.each([false, true])(
    'a client that leaves ends its work at the engine (stream: %s)',
    async (stream) => {
      const body = JSON.stringify(question(files.url('slow/demo/0000.mp4'), 'What?', { stream }))
      const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${eve.key}` }
      const asked = request(at('/v1/chat/completions'), { method: 'POST', headers })
      asked.on('error', () => {})
      asked.end(body)
      const ready = async () => (await fetch(`${engine.url}/readyz`)).json()
      await expect.poll(ready, { timeout: 10_000 }).toMatchObject({ running: 1 })
      // Outside Cloudflare workerd reads no goodbye while nothing is written, but a reset.
      asked.socket?.resetAndDestroy()
      await expect.poll(ready, { timeout: 15_000 }).toMatchObject({ running: 0 })
    },
  )
})

type Answer = (request: IncomingMessage, response: ServerResponse) => void

const MODELS = { object: 'list', data: [{ id: 'm', object: 'model', longtake: { spec: {} } }] }

/** A server in the engine's place, which knows its models and answers everything else by `answer`. */
async function standIn(answer: Answer) {
  const requests: IncomingMessage[] = []
  const server: Server = createServer((request, response) => {
    requests.push(request)
    if (request.url === '/v1/models') {
      response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(MODELS))
    } else answer(request, response)
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** One question through a gateway whose engine answers by `answer`. */
async function askThrough(answer: Answer, body: object = {}, headers: Record<string, string> = {}) {
  await using upstream = await standIn(answer)
  await using worker = await startWorker(binary ?? '', bundle.code, {
    ...GATEWAY,
    LONGTAKE_UPSTREAM: upstream.url,
  })
  const response = await call(`${worker.url}/v1/chat/completions`, {
    body: question('https://example.com/a.mp4', 'What?', { model: 'm', ...body }),
    key: eve.key,
    headers,
  })
  const text = await response.text().catch((error: unknown) => String(error))
  return { response, text, log: worker.log, request: upstream.requests.at(-1) }
}

const OWN = { 'X-Longtake-Caller': 'edge/eve' }

describe.skipIf(binary === undefined)('in front of whatever is there', () => {
  test('only what is needed is handed on, both ways', async () => {
    const answer: Answer = (_request, response) => {
      response.writeHead(200, {
        ...OWN,
        'Content-Type': 'application/json',
        'Set-Cookie': 'a=b',
        Server: 'inside',
        'Keep-Alive': 'timeout=5',
        'X-Inside': '10.0.0.7',
      })
      response.end('{}')
    }
    const sent = {
      upstream: 'http://127.0.0.1:1',
      api_base: 'http://127.0.0.1:1',
      base_url: 'http://127.0.0.1:1',
    }
    const { response, request: received } = await askThrough(answer, sent, {
      Cookie: 'a=b',
      'X-Forwarded-Host': '127.0.0.1:1',
      'X-Longtake-Upstream': 'http://127.0.0.1:1',
      'Idempotency-Key': 'once',
      'X-Request-Id': 'request-0001',
    })
    expect(response.status).toBe(200)
    for (const name of ['set-cookie', 'server', 'keep-alive', 'x-inside', 'x-longtake-caller']) {
      expect(response.headers.get(name)).toBeNull()
    }
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    expect(received?.headers).toMatchObject({
      authorization: `Bearer ${edge.key}`,
      'x-longtake-caller': 'eve',
      'x-request-id': 'request-0001',
      'idempotency-key': 'once',
    })
    expect(Object.keys(received?.headers ?? {})).not.toEqual(expect.arrayContaining(['cookie']))
    expect(received?.headers).not.toHaveProperty('x-forwarded-host')
    expect(received?.headers).not.toHaveProperty('x-longtake-upstream')
  })

  test.each<[string, Answer, number, string, string | null]>([
    ['closes', (request) => request.socket.destroy(), 502, 'engine_unreachable', '5'],
    [
      'is a proxy without it',
      (_, it) =>
        it.writeHead(503, { 'Content-Type': 'text/html', 'Retry-After': '17' }).end('<h1>10.0.0.7</h1>'),
      502,
      'engine_unreachable',
      '17',
    ],
    [
      'leads elsewhere',
      (_, it) => it.writeHead(307, { Location: 'http://127.0.0.1:1/' }).end(),
      502,
      'engine_refused',
      null,
    ],
    [
      'does not know the key',
      (_, it) => it.writeHead(401, { 'Content-Type': 'application/json' }).end('{"error":{}}'),
      502,
      'engine_refused',
      null,
    ],
    [
      'mixes up callers',
      (_, it) => it.writeHead(200, { 'Content-Type': 'application/json' }).end('{"secret":1}'),
      502,
      'engine_refused',
      null,
    ],
    [
      'is full',
      (_, it) =>
        it
          .writeHead(503, { 'Content-Type': 'application/json', 'Retry-After': '9' })
          .end('{"error":{"message":"full","type":"server_error","param":null,"code":"queue_full"}}'),
      503,
      'queue_full',
      '9',
    ],
  ])('an engine that %s', async (_what, answer, status, code, retryAfter) => {
    const { response, text } = await askThrough(answer)
    expect(response.status).toBe(status)
    expect(JSON.parse(text)).toMatchObject({ error: { code, type: 'server_error', param: null } })
    expect(response.headers.get('retry-after')).toBe(retryAfter)
    expect(text).not.toMatch(/10\.0\.0\.7|127\.0\.0\.1|secret/)
  })

  test('a stream that breaks off ends with an error', async () => {
    const answer: Answer = (_request, response) => {
      response.writeHead(200, { ...OWN, 'Content-Type': 'text/event-stream' })
      response.write('data: {"n":1}\n\n', () => setTimeout(() => response.destroy(), 50))
    }
    const { text } = await askThrough(answer, { stream: true })
    expect(text).toContain('data: {"n":1}\n\n')
    expect(text).toContain('"code":"engine_unreachable"')
    expect(text).not.toContain('[DONE]')
  })

  test('an engine that is not there', async () => {
    await using worker = await startWorker(binary ?? '', bundle.code, {
      ...GATEWAY,
      LONGTAKE_UPSTREAM: 'http://127.0.0.1:1',
    })
    const response = await call(`${worker.url}/v1/models`, { key: eve.key })
    expect(response.status).toBe(502)
    expect(response.headers.get('retry-after')).toBe('5')
    expect(await response.json()).toMatchObject({ error: { code: 'engine_unreachable' } })
  })

  test('limits of a key count over requests', async () => {
    await using upstream = await standIn((_request, response) => response.writeHead(404).end())
    await using worker = await startWorker(binary ?? '', bundle.code, {
      ...GATEWAY,
      LONGTAKE_UPSTREAM: upstream.url,
      LONGTAKE_REQUESTS_PER_MINUTE: '3',
    })
    const statuses: number[] = []
    for (let count = 0; count < 4; count += 1)
      statuses.push((await call(`${worker.url}/v1/models`, { key: eve.key })).status)
    expect(statuses).toEqual([200, 200, 200, 429])
    expect((await call(`${worker.url}/v1/models`, { key: mia.key })).status).toBe(200)
    expect(upstream.requests).toHaveLength(1)
  })

  test('a wrong configuration is told to the log, not to strangers', async () => {
    await using worker = await startWorker(binary ?? '', bundle.code, {
      LONGTAKE_UPSTREAM: 'http://engine.example',
      LONGTAKE_KEYS: 'eve',
    })
    const response = await fetch(`${worker.url}/healthz`)
    expect(response.status).toBe(500)
    expect(await response.text()).not.toMatch(/LONGTAKE|engine\.example/)
    const log = worker.log.join('\n')
    for (const name of ['LONGTAKE_UPSTREAM', 'LONGTAKE_UPSTREAM_KEY', 'LONGTAKE_KEYS'])
      expect(log).toContain(name)
  })
})
