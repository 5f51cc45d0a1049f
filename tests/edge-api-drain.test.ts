import { spawn } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { question } from '../apps/edge-api/test/api.js'
import { type FileServer, serveFiles } from '../apps/edge-api/test/files.js'
import { installPlain, type PlainInstall } from './support/plain-node.js'

/** What `longtake serve` does. */
const PROGRAM = `
  import { serve } from '@longtake/edge-api/node'
  const server = await serve(process.env)
  process.on('SIGTERM', () => void server.close())
`

let files: FileServer
let folder: string
let install: PlainInstall

beforeAll(async () => {
  files = await serveFiles()
  install = await installPlain(['core', 'kernels', 'runtime', 'jobs', 'edge-api'])
  folder = await mkdtemp(join(tmpdir(), 'longtake-drain-'))
})

afterAll(async () => {
  await files[Symbol.asyncDispose]()
  await install.remove()
  await rm(folder, { recursive: true, force: true })
})

/** A server in a process of its own, without keys. */
async function startProcess(env: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', PROGRAM], {
    cwd: install.folder,
    env: {
      ...process.env,
      LONGTAKE_PORT: '0',
      LONGTAKE_LINK_NETWORKS: '127.0.0.0/8',
      LONGTAKE_LINK_PORTS: 'any',
      LONGTAKE_STATE: folder,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = new Promise<number | null>((resolve) => {
    child.on('exit', (code) => resolve(code))
  })
  const log: string[] = []
  createInterface({ input: child.stderr }).on('line', (line) => log.push(line))
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      log.push(line)
      const { msg, url } = JSON.parse(line) as { msg: string; url: string }
      if (msg === 'listening') resolve(url)
    })
    void ended.then(() => reject(new Error(`The server ended: ${log.join('\n')}`)))
  })
  return { child, ended, log, url }
}

function ask(url: string, path: string, fields: object = {}, headers: Record<string, string> = {}) {
  return fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(question(`${files.url(path)}?signature=secret`, undefined, fields)),
  })
}

test('SIGTERM: readiness ends, no work is taken, what runs ends, the next process goes on with the rest', async () => {
  const first = await startProcess({ LONGTAKE_DRAIN_SECONDS: '3' })
  const idempotent = { 'Idempotency-Key': 'kept' }
  // The first job cannot end in time; the second waits behind it, and its client will come back.
  const stuck = await ask(first.url, 'slow/demo/0000.mp4', { stream: true })
  const waiting = ask(first.url, 'demo/0000.mp4', {}, idempotent)
  await expect
    .poll(async () => (await fetch(`${first.url}/readyz`)).json())
    .toMatchObject({ queued: 1, running: 1 })
  first.child.kill('SIGTERM')
  await expect.poll(async () => (await fetch(`${first.url}/readyz`)).status).toBe(503)
  expect((await fetch(`${first.url}/healthz`)).status).toBe(200)
  const refused = await ask(first.url, 'demo/0001.mp4')
  expect(refused.status).toBe(503)
  expect(refused.headers.get('retry-after')).toMatch(/^\d+$/)
  const frames = await stuck.text()
  expect(frames).toContain('"code":"jobs_closed"')
  expect(frames).not.toContain('[DONE]')
  expect((await waiting).status).toBe(503)
  expect(await first.ended).toBe(0)
  expect(JSON.parse(first.log.at(-1) ?? '{}')).toMatchObject({ msg: 'stopped', queued: 1, handedBack: 1 })

  const second = await startProcess({ LONGTAKE_DRAIN_SECONDS: '0', LONGTAKE_CONCURRENCY: '2' })
  const again = await ask(second.url, 'demo/0000.mp4', {}, idempotent)
  expect(again.status).toBe(200)
  expect(JSON.stringify(await again.json())).toMatch(/square/i)
  second.child.kill('SIGTERM')
  await second.ended
  expect([...first.log, ...second.log].join('\n')).not.toContain('secret')
})

test('SIGKILL: an accepted question is answered by the next process', async () => {
  const first = await startProcess({})
  const key = { 'Idempotency-Key': 'killed' }
  const lost = ask(first.url, 'demo/0001.mp4', { longtake: { frames: 128 } }, key).catch(() => undefined)
  await expect.poll(async () => (await fetch(`${first.url}/readyz`)).json()).toMatchObject({ running: 1 })
  first.child.kill('SIGKILL')
  await first.ended
  await lost
  expect(await readdir(folder)).toContain('uploads')
  const second = await startProcess({ LONGTAKE_DRAIN_SECONDS: '0', LONGTAKE_CONCURRENCY: '2' })
  const answers = [1, 2].map(async () => {
    const response = await ask(second.url, 'demo/0001.mp4', { longtake: { frames: 128 } }, key)
    expect(response.status).toBe(200)
    return response.json()
  })
  const [one, two] = await Promise.all(answers)
  expect(one).toEqual(two)
  second.child.kill('SIGTERM')
  await second.ended
  expect(await readdir(folder)).not.toContain('uploads')
})

test('mistakes of the configuration are told all at once', async () => {
  const env = { LONGTAKE_PORT: '99999', LONGTAKE_KEYS: 'ann', LONGTAKE_LOG: 'loud' }
  const failure = await startProcess(env).catch((error: unknown) => String(error))
  expect(failure).toMatch(/LONGTAKE_PORT/)
  expect(failure).toMatch(/LONGTAKE_KEYS/)
  expect(failure).toMatch(/LONGTAKE_LOG/)
})
