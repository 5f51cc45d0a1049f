import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startDiscord } from '@longtake/discord-stand-in'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { newKey } from '../apps/edge-api/src/node/index.js'
import { call, KEYS, question, startApi } from '../apps/edge-api/test/api.js'
import { type FileServer, serveFiles } from '../apps/edge-api/test/files.js'
import { findBinary } from './support/binaries.js'
import { type ExampleEnd, endExamples, exampleNames, examplePath, startExample } from './support/examples.js'
import { temporaryPath, useTemporaryFolder } from './support/temporary-folder.js'
import { dataPath, demoFile } from './support/tiny-model.js'
import { bundleWorker, startWorker } from './support/workerd.js'

// Each test starts programs, which takes a second or two on an idle machine.
vi.setConfig({ testTimeout: 200_000 })
useTemporaryFolder()

const FILM = demoFile('0000.mp4')
const CAPTION = 'What caption is on the cyan circle?'
const SHAPE = 'Which shape is at the start of the video?'
const LOOPBACK_LINKS = { LONGTAKE_LINK_NETWORKS: '127.0.0.0/8', LONGTAKE_LINK_PORTS: 'any' }
/** Of a picture file in PNG. */
const PNG_SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')

let files: FileServer
beforeAll(async () => {
  files = await serveFiles()
})
afterEach(endExamples)
afterAll(() => files?.[Symbol.asyncDispose]())

/** Runs an example to its end, in the test's folder. */
async function run(
  name: string,
  words: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
  cwd: string = temporaryPath(),
): Promise<ExampleEnd> {
  const { ended } = await startExample(name, words, cwd, env)
  const end = await ended
  expect(end.code, end.errors).toBe(0)
  return end
}

test.each(['node-ask', 'bun', 'deno'])('%s', async (name) => {
  const { lines, errors } = await run(name, [FILM, CAPTION])
  // The shot that the question is about is a second long.
  expect(lines).toEqual(['k', expect.stringMatching(/^mostly from 26\.5 s, after \d+ ms$/)])
  expect(errors).toBe('')
})

test('follow-ups', async () => {
  const asked = [CAPTION, SHAPE]
  const { lines } = await run('follow-ups', [FILM, ...asked])
  expect(lines).toEqual([
    expect.stringContaining(`${CAPTION} k (`),
    expect.stringContaining(`${SHAPE} square (`),
    'storyboard.png: 32 frames',
  ])
  const picture = await readFile(temporaryPath('storyboard.png'))
  expect(picture.subarray(0, PNG_SIGNATURE.length)).toEqual(PNG_SIGNATURE)
})

test('plan-and-memory', async () => {
  const { lines } = await run('plan-and-memory', [FILM])
  expect(lines[0]).toBe('32.0 s of h264')
  expect(lines.filter((line) => !line.startsWith(' ')).slice(1)).toEqual([
    expect.stringMatching(/^8 frames: 40 tokens, RoPE none x1\.00, at most \d+ MiB$/),
    expect.stringMatching(/^32 frames: 160 tokens, RoPE yarn x1\.75, at most \d+ MiB$/),
    expect.stringMatching(/^64 frames: 320 tokens, RoPE yarn x3\.00, at most \d+ MiB$/),
  ])
})

test('frames', async () => {
  const { lines } = await run('frames')
  expect(lines).toEqual([
    'What colour is shown first? red',
    'What comes right after the red square? blue square',
    'When does the blue square come? end',
  ])
})

test('ai-sdk', async () => {
  const { lines } = await run('ai-sdk', [FILM, CAPTION])
  expect(lines).toEqual(['k', '1 tokens'])
})

test('mcp', async () => {
  const { lines } = await run('mcp', [dataPath('demo'), '0000.mp4', SHAPE], {}, examplePath('mcp'))
  expect(lines.slice(0, 3)).toEqual([
    'ask_video, plan_video, storyboard',
    'square',
    expect.stringContaining('Rests on: 0:00.5'),
  ])
})

test('jobs-queue, which knows its jobs when it is run again', async () => {
  const first = await run('jobs-queue', [FILM, CAPTION, SHAPE])
  expect(first.lines).toEqual([`${CAPTION} k`, `${SHAPE} square`])
  const again = await run('jobs-queue', [FILM, SHAPE])
  expect(again.lines).toEqual([`${SHAPE} square (asked before)`])
})

test('remote-engine and api-client, of our own API', async () => {
  const api = await startApi()
  try {
    const model = `openai:${api.url}/v1#@longtake/tiny`
    const asked = await run('remote-engine', [FILM, CAPTION, model, '4'], { LONGTAKE_REMOTE_KEY: KEYS.ann })
    // What answers sees four pictures, of which the guide chose those around the shot.
    expect(asked.lines).toEqual(['k', expect.stringMatching(/^sent: .*\b26\.5 s/)])
    expect(asked.lines[1]?.split(', ')).toHaveLength(4)
    const env = { OPENAI_BASE_URL: `${api.url}/v1`, OPENAI_API_KEY: KEYS.ann }
    const answered = await run('api-client', [files.url('demo/0000.mp4'), CAPTION], env)
    expect(answered.lines).toEqual(['k'])
  } finally {
    await api.close()
  }
})

test('api-server, which ends when it is asked to', async () => {
  const env = { ...LOOPBACK_LINKS, PORT: '0', LONGTAKE_LOG: 'silent' }
  const server = await startExample('api-server', [], temporaryPath(), env)
  const url = await server.firstLine
  expect(await (await fetch(new URL('/', url))).text()).toContain('/longtake/v1')
  const body = question(files.url('demo/0000.mp4'), SHAPE)
  const response = await call(`${url}/chat/completions`, { body })
  expect(await response.json()).toMatchObject({ choices: [{ message: { content: 'square' } }] })
  server.stop()
  expect((await server.ended).code).toBe(0)
})

test('discord-bot, which ends when it is asked to', async () => {
  const discord = await startDiscord({
    users: [{ name: 'ada' }],
    guilds: [{ name: 'club', channels: [{ name: 'talks' }] }],
    identifyIntervalMs: 0,
  })
  try {
    const bot = await startExample('discord-bot', [], temporaryPath(), {
      ...LOOPBACK_LINKS,
      LONGTAKE_DISCORD_TOKEN: discord.token,
      LONGTAKE_DISCORD_API: discord.rest.api,
      LONGTAKE_STATE: temporaryPath('bot'),
      LONGTAKE_HEALTH_PORT: '0',
      LONGTAKE_LOG: 'silent',
    })
    expect(await bot.firstLine).toMatch(/is in Discord\.$/)
    const options = { question: SHAPE, video: files.url('demo/0000.mp4') }
    const asked = discord.user('ada').slash('ask', options, { channel: 'talks' })
    const reply = await discord.until(
      () => asked.reply?.components.some(({ label }) => label === 'Show frames') && asked.reply,
      { withinMs: 50_000 },
    )
    expect(reply.content).toMatch(/square/)
    bot.stop()
    expect((await bot.ended).code).toBe(0)
  } finally {
    await discord.close()
  }
})

const workerd = await findBinary('workerd')
if (workerd === undefined) console.warn('npm installed no workerd for this machine: that example is not run.')

test.skipIf(workerd === undefined)('workers-gateway', async () => {
  const edge = newKey('edge')
  const eve = newKey('eve')
  const api = await startApi({ LONGTAKE_KEYS: edge.entry, LONGTAKE_GATEWAYS: 'edge' })
  try {
    const { code, imports } = await bundleWorker(examplePath('workers-gateway', 'main.ts'))
    expect(imports).toEqual([])
    await using worker = await startWorker(workerd ?? '', code, {
      LONGTAKE_UPSTREAM: api.url,
      LONGTAKE_UPSTREAM_KEY: edge.key,
      LONGTAKE_KEYS: eve.entry,
    })
    expect(await (await fetch(worker.url)).text()).toContain('/v1')
    const body = question(files.url('demo/0000.mp4'), SHAPE)
    const response = await call(`${worker.url}/v1/chat/completions`, { body, key: eve.key })
    expect(await response.json()).toMatchObject({ choices: [{ message: { content: 'square' } }] })
  } finally {
    await api.close()
  }
})

test('no example is left out', async () => {
  const source = await readFile(new URL(import.meta.url), 'utf8')
  const forgotten = (await exampleNames()).filter((name) => !source.includes(`'${name}`))
  expect(forgotten).toEqual([])
  for (const name of await exampleNames()) {
    const program = await readFile(join(examplePath(name), 'main.ts'), 'utf8')
    expect(program.split('\n').length, name).toBeLessThan(50)
  }
})
