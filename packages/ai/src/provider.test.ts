import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { isLongtakeError, LinkError, VideoError } from '@longtake/core'
import { load } from '@longtake/runtime'
import { generateText, NoSuchModelError, streamText, type UserContent } from 'ai'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createLongtake, type LongtakeProvider } from './index.js'

const MODEL = '@longtake/tiny'
const QUESTION = 'Which shape is at the start of the video?'
const film = fileURLToPath(new URL('../../../tests/data/demo/0000.mp4', import.meta.url))

let bytes: Uint8Array
let server: Server
let requests = 0
let longtake: LongtakeProvider
let expected: string

beforeAll(async () => {
  bytes = await readFile(film)
  server = createServer((_, response) => {
    requests += 1
    response.writeHead(200, { 'Content-Type': 'video/mp4' }).end(bytes)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  longtake = createLongtake({ links: { allowNetworks: ['127.0.0.0/8'], ports: 'any' } })
  // What the runtime itself answers.
  await using model = await load(MODEL)
  await using video = await model.watch(film)
  expected = (await video.ask(QUESTION)).text
})

afterAll(async () => {
  await longtake.close()
  await new Promise((resolve) => server.close(resolve))
})

function link(): URL {
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/film.mp4`)
}

function about(data: Uint8Array | URL | string, text = QUESTION) {
  const content: UserContent = [
    { type: 'file', mediaType: 'video/mp4', data },
    { type: 'text', text },
  ]
  return { messages: [{ role: 'user' as const, content }] }
}

test('generateText answers about bytes as the runtime does, with its evidence', async () => {
  const { text, usage, finishReason, providerMetadata, warnings } = await generateText({
    model: longtake(MODEL),
    ...about(bytes),
  })
  expect(text).toBe(expected)
  expect(finishReason).toBe('stop')
  expect(usage.inputTokens).toBeGreaterThan(usage.outputTokens ?? 0)
  expect(providerMetadata?.longtake).toMatchObject({ plan: { frames: 32 }, video: { width: 144 } })
  expect(warnings).toEqual([])
})

test('streamText streams the same answer about a link, which is fetched once for all questions', async () => {
  const before = requests
  const first = streamText({ model: longtake(MODEL), ...about(link()) })
  const pieces: string[] = []
  for await (const piece of first.textStream) pieces.push(piece)
  expect(pieces.join('')).toBe(expected)
  await expect(first.finishReason).resolves.toBe('stop')
  const fetched = requests
  expect(fetched).toBeGreaterThan(before)
  const { text } = await generateText({
    model: longtake(MODEL),
    ...about(link(), 'Which colour comes last?'),
  })
  expect(text).not.toBe('')
  expect(requests).toBe(fetched)
})

test('a follow-up is about the video of an earlier message; what it does not read is a warning', async () => {
  const { text, warnings } = await generateText({
    model: longtake(MODEL),
    system: 'Be brief.',
    messages: [
      ...about(bytes, 'What is this?').messages,
      { role: 'assistant', content: 'A film.' },
      { role: 'user', content: QUESTION },
    ],
    presencePenalty: 1,
  })
  expect(text).toBe(expected)
  expect(warnings?.map((warning) => 'feature' in warning && warning.feature)).toEqual([
    'presencePenalty',
    'history',
  ])
})

test("a file of one's own machine is named by the developer, and options of a call go before the model's", async () => {
  const { text, providerMetadata } = await generateText({
    model: longtake(MODEL, { frames: 8 }),
    prompt: QUESTION,
    providerOptions: { longtake: { video: film, frames: 16 } },
  })
  expect(text).not.toBe('')
  expect(providerMetadata?.longtake).toMatchObject({ plan: { frames: 16 } })
})

test('pictures are media too', async () => {
  const png = await readFile(new URL('../../../tests/data/images/rgb.png', import.meta.url))
  const { text } = await generateText({
    model: longtake(MODEL),
    messages: [
      {
        role: 'user',
        content: [
          { type: 'image', image: png },
          { type: 'text', text: 'Which colour is this?' },
        ],
      },
    ],
  })
  expect(text).not.toBe('')
})

test('what is wrong is said with its own error', async () => {
  const ask = (input: object) =>
    generateText({ model: longtake(MODEL), maxRetries: 0, ...(input as { prompt: string }) })
  const guarded = createLongtake()
  const inside = generateText({ model: guarded(MODEL), maxRetries: 0, ...about(link()) })
  await expect(inside).rejects.toBeInstanceOf(LinkError)
  await guarded.close()
  await expect(ask(about(new TextEncoder().encode('no film')))).rejects.toBeInstanceOf(VideoError)
  await expect(ask({ prompt: QUESTION })).rejects.toSatisfy(isLongtakeError)
  await expect(ask({ messages: about(bytes, ' ').messages })).rejects.toSatisfy(isLongtakeError)
  await expect(ask({ ...about(bytes), providerOptions: { longtake: { farmes: 8 } } })).rejects.toThrow(
    /farmes/,
  )
  await expect(
    ask({ prompt: QUESTION, providerOptions: { longtake: { video: 'https://example.com/film.mp4' } } }),
  ).rejects.toThrow(/local/)
  expect(() => longtake.embeddingModel('x')).toThrow(NoSuchModelError)
  expect(() => longtake.imageModel('x')).toThrow(NoSuchModelError)
})

test('a model that fails to load is tried anew by the next call', async () => {
  await expect(
    generateText({ model: longtake('no/model'), maxRetries: 0, ...about(bytes) }),
  ).rejects.toSatisfy(isLongtakeError)
  await expect(
    generateText({ model: longtake('no/model'), maxRetries: 0, ...about(bytes) }),
  ).rejects.toSatisfy(isLongtakeError)
})

test('an abort ends watching and answering', async () => {
  const stop = new AbortController()
  const generating = generateText({
    model: longtake(MODEL, { frames: 64 }),
    ...about(bytes),
    abortSignal: stop.signal,
    maxRetries: 0,
  })
  stop.abort()
  await expect(generating).rejects.toThrow()
  const { text } = await generateText({ model: longtake(MODEL), ...about(bytes) })
  expect(text).toBe(expected)
})

test('leaving a stream leaves the model to the next question', async () => {
  const { textStream } = streamText({ model: longtake(MODEL), ...about(bytes) })
  for await (const _ of textStream) break
  const { text } = await generateText({ model: longtake(MODEL), ...about(bytes) })
  expect(text).toBe(expected)
})

test('a closed provider says so', async () => {
  const other = createLongtake()
  await generateText({ model: other(MODEL), ...about(bytes) })
  const model = other(MODEL)
  await other.close()
  await other.close()
  await expect(generateText({ model, maxRetries: 0, ...about(bytes) })).rejects.toThrow(/closed/)
})
