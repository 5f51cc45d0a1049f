import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { newKey } from '../apps/edge-api/src/node/keys.js'
import { question } from '../apps/edge-api/test/api.js'
import { readData } from '../apps/edge-api/test/files.js'
import { PATIENCE, type Serving, TEST_MILLISECONDS, useServing } from './support/serving.js'

const ann = newKey('ann')
const bob = newKey('bob')

interface Video {
  readonly id: string
  readonly status: string
  readonly [field: string]: unknown
}

const place = useServing()

function start(): Promise<Serving> {
  return place.start({
    LONGTAKE_STATE: place.folder,
    LONGTAKE_KEYS: `${ann.entry},${bob.entry}`,
    LONGTAKE_DRAIN_SECONDS: '0',
  })
}

function call(
  { url }: Serving,
  path: string,
  body?: unknown,
  { key = ann.key, headers = {}, method = body === undefined ? 'GET' : 'POST' } = {},
): Promise<Response> {
  const isForm = body instanceof FormData
  const type = body === undefined || isForm ? {} : { 'Content-Type': 'application/json' }
  return fetch(`${url}/v1${path}`, {
    method,
    headers: { Authorization: `Bearer ${key}`, ...type, ...headers },
    ...(body !== undefined && { body: isForm ? body : JSON.stringify(body) }),
  })
}

async function read<T = Video>(response: Promise<Response>): Promise<T> {
  return (await response).json() as Promise<T>
}

function upload(bytes: Uint8Array<ArrayBuffer>, longtake: object = {}): FormData {
  const form = new FormData()
  form.set('file', new Blob([bytes]))
  form.set('longtake', JSON.stringify(longtake))
  return form
}

function whenStatus(server: Serving, { id }: Video) {
  return expect.poll(async () => (await read(call(server, `/videos/${id}`))).status, PATIENCE)
}

async function ids(server: Serving): Promise<string[]> {
  const { data } = await read<{ data: Video[] }>(call(server, '/videos'))
  return data.map(({ id }) => id)
}

/** What a question about a video is answered. */
async function answer(server: Serving, { id }: Video): Promise<string> {
  const content = 'Which shape is at the start of the video?'
  const body = { model: '@longtake/tiny', messages: [{ role: 'user', content }], longtake: { video: id } }
  const response = await call(server, '/chat/completions', body)
  expect(response.status).toBe(200)
  const { choices } = (await response.json()) as { choices: { message: { content: string } }[] }
  return choices[0]?.message.content ?? ''
}

test.each(['SIGKILL', 'SIGTERM'] as const)(
  '%s: videos are known to the next process, with what was said of them, and to their owner alone',
  async (signal) => {
    const first = await start()
    const ready = await read(call(first, '/videos', upload(await readData('demo/0000.mp4'), { frames: 16 })))
    await whenStatus(first, ready).toBe('ready')
    const said = await answer(first, ready)
    const told = await read(call(first, `/videos/${ready.id}`))
    const running = await read(
      call(first, '/videos', { url: `${place.files.url('held/demo/0001.mp4')}?key=1` }),
    )
    await whenStatus(first, running).toBe('watching')
    const queued = await read(call(first, '/videos', upload(await readData('demo/0001.mp4'))))
    const all = [queued.id, running.id, ready.id]
    expect(await ids(first)).toEqual(all)
    await first.end(signal)

    const second = await start()
    expect(await ids(second)).toEqual(all)
    const { expires_at: _, ...facts } = told
    expect(await read(call(second, `/videos/${ready.id}`))).toMatchObject(facts)
    // What ran begins again, and what waits behind it goes on waiting.
    await whenStatus(second, running).toBe('watching')
    expect(await read(call(second, `/videos/${queued.id}`))).toMatchObject({ status: 'queued', position: 1 })
    for (const id of all)
      expect((await call(second, `/videos/${id}`, undefined, { key: bob.key })).status).toBe(404)
    place.files.answerHeld()
    await whenStatus(second, running).toBe('ready')
    await whenStatus(second, queued).toBe('ready')
    expect(await answer(second, ready)).toBe(said)
    expect((await call(second, `/videos/${ready.id}/storyboard.png`)).status).toBe(200)

    expect((await call(second, `/videos/${ready.id}`, undefined, { method: 'DELETE' })).status).toBe(200)
    await second.end(signal)
    const third = await start()
    expect(await ids(third)).toEqual([queued.id, running.id])
    expect((await call(third, `/videos/${ready.id}`)).status).toBe(404)
    expect(await readdir(join(place.folder, 'uploads'))).toHaveLength(1)
    expect(await answer(third, queued)).not.toBe('')
  },
  TEST_MILLISECONDS,
)

test(
  'SIGKILL: a question about sent bytes that waits is answered by the next process',
  async () => {
    const key = { headers: { 'Idempotency-Key': 'sent' } }
    const first = await start()
    const blocking = await read(call(first, '/videos', { url: place.files.url('held/demo/0001.mp4') }))
    await whenStatus(first, blocking).toBe('watching')
    const data = `data:video/mp4;base64,${(await readData('demo/0000.mp4')).toString('base64')}`
    const lost = call(first, '/chat/completions', question(data), key).catch(() => undefined)
    const ready = async () => (await fetch(`${first.url}/readyz`)).json()
    await expect.poll(ready, PATIENCE).toMatchObject({ queued: 1 })
    await first.end('SIGKILL')
    await lost
    place.files.answerHeld()
    const second = await start()
    const answered = await call(second, '/chat/completions', question(data), key)
    expect(answered.status).toBe(200)
    expect(await answered.text()).toMatch(/square/i)
  },
  TEST_MILLISECONDS,
)

test(
  'SIGKILL in the middle of many: whatever was accepted is there, and nothing half written',
  async () => {
    const first = await start()
    const picture = await readData('video/still.png')
    const accepted: string[] = []
    const sent = Array.from({ length: 24 }, async (_, index) => {
      const bytes = Buffer.concat([picture, Buffer.of(index)]) as Buffer<ArrayBuffer>
      const response = await call(first, '/videos', upload(bytes))
      const { id } = (await response.json()) as Video
      accepted.push(id)
      if (accepted.length === 8) first.child.kill('SIGKILL')
    })
    await Promise.allSettled(sent)
    await first.ended
    expect(accepted.length).toBeGreaterThanOrEqual(8)
    const second = await start()
    const known = await ids(second)
    expect(known).toEqual(expect.arrayContaining(accepted))
    await Promise.all(known.map((id) => whenStatus(second, { id, status: '' }).toBe('ready')))
    // The second one writes too; what the first one left would stay.
    for (const name of ['uploads', 'videos']) {
      const parts = async (): Promise<string[]> =>
        (await readdir(join(place.folder, name))).filter((it) => it.endsWith('.part'))
      await expect.poll(parts, { timeout: TEST_MILLISECONDS }).toEqual([])
    }
  },
  TEST_MILLISECONDS,
)

test(
  'files that are no records are put aside, and the rest is there',
  async () => {
    const first = await start()
    const kept = await read(call(first, '/videos', { url: place.files.url('demo/0000.mp4') }))
    await whenStatus(first, kept).toBe('ready')
    await first.end('SIGKILL')
    await writeFile(join(place.folder, 'videos', `vid_${'0'.repeat(32)}.json`), '{"id":')
    await writeFile(join(place.folder, 'videos', 'x.part'), '')
    await writeFile(join(place.folder, 'uploads', 'x'), '')
    const second = await start()
    expect(await ids(second)).toEqual([kept.id])
    expect(second.log.join('\n')).toContain('is forgotten')
    const names = [`${kept.id}.json`, `vid_${'0'.repeat(32)}.json.damaged`]
    // A record that is just being written has another name until then.
    const written = async () => (await readdir(join(place.folder, 'videos'))).sort()
    await expect.poll(written, PATIENCE).toEqual(names.sort())
    expect(await readdir(join(place.folder, 'uploads'))).toEqual([])
  },
  TEST_MILLISECONDS,
)
