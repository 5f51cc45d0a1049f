import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call, KEYS, question, startApi } from '../test/api.js'
import { type FileServer, readData, serveFiles } from '../test/files.js'
import type { RunningServer } from './node/index.js'

let files: FileServer
let api: RunningServer

beforeAll(async () => {
  files = await serveFiles()
  api = await startApi({
    LONGTAKE_MAX_BODY_MIB: '1',
    LONGTAKE_MAX_UPLOAD_MIB: '1',
    LONGTAKE_VIDEOS_PER_KEY: '3',
    LONGTAKE_CORS: 'https://app.example',
    LONGTAKE_REQUESTS_PER_MINUTE: '10000',
  })
})

afterAll(async () => {
  await api.close()
  await files[Symbol.asyncDispose]()
})

const at = (path: string): string => `${api.url}${path}`
const CHAT = '/v1/chat/completions'

interface ApiFailure {
  readonly error: {
    readonly message: string
    readonly type: string
    readonly param: string | null
    readonly code: string
  }
}

/** Every failure has OpenAI's shape, a request id, and says nothing about the inside. */
async function failure(response: Response): Promise<ApiFailure['error'] & { readonly status: number }> {
  const text = await response.text()
  expect(response.headers.get('content-type')).toMatch(/^application\/json/)
  expect(response.headers.get('x-request-id')).toBeTruthy()
  const { error } = JSON.parse(text) as ApiFailure
  expect(Object.keys(error).sort()).toEqual(['code', 'message', 'param', 'type'])
  expect(text).not.toMatch(/\/tmp\/|\/home\/|node_modules|127\.0\.0\.1|at .*\.(ts|js):/)
  return { ...error, status: response.status }
}

async function json(response: Response): Promise<Record<string, unknown>> {
  return (await response.json()) as Record<string, unknown>
}

/** A registered video, watched to its end. */
async function register(url: string, key = KEYS.ann): Promise<Record<string, unknown>> {
  const created = await json(await call(at('/v1/videos'), { body: { url }, key }))
  return settled(String(created.id), key)
}

async function settled(id: string, key = KEYS.ann): Promise<Record<string, unknown>> {
  let video: Record<string, unknown> = {}
  await expect
    .poll(
      async () => {
        video = await json(await call(at(`/v1/videos/${id}`), { key }))
        return video.status
      },
      { timeout: 30_000 },
    )
    .toMatch(/ready|failed/)
  return video
}

async function forget(id: unknown, key = KEYS.ann): Promise<void> {
  const response = await call(at(`/v1/videos/${String(id)}`), { method: 'DELETE', key })
  expect(response.status).toBe(200)
  expect(await json(response)).toMatchObject({ id, deleted: true })
}

describe('routes that anybody may read', () => {
  test.each(['/healthz', '/readyz', '/openapi.json'])('%s is JSON', async (path) => {
    const response = await fetch(at(path))
    expect(response.status).toBe(200)
    expect(await json(response)).toBeTypeOf('object')
  })

  test('the description names every route', async () => {
    const { paths } = await json(await fetch(at('/openapi.json')))
    expect(Object.keys(paths as object).sort()).toEqual([
      '/docs',
      '/healthz',
      '/metrics',
      '/openapi.json',
      '/readyz',
      '/v1/chat/completions',
      '/v1/models',
      '/v1/models/{id}',
      '/v1/plan',
      '/v1/videos',
      '/v1/videos/{id}',
      '/v1/videos/{id}/storyboard.png',
    ])
  })

  test('/docs asks nobody else for anything', async () => {
    const response = await fetch(at('/docs'))
    const csp = response.headers.get('content-security-policy') ?? ''
    expect(csp).toContain("default-src 'none'")
    expect(csp).not.toMatch(/unsafe|https?:|\*/)
    const page = await response.text()
    expect(page).not.toMatch(/(src|href)="(https?:)?\/\//)
    expect(page).not.toMatch(/<script|style=/)
    expect(page).toContain('/v1/chat/completions')
  })

  test('headers protect, and CORS is for the named origin only', async () => {
    const named = await fetch(at('/healthz'), { headers: { Origin: 'https://app.example' } })
    expect(named.headers.get('access-control-allow-origin')).toBe('https://app.example')
    expect(named.headers.get('x-content-type-options')).toBe('nosniff')
    const refused = await fetch(at('/v1/models'), { headers: { Origin: 'https://app.example' } })
    expect(refused.status).toBe(401)
    expect(refused.headers.get('access-control-allow-origin')).toBe('https://app.example')
    const other = await fetch(at('/healthz'), { headers: { Origin: 'https://other.example' } })
    expect(other.headers.get('access-control-allow-origin')).toBeNull()
  })
})

describe('who may call', () => {
  test.each(['/v1/models', '/v1/videos', '/metrics', '/v1/nowhere'])('%s asks for a key', async (path) => {
    for (const headers of [
      {},
      { Authorization: 'Bearer lt-wrong' },
      { Authorization: `Basic ${KEYS.ann}` },
    ]) {
      const response = await fetch(at(path), { headers })
      expect(await failure(response)).toMatchObject({ status: 401, code: 'invalid_api_key' })
    }
  })

  test('without keys only loopback is served, and only under its own name', async () => {
    await expect(startApi({ LONGTAKE_KEYS: '', LONGTAKE_HOST: '0.0.0.0' })).rejects.toThrow(/loopback/)
    const open = await startApi({ LONGTAKE_KEYS: '', LONGTAKE_HOST: '' })
    try {
      expect(open).toMatchObject({ isOpen: true, url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:/) })
      expect((await fetch(`${open.url}/v1/models`)).status).toBe(200)
      const headers = { Origin: 'https://evil.example' }
      expect(await failure(await fetch(`${open.url}/v1/models`, { headers }))).toMatchObject({ status: 403 })
    } finally {
      await open.close()
    }
  })
})

describe('chat', () => {
  test('tells what the answer rests on', async () => {
    const body = question(files.url('demo/0000.mp4'), undefined, { longtake: { frames: 16 } })
    const answer = await json(await call(at(CHAT), { body }))
    const { plan, frames, timings } = answer.longtake as Record<string, unknown>
    expect(plan).toMatchObject({ frames: 16 })
    const weights = (frames as { weight: number }[]).map(({ weight }) => weight)
    expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 5)
    expect(timings).toHaveProperty('firstToken')
  })

  test.each([
    ['video_url as text', (url: string) => ({ type: 'video_url', video_url: url })],
    ['input_video of llama.cpp', (url: string) => ({ type: 'input_video', input_video: { url } })],
    ['input_video of Responses', (url: string) => ({ type: 'input_video', video_url: url })],
    ['image_url', (url: string) => ({ type: 'image_url', image_url: { url } })],
  ])('takes %s', async (_, part) => {
    const content = [part(files.url('demo/0001.mp4')), { type: 'text', text: 'How many shapes?' }]
    const body = { model: '@longtake/tiny', messages: [{ role: 'user', content }] }
    expect((await call(at(CHAT), { body })).status).toBe(200)
  })

  test('takes a video as data, as a file and as a video part', async () => {
    const data = `data:video/mp4;base64,${(await readData('demo/0000.mp4')).toString('base64')}`
    const parts = [
      { type: 'video_url', video_url: { url: data } },
      { type: 'file', file: { file_data: data, filename: 'a.mp4' } },
    ]
    const answers: unknown[] = []
    for (const part of parts) {
      const content = [part, { type: 'text', text: 'Which shape is at the start of the video?' }]
      const body = { model: '@longtake/tiny', messages: [{ role: 'user', content }] }
      const { choices } = await json(await call(at(CHAT), { body }))
      answers.push(choices)
    }
    expect(answers[0]).toEqual(answers[1])
  })

  test('an earlier video stays in force, and is opened once', async () => {
    const first = question(files.url('demo/0002.webm')).messages
    const before = files.requests.length
    const ask = (text: string) => {
      const follow = { role: 'user', content: text }
      const messages = [...first, { role: 'assistant', content: 'A square.' }, follow]
      return call(at(CHAT), { body: { model: '@longtake/tiny', messages } })
    }
    expect((await ask('Which shape is at the end of the video?')).status).toBe(200)
    const opened = files.requests.length
    expect(opened).toBeGreaterThan(before)
    expect((await ask('How many frames show a star?')).status).toBe(200)
    expect(files.requests.length).toBe(opened)
  })

  test('streams progress, words, evidence and an end', async () => {
    const fields = { stream: true, return_progress: true, longtake: { frames: 24 } }
    const response = await call(at(CHAT), { body: question(files.url('demo/0000.mp4'), undefined, fields) })
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/)
    const text = await response.text()
    expect(text).toMatch(/^: ping\n\n/)
    expect(text.trimEnd().endsWith('data: [DONE]')).toBe(true)
    const frames = text
      .split('\n\n')
      .filter((line) => line.startsWith('data: {'))
      .map((line) => JSON.parse(line.slice(6)) as Record<string, unknown>)
    expect(frames.some((frame) => 'prompt_progress' in frame)).toBe(true)
    expect(frames.at(-1)?.longtake).toMatchObject({ plan: { frames: 24 } })
    expect(frames.every((frame) => !('usage' in frame))).toBe(true)
  })

  test('the same Idempotency-Key gives the same answer once, and no other question', async () => {
    const headers = { 'Idempotency-Key': 'again-1' }
    const body = question(files.url('demo/0000.mp4'))
    const [one, two] = await Promise.all(
      [1, 2].map(async () => json(await call(at(CHAT), { body, headers }))),
    )
    expect(one?.id).toBe(two?.id)
    expect(one?.choices).toEqual(two?.choices)
    const other = await call(at(CHAT), { body: question(files.url('demo/0001.mp4')), headers })
    expect(await failure(other)).toMatchObject({ status: 409 })
  })

  test.each([
    ['another model', { model: 'gpt-4o' }, 404, 'model_not_found'],
    ['tools', { tools: [{ type: 'function' }] }, 400, 'invalid_value'],
    ['two answers', { n: 2 }, 400, 'invalid_value'],
    ['JSON answers', { response_format: { type: 'json_object' } }, 400, 'invalid_value'],
    ['too many frames', { longtake: { frames: 10_000 } }, 400, 'invalid_value'],
    ['an unknown extra', { longtake: { frame: 3 } }, 400, 'invalid_value'],
    ['a temperature of text', { temperature: 'hot' }, 400, 'invalid_value'],
    ['no messages', { messages: [] }, 400, 'invalid_value'],
    ['messages that are none', { messages: { length: 1 } }, 400, 'invalid_value'],
    ['an assistant at the end', { messages: [{ role: 'assistant', content: 'x' }] }, 400, 'invalid_value'],
    ['no video', { messages: [{ role: 'user', content: 'Which?' }] }, 400, 'missing_video'],
    ['an end before the start', { longtake: { start: 9, end: 1 } }, 400, 'invalid_option'],
    ['an unknown video', { longtake: { video: 'vid_00' } }, 404, 'video_not_found'],
    [
      'a text that is too long',
      { messages: question('https://a.example/', 'x'.repeat(100_001)).messages },
      400,
      'context_length_exceeded',
    ],
  ])('refuses %s', async (_, fields, status, code) => {
    const response = await call(at(CHAT), { body: question(files.url('demo/0000.mp4'), undefined, fields) })
    expect(await failure(response)).toMatchObject({ status, code })
  })

  test.each([
    ['a file that is no video', 'demo/questions.json', 422, /./],
    ['a link to nothing', 'demo/nothing.mp4', 422, /./],
  ])('refuses %s', async (_, path, status, message) => {
    const said = await failure(await call(at(CHAT), { body: question(files.url(path)) }))
    expect(said).toMatchObject({ status, type: 'invalid_request_error' })
    expect(said.message).toMatch(message)
  })

  test.each(['file:///etc/passwd', 'ftp://example.com/a.mp4', '/etc/passwd', 'javascript:1', ''])(
    'takes no link like %j',
    async (url) => {
      expect(await failure(await call(at(CHAT), { body: question(url) }))).toMatchObject({ status: 400 })
    },
  )

  test('a link into the inside is refused where the operator allows none', async () => {
    const strict = await startApi({ LONGTAKE_LINK_NETWORKS: '', LONGTAKE_LINK_PORTS: '' })
    try {
      const before = files.requests.length
      const response = await call(`${strict.url}${CHAT}`, { body: question(files.url('demo/0000.mp4')) })
      expect(response.status).toBe(422)
      expect(await json(response)).toMatchObject({ error: { code: 'link_refused' } })
      expect(files.requests.length).toBe(before)
    } finally {
      await strict.close()
    }
  })
})

describe('hostile bodies', () => {
  const deep = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`

  test.each([
    ['nothing', ''],
    ['no JSON', '{"model":'],
    ['null', 'null'],
    ['a number', '1e999'],
    ['deep nesting', deep(100_000)],
    ['deep nesting inside', `{"model":"@longtake/tiny","messages":${deep(100_000)}}`],
    [
      'prototype names',
      '{"__proto__":{"model":"x"},"constructor":{"prototype":{"stream":true}},"messages":[]}',
    ],
    [
      'a role from the prototype',
      '{"model":"@longtake/tiny","messages":[{"role":"__proto__","content":"x"}]}',
    ],
    ['a model from the prototype', '{"model":"constructor","messages":[{"role":"user","content":"x"}]}'],
    ['lone surrogates', '{"model":"\\ud800","messages":[{"role":"user","content":"\\udfff"}]}'],
  ])('%s', async (_, body) => {
    const said = await failure(await call(at(CHAT), { body, method: 'POST' }))
    expect([400, 404]).toContain(said.status)
    expect(({} as Record<string, unknown>).stream).toBeUndefined()
  })

  test('ten megabytes of prompt, declared and in chunks', async () => {
    const body = JSON.stringify(question('https://a.example/', 'x'.repeat(10_000_000)))
    expect(await failure(await call(at(CHAT), { body }))).toMatchObject({
      status: 413,
      code: 'body_too_large',
    })
    const chunks = new Blob([body]).stream()
    const headers = { Authorization: `Bearer ${KEYS.ann}`, 'Content-Type': 'application/json' }
    const init = { method: 'POST', headers, body: chunks, duplex: 'half' } as RequestInit
    // The answer may come while the client still sends, which it takes for a failure.
    const streamed = await fetch(at(CHAT), init).catch(() => undefined)
    expect(streamed?.status ?? 413).toBe(413)
    const small = new Blob([JSON.stringify({ messages: [] })]).stream()
    const read = await fetch(at(CHAT), { ...init, body: small })
    expect(await failure(read)).toMatchObject({ status: 400, param: 'model' })
    expect((await fetch(at('/healthz'))).status).toBe(200)
  })

  test('bodies that are sent slowly hold no more memory together than is allowed, and give it back', async () => {
    const half = new Uint8Array(2 ** 20 - 1024).fill(32)
    const leave = new AbortController()
    const slow = Array.from({ length: 6 }, async () => {
      const body = new ReadableStream({ start: (controller) => controller.enqueue(half) })
      const headers = { Authorization: `Bearer ${KEYS.ann}`, 'Content-Type': 'application/json' }
      const init = { method: 'POST', headers, body, duplex: 'half', signal: leave.signal } as RequestInit
      return fetch(at(CHAT), init).then(
        ({ status }) => status,
        () => 0,
      )
    })
    await expect(Promise.any(slow)).resolves.toBe(503)
    leave.abort()
    await Promise.all(slow)
    const body = question(files.url('demo/0000.mp4'))
    await expect.poll(async () => (await call(at(CHAT), { body })).status).toBe(200)
  })

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'application/jsonx'])(
    '%s is no JSON',
    async (type) => {
      const options = { body: '{}', headers: { 'Content-Type': type } }
      expect(await failure(await call(at(CHAT), options))).toMatchObject({ status: 415 })
    },
  )

  test('unknown addresses and methods', async () => {
    expect(await failure(await call(at('/nowhere')))).toMatchObject({ status: 404, code: 'not_found' })
    const response = await call(at(CHAT), { method: 'DELETE' })
    expect(response.headers.get('allow')).toContain('POST')
    expect(await failure(response)).toMatchObject({ status: 405, code: 'method_not_allowed' })
  })

  test.each(['x', 'x'.repeat(256), 'a\u0000b'.slice(0, 1)])(
    'request ids are never taken over as they are: %s',
    async (id) => {
      const response = await fetch(at('/healthz'), { headers: { 'X-Request-Id': id } })
      expect(response.headers.get('x-request-id')).not.toBe(id)
    },
  )
})

describe('videos', () => {
  test('are watched, listed, asked about, drawn and forgotten', async () => {
    const video = await register(files.url('demo/0000.mp4?token=secret'))
    expect(video).toMatchObject({ object: 'video', status: 'ready', source: files.url('demo/0000.mp4') })
    expect(JSON.stringify(video)).not.toContain('secret')
    const list = await json(await call(at('/v1/videos')))
    expect((list.data as { id: string }[]).map(({ id }) => id)).toContain(video.id)
    const messages = [{ role: 'user', content: 'Which shape is at the start of the video?' }]
    const body = { model: '@longtake/tiny', messages, longtake: { video: video.id } }
    const { choices } = await json(await call(at(CHAT), { body }))
    expect(JSON.stringify(choices)).toMatch(/square/i)
    const board = await call(at(`/v1/videos/${String(video.id)}/storyboard.png`))
    expect(board.headers.get('content-type')).toBe('image/png')
    expect([...new Uint8Array(await board.arrayBuffer()).subarray(0, 4)]).toEqual([0x89, 0x50, 0x4e, 0x47])
    await forget(video.id)
    expect(await failure(await call(at(`/v1/videos/${String(video.id)}`)))).toMatchObject({ status: 404 })
  })

  test('of another key are as unknown as those that never were', async () => {
    const video = await register(files.url('demo/0001.mp4'))
    const id = String(video.id)
    const unknown = `vid_${'0'.repeat(32)}`
    for (const [path, method] of [
      ['', 'GET'],
      ['', 'DELETE'],
      ['/storyboard.png', 'GET'],
    ] as const) {
      const theirs = await failure(await call(at(`/v1/videos/${id}${path}`), { method, key: KEYS.bob }))
      const nobodys = await failure(await call(at(`/v1/videos/${unknown}${path}`), { method, key: KEYS.bob }))
      expect({ ...theirs, message: '' }).toEqual({ ...nobodys, message: '' })
      expect(theirs.status).toBe(404)
    }
    const body = {
      model: '@longtake/tiny',
      messages: [{ role: 'user', content: 'x' }],
      longtake: { video: id },
    }
    expect(await failure(await call(at(CHAT), { body, key: KEYS.bob }))).toMatchObject({ status: 404 })
    const mine = await json(await call(at('/v1/videos'), { key: KEYS.bob }))
    expect(mine.data).toEqual([])
    await forget(id)
  })

  test('can be uploaded, within limits', async () => {
    const form = new FormData()
    form.set('file', new Blob([await readData('demo/0000.mp4')]), 'a.mp4')
    form.set('longtake', JSON.stringify({ frames: 8 }))
    const created = await json(await call(at('/v1/videos'), { body: form }))
    const video = await settled(String(created.id))
    expect(video).toMatchObject({ status: 'ready', source: 'upload', plan: { frames: 8 } })
    await forget(video.id)
    const large = new FormData()
    large.set('file', new Blob([new Uint8Array(2 ** 20 + 1)]), 'a.mp4')
    expect(await failure(await call(at('/v1/videos'), { body: large }))).toMatchObject({ status: 413 })
    const none = new FormData()
    none.set('file', 'text')
    expect(await failure(await call(at('/v1/videos'), { body: none }))).toMatchObject({ status: 400 })
  })

  test('that are broken say why', async () => {
    const video = await register(files.url('demo/questions.json'))
    expect(video).toMatchObject({ status: 'failed', error: { type: 'invalid_request_error' } })
    await forget(video.id)
  })

  test('are bounded in number', async () => {
    const ids: unknown[] = []
    for (let count = 0; count < 3; count++) ids.push((await register(files.url('demo/0000.mp4'))).id)
    const response = await call(at('/v1/videos'), { body: { url: files.url('demo/0000.mp4') } })
    expect(await failure(response)).toMatchObject({ status: 429, code: 'video_quota' })
    for (const id of ids) await forget(id)
  })
})

test('a plan costs no model', async () => {
  const body = { url: files.url('demo/0000.mp4'), longtake: { frames: 32, method: { kv_cache: 'int8' } } }
  const plan = await json(await call(at('/v1/plan'), { body }))
  expect(plan).toMatchObject({ object: 'plan', plan: { frames: 32, kvCache: { type: 'int8' } } })
})

test('metrics count requests by route, not by path', async () => {
  const text = await (await call(at('/metrics'))).text()
  expect(text).toContain('longtake_request_seconds_count{route="/v1/videos/{id}"')
  expect(text).toMatch(/longtake_questions_total\{model="@longtake\/tiny",outcome="answered"\} \d/)
  expect(text).not.toContain('vid_')
})

test('too many requests have to wait, each key for itself', async () => {
  const narrow = await startApi({ LONGTAKE_REQUESTS_PER_MINUTE: '2', LONGTAKE_QUESTIONS_PER_DAY: '1' })
  try {
    const ask = (key: string) =>
      call(`${narrow.url}${CHAT}`, { body: question(files.url('demo/0000.mp4')), key })
    expect((await ask(KEYS.ann)).status).toBe(200)
    const quota = await ask(KEYS.ann)
    expect(Number(quota.headers.get('retry-after'))).toBeGreaterThan(60)
    expect(await failure(quota)).toMatchObject({ status: 429, code: 'insufficient_quota' })
    const rate = await ask(KEYS.ann)
    expect(Number(rate.headers.get('retry-after'))).toBeLessThanOrEqual(60)
    expect(await failure(rate)).toMatchObject({ status: 429, code: 'rate_limit_exceeded' })
    expect((await ask(KEYS.bob)).status).toBe(200)
  } finally {
    await narrow.close()
  }
})

test('a full queue says when to come back', async () => {
  const small = await startApi({ LONGTAKE_QUEUE: '1' })
  try {
    const abort = new AbortController()
    const slow = (name: string): Promise<unknown> =>
      fetch(`${small.url}${CHAT}`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${KEYS.ann}`, 'Content-Type': 'application/json' },
        body: JSON.stringify(question(files.url(`slow/${name}.mp4`))),
        signal: abort.signal,
      }).catch(() => undefined)
    const waiting = [slow('a')]
    const counts = async (): Promise<unknown> => json(await fetch(`${small.url}/readyz`))
    await expect.poll(counts).toMatchObject({ running: 1 })
    waiting.push(slow('b'))
    await expect.poll(counts).toMatchObject({ queued: 1 })
    const full = await call(`${small.url}${CHAT}`, { body: question(files.url('slow/c.mp4')) })
    expect(full.headers.get('retry-after')).toMatch(/^\d+$/)
    expect(await failure(full)).toMatchObject({ status: 503, code: 'queue_full' })
    abort.abort()
    await Promise.all(waiting)
  } finally {
    await small.close()
  }
})
