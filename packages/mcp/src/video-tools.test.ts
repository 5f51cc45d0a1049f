import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { load } from '@longtake/runtime'
import { Client, InMemoryTransport } from '@modelcontextprotocol/client'
import { decode } from 'fast-png'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { VideoTools } from './index.js'

const MODEL = '@longtake/tiny'
const question = 'Which shape is at the start of the video?'
const demo = fileURLToPath(new URL('../../../tests/data/demo', import.meta.url))

let bytes: Uint8Array
let server: Server
let folder: string
let tools: VideoTools
let client: Client
let expected: string

beforeAll(async () => {
  bytes = await readFile(join(demo, '0000.mp4'))
  server = createServer((_, response) => {
    response.writeHead(200, { 'Content-Type': 'video/mp4' }).end(bytes)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  folder = await mkdtemp(join(tmpdir(), 'longtake-mcp-'))
  await mkdir(join(folder, 'open'))
  await writeFile(join(folder, 'open', 'film.mp4'), bytes)
  await writeFile(join(folder, 'secret.mp4'), bytes)
  await symlink(join(folder, 'secret.mp4'), join(folder, 'open', 'way-out.mp4'))
  tools = await VideoTools.open(MODEL, {
    folders: [join(folder, 'open')],
    links: { allowNetworks: ['127.0.0.0/8'], ports: 'any' },
  })
  client = await connect(tools)
  await using model = await load(MODEL)
  await using video = await model.watch(join(demo, '0000.mp4'))
  expected = (await video.ask(question)).text
})

afterAll(async () => {
  await client.close()
  await tools.close()
  await new Promise((resolve) => server.close(resolve))
  await rm(folder, { recursive: true })
})

async function connect(from: VideoTools): Promise<Client> {
  const [ours, theirs] = InMemoryTransport.createLinkedPair()
  const connected = new Client({ name: 'test', version: '1.0.0' })
  await Promise.all([from.server().connect(ours), connected.connect(theirs)])
  return connected
}

function link(): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/film.mp4`
}

function textOf(result: Awaited<ReturnType<Client['callTool']>>): string {
  return result.content.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n')
}

test('the tools are listed with what they take', async () => {
  const { tools: listed } = await client.listTools()
  expect(listed.map(({ name }) => name)).toEqual(['ask_video', 'plan_video', 'storyboard'])
  for (const { description, inputSchema, annotations } of listed) {
    expect(description).toMatch(/video/)
    expect(inputSchema.required).toContain('video')
    expect(annotations).toMatchObject({ readOnlyHint: true })
  }
})

test('ask_video answers as the runtime does, with what the answer rests on', async () => {
  const result = await client.callTool({ name: 'ask_video', arguments: { video: link(), question } })
  expect(result.isError).toBeFalsy()
  expect(textOf(result)).toMatch(new RegExp(`^${expected}\nRests on`))
  expect(result.structuredContent).toMatchObject({
    answer: expected,
    framesWatched: 32,
    video: { durationSeconds: 32, width: 144, height: 144 },
  })
})

test('ask_video tells its progress to a client that wants it, only once for a video that stays watched', async () => {
  const told: { progress: number; message?: string | undefined }[] = []
  const ask = () =>
    client.callTool(
      { name: 'ask_video', arguments: { video: link(), question, frames: 16 } },
      { onprogress: (progress) => told.push(progress) },
    )
  await ask()
  expect(told.length).toBeGreaterThan(0)
  expect(told[0]?.message).toMatch(/^open/)
  const steps = told.map(({ progress }) => progress)
  expect(steps).toEqual([...steps].sort((a, b) => a - b))
  const before = told.length
  await ask()
  expect(told).toHaveLength(before)
})

test('plan_video tells what watching would take, of a stretch too', async () => {
  const result = await client.callTool({
    name: 'plan_video',
    arguments: { video: link(), frames: 8, start_seconds: 8, end_seconds: 16 },
  })
  expect(textOf(result)).toMatch(/144 × 144 pixels/)
  expect(result.structuredContent).toMatchObject({ plan: { frames: 8 }, facts: { durationSeconds: 32 } })
})

test('storyboard is a picture', async () => {
  const result = await client.callTool({ name: 'storyboard', arguments: { video: link() } })
  const picture = result.content.find((part) => part.type === 'image')
  expect(picture?.mimeType).toBe('image/png')
  const { width, height } = decode(Buffer.from(picture?.data ?? '', 'base64'))
  expect(width * height).toBeGreaterThan(100_000)
  expect(textOf(result)).toMatch(/32 frames/)
})

describe('files', () => {
  test('below a folder that is open may be named', async () => {
    for (const video of ['film.mp4', join(folder, 'open', 'film.mp4')]) {
      const result = await client.callTool({ name: 'ask_video', arguments: { video, question } })
      expect(textOf(result)).toContain(expected)
    }
  })

  test.each(['../secret.mp4', 'way-out.mp4', '.', '/etc/passwd', 'file:///etc/passwd', 'nothing.mp4'])(
    '%s reads as one that is not there',
    async (video) => {
      const result = await client.callTool({ name: 'ask_video', arguments: { video, question } })
      expect(result.isError).toBe(true)
      expect(textOf(result)).toMatch(/There is no such video.*VIDEO_NOT_FOUND/)
    },
  )

  test('are closed to agents by default', async () => {
    await using closed = await VideoTools.open(MODEL)
    const other = await connect(closed)
    const video = join(demo, '0000.mp4')
    const result = await other.callTool({ name: 'plan_video', arguments: { video } })
    expect(textOf(result)).toMatch(/only links are open/)
    const inside = await other.callTool({ name: 'plan_video', arguments: { video: link() } })
    expect(textOf(inside)).toMatch(/LINK_REFUSED/)
    await other.close()
  })
})

test.each([
  ['no video', { question }],
  ['no question', { video: 'x' }],
  ['an empty question', { video: 'x', question: ' ' }],
  ['no frames', { video: 'x', question, frames: 0 }],
])('%s is refused before anything is opened', async (_, args) => {
  const result = await client.callTool({ name: 'ask_video', arguments: args })
  expect(result.isError).toBe(true)
})

test('what is no video says so to the agent', async () => {
  await writeFile(join(folder, 'open', 'notes.mp4'), 'no film')
  const result = await client.callTool({ name: 'ask_video', arguments: { video: 'notes.mp4', question } })
  expect(result.isError).toBe(true)
  expect(textOf(result)).toMatch(/VIDEO_NOT_A_VIDEO/)
})

test('a call that is cancelled ends, and the next one is answered', async () => {
  const stop = new AbortController()
  const call = client.callTool(
    { name: 'ask_video', arguments: { video: link(), question, frames: 64 } },
    { signal: stop.signal, onprogress: () => stop.abort() },
  )
  await expect(call).rejects.toThrow()
  const result = await client.callTool({ name: 'ask_video', arguments: { video: link(), question } })
  expect(textOf(result)).toContain(expected)
})
