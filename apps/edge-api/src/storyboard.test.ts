import { afterEach, beforeEach, expect, test } from 'vitest'
import { call, KEYS, startApi } from '../test/api.js'
import { type FileServer, serveFiles } from '../test/files.js'
import type { RunningServer } from './node/index.js'

const PATIENCE = { timeout: 60_000, interval: 20 }
const TEST_MILLISECONDS = 200_000

let files: FileServer
let api: RunningServer

beforeEach(async () => {
  files = await serveFiles()
  // Nothing stays open, so that each storyboard has to watch.
  api = await startApi({
    LONGTAKE_OPEN_VIDEOS: '0',
    LONGTAKE_QUEUE: '1',
    LONGTAKE_DRAIN_SECONDS: '0',
    LONGTAKE_REQUESTS_PER_MINUTE: '1000000',
  })
})

afterEach(async () => {
  await api.close()
  await files[Symbol.asyncDispose]()
})

/** How often the first video was asked for. */
function opened(): number {
  return files.requests.filter((path) => path === '/demo/0000.mp4').length
}

function whenReady() {
  return expect.poll(async () => (await fetch(`${api.url}/readyz`)).json(), PATIENCE)
}

/** A video, of which the storyboard is at `board`. */
async function register(path: string, status: string): Promise<{ readonly board: string }> {
  const created = await call(`${api.url}/v1/videos`, {
    body: { url: files.url(path), longtake: { frames: 8 } },
  })
  const video = `${api.url}/v1/videos/${((await created.json()) as { id: string }).id}`
  await expect.poll(async () => (await call(video)).json(), PATIENCE).toMatchObject({ status })
  return { board: `${video}/storyboard.png` }
}

async function expectPicture(response: Response): Promise<void> {
  expect(response.status).toBe(200)
  const bytes = new Uint8Array(await response.arrayBuffer())
  expect([...bytes.subarray(0, 4)]).toEqual([0x89, 0x50, 0x4e, 0x47])
}

test(
  'a storyboard of a video that is not open waits for its turn, and is watched once',
  async () => {
    const { board } = await register('demo/0000.mp4', 'ready')
    const forWatching = opened()
    await register('held/demo/0001.mp4', 'watching')
    const waiting = call(board)
    await whenReady().toMatchObject({ running: 1, queued: 1 })
    expect(opened()).toBe(forWatching)
    // There is one place to wait, and it is taken.
    const refused = await call(board)
    expect(refused.status).toBe(503)
    expect(refused.headers.get('retry-after')).toMatch(/^\d+$/)
    files.answerHeld()
    await expectPicture(await waiting)
    expect(opened()).toBe(2 * forWatching)
  },
  TEST_MILLISECONDS,
)

test(
  'whoever leaves gives the place back',
  async () => {
    const { board } = await register('demo/0000.mp4', 'ready')
    const forWatching = opened()
    await register('slow/demo/0001.mp4', 'watching')
    const leaving = new AbortController()
    const headers = { Authorization: `Bearer ${KEYS.ann}` }
    const left = fetch(board, { headers, signal: leaving.signal }).catch(() => undefined)
    await whenReady().toMatchObject({ queued: 1 })
    leaving.abort()
    await left
    await whenReady().toMatchObject({ queued: 0 })
    expect(opened()).toBe(forWatching)
  },
  TEST_MILLISECONDS,
)

test(
  'a video that can be watched no more is told as such',
  async () => {
    const { board } = await register('demo/missing.mp4', 'failed')
    const response = await call(board)
    expect(response.status).toBe(422)
    expect(await response.json()).toMatchObject({ error: { code: 'link_not_found' } })
  },
  TEST_MILLISECONDS,
)
