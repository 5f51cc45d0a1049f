import { expect, test } from 'vitest'
import { question } from '../apps/edge-api/test/api.js'
import { PATIENCE, type Serving, TEST_MILLISECONDS, useServing } from './support/serving.js'

const place = useServing()

function start(env: Readonly<Record<string, string>> = {}): Promise<Serving> {
  return place.start({ LONGTAKE_STATE: place.folder, ...env })
}

function ask(url: string, path: string, fields: object = {}, headers: Record<string, string> = {}) {
  return fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(question(`${place.files.url(path)}?signature=secret`, undefined, fields)),
  })
}

function whenReady(url: string) {
  return expect.poll(async () => (await fetch(`${url}/readyz`)).json(), PATIENCE)
}

/** The last line of a server's log. */
function lastWords({ log }: Serving): unknown {
  return JSON.parse(log.at(-1) ?? '{}')
}

test(
  'SIGTERM: readiness ends, no work is taken, what runs ends, and what waits goes on in the next process',
  async () => {
    const key = { 'Idempotency-Key': 'kept' }
    // There is time enough: the drain ends because the job does.
    const first = await start({ LONGTAKE_DRAIN_SECONDS: '3600' })
    const held = ask(first.url, 'held/demo/0000.mp4', { stream: true })
    await whenReady(first.url).toMatchObject({ running: 1 })
    const waiting = ask(first.url, 'demo/0000.mp4', {}, key)
    await whenReady(first.url).toMatchObject({ queued: 1, running: 1 })
    first.child.kill('SIGTERM')
    await expect.poll(async () => (await fetch(`${first.url}/readyz`)).status, PATIENCE).toBe(503)
    expect((await fetch(`${first.url}/healthz`)).status).toBe(200)
    const refused = await ask(first.url, 'demo/0001.mp4')
    expect(refused.status).toBe(503)
    expect(refused.headers.get('retry-after')).toMatch(/^\d+$/)
    place.files.answerHeld()
    expect(await (await held).text()).toContain('[DONE]')
    expect((await waiting).status).toBe(503)
    expect(await first.ended).toBe(0)
    expect(lastWords(first)).toMatchObject({ msg: 'stopped', queued: 1, handedBack: 0 })

    const second = await start({ LONGTAKE_DRAIN_SECONDS: '0' })
    const again = await ask(second.url, 'demo/0000.mp4', {}, key)
    expect(again.status).toBe(200)
    expect(await again.text()).toMatch(/square/i)
    expect(await second.end('SIGTERM')).toBe(0)
    expect([...first.log, ...second.log].join('\n')).not.toContain('secret')
  },
  TEST_MILLISECONDS,
)

test(
  'SIGTERM: what runs when the time is over is handed back',
  async () => {
    const first = await start({ LONGTAKE_DRAIN_SECONDS: '0' })
    const stuck = await ask(first.url, 'slow/demo/0000.mp4', { stream: true })
    await whenReady(first.url).toMatchObject({ running: 1 })
    first.child.kill('SIGTERM')
    const frames = await stuck.text()
    expect(frames).toContain('"code":"jobs_closed"')
    expect(frames).not.toContain('[DONE]')
    expect(await first.ended).toBe(0)
    expect(lastWords(first)).toMatchObject({ msg: 'stopped', queued: 0, handedBack: 1 })
  },
  TEST_MILLISECONDS,
)

test(
  'SIGKILL: an accepted question is answered by the next process, once',
  async () => {
    const key = { 'Idempotency-Key': 'killed' }
    const first = await start()
    const lost = ask(first.url, 'held/demo/0001.mp4', {}, key).catch(() => undefined)
    await whenReady(first.url).toMatchObject({ running: 1 })
    await first.end('SIGKILL')
    await lost
    place.files.answerHeld()
    const second = await start({ LONGTAKE_DRAIN_SECONDS: '0', LONGTAKE_CONCURRENCY: '2' })
    const answers = [1, 2].map(async () => {
      const response = await ask(second.url, 'held/demo/0001.mp4', {}, key)
      expect(response.status).toBe(200)
      return response.json()
    })
    const [one, two] = await Promise.all(answers)
    expect(one).toEqual(two)
    expect(await second.end('SIGTERM')).toBe(0)
  },
  TEST_MILLISECONDS,
)

test(
  'mistakes of the configuration are told all at once',
  async () => {
    const env = { LONGTAKE_PORT: '99999', LONGTAKE_KEYS: 'ann', LONGTAKE_LOG: 'loud' }
    const failure = await start(env).catch((error: unknown) => String(error))
    expect(failure).toMatch(/LONGTAKE_PORT/)
    expect(failure).toMatch(/LONGTAKE_KEYS/)
    expect(failure).toMatch(/LONGTAKE_LOG/)
  },
  TEST_MILLISECONDS,
)
