import { type ChildProcess, spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { question } from '../apps/edge-api/test/api.js'
import { type FileServer, readData, serveFiles } from '../apps/edge-api/test/files.js'
import { alike } from './support/alike.js'
import { announce } from './support/announce.js'
import { findBinary } from './support/binaries.js'
import { installPlain, type PlainInstall } from './support/plain-node.js'
import { trickle } from './support/trickle.js'

const RUNTIMES = [
  { name: 'node', binary: process.execPath, flags: [] },
  { name: 'bun', binary: await findBinary('bun'), flags: ['run'] },
  { name: 'deno', binary: await findBinary('deno'), flags: ['run', '-A', '--node-modules-dir=manual'] },
] as const

const PATIENCE = { timeout: 50_000, interval: 50 }

/** What differs from one answer to the next: ids, clocks and stopwatches. */
const VARYING = new Set(['id', 'created', 'timings'])

let files: FileServer
let install: PlainInstall
const running: {
  readonly name: string
  readonly child: ChildProcess
  readonly ended: Promise<number | null>
}[] = []
const urls = new Map<string, string>()

beforeAll(async () => {
  files = await serveFiles()
  install = await installPlain(['core', 'kernels', 'runtime', 'jobs', 'edge-api'])
  for (const { name, binary, flags } of RUNTIMES) {
    if (binary !== undefined) urls.set(name, await start(name, binary, flags))
  }
})

afterAll(async () => {
  for (const { child } of running) child.kill('SIGKILL')
  await Promise.all(running.map(({ ended }) => ended))
  await files[Symbol.asyncDispose]()
  await install.remove()
})

/** Starts the entry of a runtime in a process of its own, and waits until it listens. */
async function start(name: string, binary: string, flags: readonly string[]): Promise<string> {
  const program = join(install.folder, `${name}.mjs`)
  await writeFile(
    program,
    `import { serve } from '@longtake/edge-api/${name}'
     const server = await serve(process.env)
     process.on('SIGTERM', () => void server.close())`,
  )
  const child = spawn(binary, [...flags, program], {
    cwd: install.folder,
    env: {
      ...process.env,
      LONGTAKE_PORT: '0',
      LONGTAKE_LINK_NETWORKS: '127.0.0.0/8',
      LONGTAKE_LINK_PORTS: 'any',
      LONGTAKE_DRAIN_SECONDS: '0',
      LONGTAKE_BODY_SECONDS: '5',
      LONGTAKE_REQUESTS_PER_MINUTE: '1000000',
      LONGTAKE_STATE: join(install.folder, `state-${name}`),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = new Promise<number | null>((resolve) => {
    child.on('exit', (code) => resolve(code))
  })
  running.push({ name, child, ended })
  const log: string[] = []
  createInterface({ input: child.stderr }).on('line', (line) => log.push(line))
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      log.push(line)
      const url = /"url":"([^"]+)".*"listening"/.exec(line)?.[1]
      if (url !== undefined) resolve(url)
    })
    void ended.then(() => reject(new Error(`${name} ended: ${log.join('\n')}`)))
  })
}

async function post(url: string, path: string, body: unknown): Promise<Response> {
  return fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  })
}

/** Everything that a client would see of a few requests, the same for every runtime. */
async function ask(url: string): Promise<unknown> {
  const video = files.url('demo/0000.mp4')
  const answers: unknown[] = []
  const note = async (response: Response): Promise<void> => {
    answers.push([
      response.status,
      response.headers.get('content-type'),
      alike(await response.json(), VARYING),
    ])
  }
  const models = (await (await fetch(`${url}/v1/models`)).json()) as { data: { id: string }[] }
  answers.push(models.data.map(({ id }) => id))
  await note(await post(url, '/v1/plan', { url: video, longtake: { frames: 12 } }))
  await note(await post(url, '/v1/chat/completions', question(video)))
  const streamed = await post(url, '/v1/chat/completions', {
    ...question(video, 'What number is on the blue square?'),
    stream: true,
    stream_options: { include_usage: true },
  })
  const frames = (await streamed.text()).split('\n\n').flatMap((frame) => {
    const data = frame.startsWith('data: ') ? frame.slice(6) : ''
    return data === '' ? [] : [data === '[DONE]' ? data : alike(JSON.parse(data), VARYING)]
  })
  answers.push([streamed.status, streamed.headers.get('content-type'), frames])
  await note(await post(url, '/v1/chat/completions', question('http://127.0.0.1:1/nothing.mp4')))
  await note(await post(url, '/v1/chat/completions', question(files.url('demo/missing.mp4'))))
  await note(await post(url, '/v1/chat/completions', { model: '@longtake/tiny', messages: [] }))
  await note(await post(url, '/v1/chat/completions', question('file:///etc/passwd')))
  await note(await fetch(`${url}/v1/nothing`))
  await note(await fetch(`${url}/v1/models`, { method: 'PUT' }))
  return answers
}

const ofNode = (() => {
  let asked: Promise<unknown> | undefined
  return () => {
    asked ??= ask(urls.get('node') ?? '')
    return asked
  }
})()

describe.each(RUNTIMES)('$name', ({ name, binary }) => {
  test.skipIf(binary === undefined)('refuses a body that comes too slowly, and goes on', async () => {
    const url = urls.get(name) ?? ''
    const sender = trickle(`${url}/v1/plan`)
    const said = await sender.said
    expect(said).toMatch(/^HTTP\/1\.1 408 /)
    expect(said).toContain('"code":"body_too_slow"')
    // Deno reads on for as long as somebody sends.
    if (name === 'deno') sender.stop()
    await sender.ended
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
  })
})

test('Node answers', async () => {
  const text = JSON.stringify(await ofNode())
  expect(text).toMatch(/square/i)
  expect(text).toContain('[DONE]')
})

describe.each(RUNTIMES.slice(1))('$name', ({ name, binary }) => {
  if (binary === undefined)
    console.warn(`npm installed no ${name} for this machine: its entry is not tested.`)

  test.skipIf(binary === undefined)('answers the same requests as Node does', async () => {
    expect(await ask(urls.get(name) ?? '')).toEqual(await ofNode())
  })

  test.skipIf(binary === undefined)('a client that leaves ends its work', async () => {
    const url = urls.get(name) ?? ''
    const leaving = new AbortController()
    const body = JSON.stringify(question(files.url('slow/demo/0000.mp4')))
    const headers = { 'Content-Type': 'application/json' }
    const options = { method: 'POST', body, headers, signal: leaving.signal }
    const asked = fetch(`${url}/v1/chat/completions`, options).catch((error: unknown) => error)
    const ready = async () => (await fetch(`${url}/readyz`)).json()
    await expect.poll(ready, PATIENCE).toMatchObject({ running: 1 })
    leaving.abort()
    expect(await asked).toBeInstanceOf(Error)
    await expect.poll(ready, PATIENCE).toMatchObject({ running: 0 })
  })

  test.skipIf(binary === undefined)(
    'a body beyond the limit is refused, and the server goes on',
    async () => {
      const url = urls.get(name) ?? ''
      const { status, text } = await announce(`${url}/v1/plan`, 17 * 2 ** 20)
      expect(status).toBe(413)
      expect(JSON.parse(text)).toMatchObject({ error: { code: 'body_too_large' } })
      expect((await fetch(`${url}/healthz`)).status).toBe(200)
    },
  )
})

describe.each(RUNTIMES)('$name', ({ name, binary, flags }) => {
  test.skipIf(binary === undefined)(
    'killed, knows its videos and their files when it starts again',
    async () => {
      const form = new FormData()
      form.set('file', new Blob([await readData('video/still.png')]))
      const sent = await fetch(`${urls.get(name)}/v1/videos`, { method: 'POST', body: form })
      const { id } = (await sent.json()) as { id: string }
      const video = async () => (await fetch(`${urls.get(name)}/v1/videos/${id}`)).json()
      await expect.poll(video, PATIENCE).toMatchObject({ status: 'ready' })
      const killed = running.splice(
        running.findIndex((one) => one.name === name),
        1,
      )
      killed[0]?.child.kill('SIGKILL')
      await killed[0]?.ended
      urls.set(name, await start(name, binary ?? '', flags))
      expect(await video()).toMatchObject({ id, status: 'ready' })
      expect((await fetch(`${urls.get(name)}/v1/videos/${id}/storyboard.png`)).status).toBe(200)
    },
  )
})

test('SIGTERM ends each of them, also while somebody sends and sends', async () => {
  const senders = [...urls.values()].map((url) => trickle(`${url}/v1/plan`))
  await Promise.all(senders.map(({ begun }) => begun))
  for (const { child } of running) child.kill('SIGTERM')
  expect(await Promise.all(running.map(({ ended }) => ended))).toEqual(running.map(() => 0))
  await Promise.all(senders.map(({ ended }) => ended))
})
