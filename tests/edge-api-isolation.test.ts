import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { question } from '../apps/edge-api/test/api.js'
import { readData } from '../apps/edge-api/test/files.js'
import { PATIENCE, TEST_MILLISECONDS, useServing } from './support/serving.js'

/** Modules that read what is in a video, by the end of their address. */
const DECODING = /\/(runtime\/dist\/video|node_modules\/mediabunny|node_modules\/node-av)\//
/** Of these the server needs the opening of bytes, which reads none of them. */
const BYTES_ALONE = /\/runtime\/dist\/video\/video-(source|file)\.js$/

const place = useServing()

/** Every way in which a stranger's bytes come in, and every route that looks at them. */
async function useEverything(url: string): Promise<void> {
  const post = async (path: string, body: unknown): Promise<unknown> => {
    const headers = { 'Content-Type': 'application/json' }
    const response = await fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
    expect(response.status, path).toBeLessThan(300)
    return response.json()
  }
  const link = place.files.url('demo/0000.mp4')
  await post('/v1/plan', { url: link })
  await post('/v1/chat/completions', question(link))
  const picture = `data:image/png;base64,${(await readData('video/still.png')).toString('base64')}`
  const content = [
    { type: 'image_url', image_url: { url: picture } },
    { type: 'text', text: 'What is this?' },
  ]
  await post('/v1/chat/completions', { model: '@longtake/tiny', messages: [{ role: 'user', content }] })
  const form = new FormData()
  form.set('file', new Blob([await readData('demo/0001.mp4')]))
  const sent = await fetch(`${url}/v1/videos`, { method: 'POST', body: form })
  const { id } = (await sent.json()) as { id: string }
  const video = `${url}/v1/videos/${id}`
  await expect.poll(async () => (await fetch(video)).json(), PATIENCE).toMatchObject({ status: 'ready' })
  expect((await fetch(`${video}/storyboard.png`)).status).toBe(200)
}

interface Coverage {
  readonly result: readonly {
    readonly url: string
    readonly functions: readonly {
      readonly functionName: string
      readonly ranges: readonly { readonly count: number }[]
    }[]
  }[]
}

/** Functions of decoding modules that ran in the server's own process, `FOLDER/MODULE FUNCTION`. */
async function decodingThatRan(pid: number | undefined): Promise<Set<string>> {
  // Node has its child processes write their coverage too, under their own numbers.
  const names = (await readdir(place.folder)).filter((name) => name.startsWith(`coverage-${pid}-`))
  expect(names).toHaveLength(1)
  const { result } = JSON.parse(await readFile(join(place.folder, names[0] ?? ''), 'utf8')) as Coverage
  const ran = result
    .filter(({ url }) => DECODING.test(url) && !BYTES_ALONE.test(url))
    .flatMap(({ url, functions }) =>
      functions
        // Without a name: the module itself, and what it does when it is loaded.
        .filter(({ functionName, ranges }) => functionName !== '' && (ranges[0]?.count ?? 0) > 0)
        .map(({ functionName }) => `${url.split('/').slice(-2).join('/')} ${functionName}`),
    )
  return new Set(ran)
}

/** What of decoding ran in a server that was used as told. */
async function whatRan(
  use: (url: string) => Promise<void>,
  env: Readonly<Record<string, string>> = {},
): Promise<Set<string>> {
  const server = await place.start({ NODE_V8_COVERAGE: place.folder, ...env })
  await use(server.url)
  expect(await server.end('SIGTERM')).toBe(0)
  return decodingThatRan(server.child.pid)
}

test(
  'no byte of a video is demuxed or decoded in the process of the server',
  async () => {
    const idle = await whatRan(async () => {})
    const used = await whatRan(useEverything)
    expect([...used].filter((one) => !idle.has(one))).toEqual([])
    // Without isolation that is where it happens, so that this can tell.
    const here = await whatRan(useEverything, { LONGTAKE_ISOLATE: '0' })
    const expected = ['openVideo', 'openMediabunnyTrack', 'storyboard', 'makeThumbnail']
    const names = [...here].filter((one) => !idle.has(one)).map((one) => one.split(' ')[1])
    expect(names).toEqual(expect.arrayContaining(expected))
  },
  TEST_MILLISECONDS,
)
