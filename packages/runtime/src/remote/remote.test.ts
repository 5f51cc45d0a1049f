import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import { formatTimestamp } from '@longtake/core'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  answering,
  DONE,
  event,
  type OpenAiServer,
  piece,
  type ReceivedPart,
  type Respond,
  refusing,
  startOpenAi,
  startStream,
  USAGE,
} from '../../test/openai-server.js'
import { type InputFrame, type LoadOptions, type Longtake, load, type RemoteOptions } from '../index.js'
import { openVideo } from '../video/index.js'

const KEY = 'sk-secret-of-the-test'
const DEMO = fileURLToPath(new URL('../../../../tests/data/demo/0000.mp4', import.meta.url))

let server: OpenAiServer
beforeEach(async () => {
  server = await startOpenAi()
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await server[Symbol.asyncDispose]()
})

const idOf = (model = 'some/model') => `openai:${server.url}#${model}`
const open = (remote: RemoteOptions = {}, options: LoadOptions = {}) =>
  load(idOf(), { ...options, remote: { key: KEY, ...remote } })

/** Grey pictures, each lighter than the one before. */
function greys(count: number): InputFrame[] {
  return Array.from({ length: count }, (_, index) => ({
    rgb: new Uint8Array(48 * 32 * 3).fill(index * 8),
    width: 48,
    height: 32,
    timestampSeconds: index * 2.5,
  }))
}

async function ask(longtake: Longtake, question = 'What is it?') {
  await using video = await longtake.watchFrames(greys(4))
  return await video.ask(question)
}

/** What asking ends with, if not with an answer. */
async function failure(remote: RemoteOptions = {}): Promise<Error & { code: string }> {
  await using longtake = await open(remote)
  const error = await ask(longtake).then(
    () => undefined,
    (cause: unknown) => cause,
  )
  if (!(error instanceof Error && 'code' in error)) throw new Error('It was answered.')
  // Whatever goes wrong, nobody may read the key in it.
  expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(KEY)
  return error as Error & { code: string }
}

const contentOf = (index = 0): readonly ReceivedPart[] =>
  server.questions[index]?.body.messages?.[0]?.content ?? []

const jpegOf = ({ image_url }: ReceivedPart): Uint8Array =>
  Buffer.from(image_url?.url.replace(/^data:image\/jpeg;base64,/, '') ?? '', 'base64')

describe('asking a model behind an API', () => {
  test('sends frames after their times, then the question, and streams the answer', async () => {
    await using longtake = await open()
    await using video = await longtake.watchFrames(greys(3))
    const answer = video.ask('  What is it? ')
    const pieces: string[] = []
    for await (const text of answer) pieces.push(text)
    expect(pieces).toEqual(['a ', 'red ', 'square'])
    expect(await answer).toMatchObject({
      text: 'a red square',
      finishReason: 'stop',
      usage: { promptTokens: 900, completionTokens: 3, visualTokens: 768 },
    })
    expect(server.questions).toHaveLength(1)
    const [{ path, authorization, body } = server.questions[0]!] = server.questions
    expect([path, authorization]).toEqual(['/v1/chat/completions', `Bearer ${KEY}`])
    expect(body).toMatchObject({
      model: 'some/model',
      stream: true,
      stream_options: { include_usage: true },
      temperature: 0,
      max_tokens: 256,
    })
    expect(contentOf().map(({ type, text }) => text ?? type)).toEqual([
      '[0:00]',
      'image_url',
      '[0:02.5]',
      'image_url',
      '[0:05]',
      'image_url',
      'What is it?',
    ])
  })

  test('sends the pictures of the video at the times of its plan', async () => {
    await using longtake = await open({ sendFrames: 5, pictureSide: 32 })
    await using video = await longtake.watch(DEMO)
    expect(video.plan).toMatchObject({ frames: 5, sent: 5, kvCache: { bytes: 0 } })
    expect(await longtake.plan(DEMO)).toEqual(video.plan)
    await video.ask('What is it?')
    const labels = contentOf().flatMap(({ text }) => text ?? [])
    expect(labels.slice(0, -1)).toEqual(video.timestamps.map((time) => `[${formatTimestamp(time)}]`))
    await using decoded = await openVideo(DEMO)
    const images = contentOf().filter(({ type }) => type === 'image_url')
    for await (const frame of decoded.frames(video.plan.timestamps, video.plan.sampling)) {
      expect(frame.timestampSeconds).toBe(video.timestamps[frame.index])
      await using sent = await openVideo(jpegOf(images[frame.index]!))
      for await (const { rgb, width, height } of sent.frames([0], 'exact')) {
        expect(Math.max(width, height)).toBe(32)
        // Scaling keeps the mean of each channel, and JPEG nearly does.
        for (const channel of [0, 1, 2])
          expect(Math.abs(meanOf(rgb, channel) - meanOf(frame.rgb, channel))).toBeLessThan(4)
      }
    }
  })

  test('all frames have weights, those that were not sent none', async () => {
    await using longtake = await open({ sendFrames: 3 })
    await using video = await longtake.watchFrames(greys(9))
    const { frames, notes } = await video.ask('What is it?')
    expect(frames.map(({ weight }) => weight > 0)).toEqual(
      [1, 4, 7].reduce((is, at) => is.with(at, true), new Array(9).fill(false)),
    )
    expect(frames.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1, 12)
    expect(frames.every((frame) => !('relevance' in frame))).toBe(true)
    expect(notes.join(' ')).toContain('3 of 9 frames were sent')
    expect(contentOf().filter(({ type }) => type === 'image_url')).toHaveLength(3)
  })

  test('very many pictures are kept smaller, so that all fit into memory', async () => {
    // Noise is what compresses worst; one buffer for all is written once.
    const rgb = Uint8Array.from({ length: 512 * 512 * 3 }, (_, at) => (at * 2654435761) >>> 13)
    const frames = Array.from({ length: 4096 }, () => ({ rgb, width: 512, height: 512 }))
    await using longtake = await open({ sendFrames: 2 })
    await using video = await longtake.watchFrames(frames)
    expect(video.plan.notes.join(' ')).toContain('1 of 4096 pictures are kept smaller')
    await video.ask('What is it?')
    const [image] = contentOf().filter(({ type }) => type === 'image_url')
    expect(jpegOf(image!).length).toBeLessThanOrEqual(32 * 1024)
  })

  test('still images are named by their places', async () => {
    await using longtake = await open()
    await using video = await longtake.watchFrames(greys(2), { stills: true })
    await video.ask('What is it?')
    expect(contentOf().flatMap(({ text }) => text ?? [])).toEqual([
      '[picture 1]',
      '[picture 2]',
      'What is it?',
    ])
    expect((await video.storyboard()).subarray(1, 4)).toEqual(new TextEncoder().encode('PNG'))
  })

  test('a storyboard, thumbnails and what was seen', async () => {
    await using longtake = await open()
    await using video = await longtake.watchFrames(greys(3))
    expect((await video.thumbnail(1)).subarray(1, 4)).toEqual(new TextEncoder().encode('PNG'))
    expect(video.seen(2)).toEqual({ left: 0, top: 0, width: 1, height: 1 })
    await video.ask('What is it?')
    expect((await video.storyboard()).length).toBeGreaterThan(100)
    await expect(video.thumbnail(3)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })

  test('passes on how to sample, and nothing that was not said', async () => {
    await using longtake = await open()
    await using video = await longtake.watchFrames(greys(1))
    await video.ask('a', { temperature: 0.5, topP: 0.9, topK: 5, minP: 0.1, repetitionPenalty: 1.2, seed: 7 })
    await video.ask('b', { samplingDefaults: 'checkpoint', maxTokens: 9, stop: ['.', '!'] })
    const [first, second] = server.questions.map(({ body }) => body)
    expect(first).toMatchObject({
      temperature: 0.5,
      top_p: 0.9,
      top_k: 5,
      min_p: 0.1,
      repetition_penalty: 1.2,
      repeat_penalty: 1.2,
      seed: 7,
    })
    expect(second).toMatchObject({ max_tokens: 9, stop: ['.', '!'] })
    for (const name of ['temperature', 'top_p', 'top_k', 'min_p', 'repetition_penalty', 'seed'])
      expect(second).not.toHaveProperty(name)
  })

  test('questions are answered one after the other', async () => {
    let running = 0
    let most = 0
    server.respond((response) => {
      most = Math.max(most, ++running)
      response.on('close', () => running--)
      setTimeout(() => answering('yes')(response, server.questions[0]!), 20)
    })
    await using longtake = await open()
    await using video = await longtake.watchFrames(greys(1))
    await Promise.all([video.ask('a'), video.ask('b'), video.ask('c')])
    expect(most).toBe(1)
    expect(server.questions).toHaveLength(3)
  })

  test('the key comes from the environment, and there may be none', async () => {
    vi.stubEnv('LONGTAKE_REMOTE_KEY', 'from-outside')
    await using longtake = await load(idOf())
    await ask(longtake)
    vi.stubEnv('LONGTAKE_REMOTE_KEY', '')
    await using open = await load(idOf())
    await ask(open)
    expect(server.questions.map(({ authorization }) => authorization)).toEqual([
      'Bearer from-outside',
      undefined,
    ])
    expect(inspect(longtake, { depth: 9, showHidden: true })).not.toContain('from-outside')
  })

  test('says what it is', async () => {
    await using longtake = await open({ contextTokens: 8192, tokensPerFrame: 100, sendFrames: 6 })
    expect(longtake.spec).toMatchObject({
      family: 'openai',
      remote: { sendFrames: 6 },
      context: { trainedLength: 8192 },
    })
    expect(longtake.weights).toBeUndefined()
    expect(longtake.backend).toEqual({ name: 'remote', reason: `some/model at ${new URL(server.url).host}` })
    await expect(longtake.inspect([], { question: 'a' })).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
    })
  })
})

function meanOf(rgb: Uint8Array, channel: number): number {
  let sum = 0
  for (let at = channel; at < rgb.length; at += 3) sum += rgb[at]!
  return (sum * 3) / rgb.length
}

describe('what cannot be asked', () => {
  test.each([
    ['openai:'],
    ['openai:https://host/v1'],
    ['openai:https://host/v1#'],
    ['openai:https://host/v1#a b'],
    ['openai:ftp://host/v1#model'],
    ['openai:https://user:pass@host/v1#model'],
    ['openai:https://host/v1?key=pass#model'],
    ['openai:host#model'],
  ])('%s', async (id) => {
    const error = await load(id).catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code: 'INVALID_OPTION', option: 'id' })
    expect(String(error)).not.toContain('pass')
  })

  test.each<[string, LoadOptions]>([
    ['weights', { weights: 'int8' }],
    ['backend', { backend: 'portable' }],
    ['threads', { threads: 2 }],
    ['builds', { builds: true }],
    ['hub', { hub: {} }],
    ['cache', { cache: true }],
    ['remote.sendFrames', { remote: { sendFrames: 0 } }],
    ['remote.pictureSide', { remote: { pictureSide: 4 } }],
    ['remote.key', { remote: { key: 'a\nb' } }],
    ['remote.timeoutSeconds', { remote: { timeoutSeconds: 0 } }],
    ['remote.guide', { remote: { guide: '' } }],
    ['remote.guide', { remote: { guide: 'openai:http://localhost/v1#a' } }],
    ['remote.keys', { remote: { keys: KEY } as RemoteOptions }],
  ])('%s is refused', async (option, options) => {
    const error = await load(idOf(), options).catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code: 'INVALID_OPTION', option })
    expect(String(error)).not.toContain(KEY)
  })

  test('remote options of a model of this machine', async () => {
    await expect(load('@longtake/tiny', { remote: {} })).rejects.toMatchObject({ option: 'remote' })
  })

  test('a trace', async () => {
    await using longtake = await open()
    await using video = await longtake.watchFrames(greys(1))
    await expect(video.ask('a', { trace: true })).rejects.toMatchObject({ option: 'trace' })
    expect(server.questions).toHaveLength(0)
  })

  test('http: through the internet', async () => {
    // A documentation address: nothing is sent there.
    await using longtake = await load('openai:http://203.0.113.7/v1#model', { remote: { key: KEY } })
    await expect(ask(longtake)).rejects.toMatchObject({ code: 'INVALID_OPTION', option: 'id' })
  })

  test('a model that was closed, and its videos', async () => {
    const longtake = await open()
    const video = await longtake.watchFrames(greys(1))
    await longtake.close()
    await expect(video.ask('a')).rejects.toMatchObject({ code: 'ENGINE_CLOSED' })
    await expect(longtake.watchFrames(greys(1))).rejects.toMatchObject({ code: 'ENGINE_CLOSED' })
  })
})

describe('servers that refuse', () => {
  test.each<[string, Respond, string, RegExp]>([
    [
      '401',
      refusing(401, { message: `wrong key ${KEY}` }),
      'ENGINE_UNAVAILABLE',
      /LONGTAKE_REMOTE_KEY.*wrong key \(the key\)/,
    ],
    ['403', refusing(403), 'ENGINE_UNAVAILABLE', /403.*LONGTAKE_REMOTE_KEY/],
    ['404', refusing(404), 'ENGINE_UNAVAILABLE', /nothing at \/v1\/chat\/completions.*\/v1/],
    ['413', refusing(413), 'CONTEXT_TOO_LONG', /remote.sendFrames/],
    [
      'a context that is too long, as vLLM says it',
      refusing(400, { message: "This model's maximum context length is 4096 tokens." }),
      'CONTEXT_TOO_LONG',
      /remote.sendFrames.*4096/,
    ],
    [
      'the same, as llama.cpp says it',
      refusing(400, {
        message: 'the request exceeds the available context size',
        type: 'exceed_context_size_error',
      }),
      'CONTEXT_TOO_LONG',
      /remote.pictureSide/,
    ],
    [
      'more pictures than vLLM was told to take',
      refusing(400, { message: 'At most 1 image(s) may be provided in one prompt.' }),
      'CONTEXT_TOO_LONG',
      /remote.sendFrames.*At most 1/,
    ],
    [
      'another 400',
      refusing(400, { message: 'no images, please' }),
      'ENGINE_FAILED',
      /answered 400. It says: no images/,
    ],
    [
      '500 with a text',
      (response) => void response.writeHead(500).end('boom\u001b[31m\nat x'),
      'ENGINE_FAILED',
      /500. It says: boom \[31m at x$/,
    ],
    [
      '502 with a page',
      (response) => void response.writeHead(502, { 'content-type': 'text/html' }).end('<html>nginx</html>'),
      'ENGINE_FAILED',
      /answered 502\.$/,
    ],
    [
      'a wait of a day',
      refusing(429, {}, { 'retry-after': '86400' }),
      'ENGINE_UNAVAILABLE',
      /too busy \(429\)/,
    ],
  ])('%s', async (_, way, code, message) => {
    server.respond(way)
    const error = await failure()
    expect(error.code).toBe(code)
    expect(error.message).toMatch(message)
    expect(server.questions).toHaveLength(1)
  })

  test('a model it does not have, with those it has', async () => {
    server.respond(refusing(404))
    await using longtake = await load(idOf('other'), { remote: { key: KEY } })
    await expect(ask(longtake)).rejects.toThrow(/has no model other\. It has: some\/model\.$/)
  })

  test('asked again while it is busy, and answered', async () => {
    server.respond(
      refusing(429, {}, { 'retry-after': '0' }),
      refusing(503, {}, { 'retry-after': new Date(0).toUTCString() }),
      answering('at last'),
    )
    await using longtake = await open()
    expect((await ask(longtake)).text).toBe('at last')
    expect(server.questions).toHaveLength(3)
  })

  test('asked otherwise where the model wants its options otherwise, and from then on so', async () => {
    server.respond(
      refusing(400, {
        code: 'unsupported_parameter',
        param: 'max_tokens',
        message: "Use 'max_completion_tokens' instead.",
      }),
      refusing(400, {
        code: 'unsupported_value',
        param: 'temperature',
        message: 'Only the default (1) is supported.',
      }),
      answering('yes'),
    )
    await using longtake = await open()
    await using video = await longtake.watchFrames(greys(1))
    const { text, notes } = await video.ask('a', { maxTokens: 7 })
    expect(text).toBe('yes')
    expect(notes.join(' ')).toContain('does not let its temperature be chosen')
    await video.ask('b')
    expect(server.questions).toHaveLength(4)
    for (const { body } of server.questions.slice(2)) {
      expect(body).not.toHaveProperty('max_tokens')
      expect(body).not.toHaveProperty('temperature')
    }
    expect(server.questions[2]?.body.max_completion_tokens).toBe(7)
  })

  test('a temperature that was asked for is not left out', async () => {
    server.respond(refusing(400, { code: 'unsupported_value', param: 'temperature', message: 'Only 1.' }))
    await using longtake = await open()
    await using video = await longtake.watchFrames(greys(1))
    await expect(video.ask('a', { temperature: 0.3 })).rejects.toThrow(/answered 400. It says: Only 1\./)
    expect(server.questions).toHaveLength(1)
  })

  test('given up while it stays busy', async () => {
    server.respond(refusing(503, { message: 'loading' }, { 'retry-after': '0' }))
    expect((await failure()).message).toMatch(/too busy \(503\).*loading/)
    expect(server.questions).toHaveLength(4)
  })

  test('waiting for a busy server can be cancelled', async () => {
    server.respond(refusing(429, {}, { 'retry-after': '50' }))
    await using longtake = await open()
    await using video = await longtake.watchFrames(greys(1))
    const answer = video.ask('a')
    await vi.waitUntil(() => server.questions.length === 1)
    answer.cancel()
    await expect(answer).rejects.toMatchObject({ code: 'CANCELLED' })
  })

  test('the key alone may not list models', async () => {
    server.respondModels(refusing(403))
    await using longtake = await open()
    expect((await ask(longtake)).text).toBe('a red square')
  })

  test('a key that is refused is told before anything is decoded', async () => {
    server.respondModels(refusing(401))
    await using longtake = await open()
    await expect(longtake.watchFrames(greys(1))).rejects.toThrow(/LONGTAKE_REMOTE_KEY/)
    expect(server.questions).toHaveLength(0)
  })
})

describe('servers that are not there', () => {
  test('nothing listens', async () => {
    const url = server.url
    await server[Symbol.asyncDispose]()
    await using longtake = await load(`openai:${url}#model`)
    await expect(longtake.watch(DEMO)).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      message: expect.stringMatching(/^Nothing listens at 127\.0\.0\.1:\d+\. Start the server/),
    })
  })

  test('a name that is not known', async () => {
    await using longtake = await load('openai:http://nowhere.invalid/v1#model')
    await expect(ask(longtake)).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      message: expect.stringContaining('nowhere.invalid'),
    })
  })

  test('TLS where there is none', async () => {
    await using longtake = await load(idOf().replace('http:', 'https:'))
    await expect(ask(longtake)).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      message: expect.stringContaining('does not speak TLS'),
    })
  })
})

describe('servers that redirect', () => {
  const to =
    (location: string, status = 307): Respond =>
    (response) =>
      void response.writeHead(status, { location }).end()

  test('to another origin: neither pictures nor key go there', async () => {
    await using other = await startOpenAi()
    server.respond(to(`${other.url}/chat/completions`))
    const error = await failure()
    expect(error).toMatchObject({ code: 'ENGINE_UNAVAILABLE' })
    expect(error.message).toContain(`redirects to ${new URL(other.url).origin} (307), which is not followed`)
    expect(other.all).toHaveLength(0)
  })

  test('the list of models to another origin', async () => {
    await using other = await startOpenAi()
    server.respondModels(to(`${other.url}/models`, 302))
    await failure()
    expect(other.all).toHaveLength(0)
  })

  test('within their origin', async () => {
    server.respond(to('/v1/elsewhere', 308), answering('here'))
    await using longtake = await open()
    expect((await ask(longtake)).text).toBe('here')
    expect(server.questions.map(({ path }) => path)).toEqual(['/v1/chat/completions', '/v1/elsewhere'])
    expect(contentOf(1)).toEqual(contentOf(0))
  })

  test.each([
    ['in a circle', to('/v1/chat/completions'), /redirects more than 3 times/],
    ['as if it were a form', to('/v1/other', 303), /redirects to \/v1\/other \(303\)/],
    ['nowhere', to('http://'), /redirects to nowhere/],
  ])('%s', async (_, way, message) => {
    server.respond(way)
    expect((await failure()).message).toMatch(message)
  })
})

describe('answers that are none', () => {
  const streaming =
    (...parts: readonly string[]): Respond =>
    (response) => {
      startStream(response)
      for (const part of parts) response.write(part)
      response.end()
    }

  test.each<[string, Respond, string, RegExp]>([
    ['cut after a word', streaming(piece('a ')), 'ENGINE_CRASHED', /in the middle of the answer/],
    ['nothing at all', streaming(), 'ENGINE_CRASHED', /in the middle of the answer/],
    [
      'a connection that breaks',
      (response) => {
        startStream(response)
        response.write(piece('a '))
        setTimeout(() => response.destroy(), 30)
      },
      'ENGINE_CRASHED',
      /in the middle of the answer/,
    ],
    ['no JSON', streaming('data: {"choices":[\n\n'), 'ENGINE_FAILED', /something else than JSON/],
    [
      'an error in the stream',
      streaming(piece('a '), event({ error: { message: `out of memory ${KEY}` } })),
      'ENGINE_FAILED',
      /It says: out of memory \(the key\)/,
    ],
    [
      'a line without end',
      streaming(`data: ${'x'.repeat(3_000_000)}`),
      'ENGINE_FAILED',
      /more than any answer/,
    ],
    [
      'an event without end',
      streaming(...Array.from({ length: 3000 }, () => `data: ${'x'.repeat(1000)}\n`)),
      'ENGINE_FAILED',
      /more than any answer/,
    ],
    [
      'a web page',
      (response) =>
        void response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><p>Welcome'),
      'ENGINE_FAILED',
      /a web page, not with a stream of events/,
    ],
    [
      'JSON in one piece',
      (response) =>
        void response.writeHead(200, { 'content-type': 'application/json' }).end('{"choices":[]}'),
      'ENGINE_FAILED',
      /JSON in one piece/,
    ],
    [
      'an error that calls itself a success',
      (response) =>
        void response.writeHead(200, { 'content-type': 'application/json' }).end('{"error":"no such image"}'),
      'ENGINE_FAILED',
      /It says: no such image/,
    ],
    [
      'no HTTP',
      (response) => {
        response.socket?.write('SSH-2.0-server\r\n\r\n')
        response.socket?.destroy()
      },
      'ENGINE_UNAVAILABLE',
      /does not speak HTTP/,
    ],
    ['silence', () => {}, 'ENGINE_TIMEOUT', /said nothing for 0.4 s/],
    [
      'silence in the middle',
      (response) => {
        startStream(response)
        response.write(piece('a '))
      },
      'ENGINE_TIMEOUT',
      /remote.timeoutSeconds/,
    ],
  ])('%s', async (_, way, code, message) => {
    server.respond(way)
    const error = await failure({ timeoutSeconds: 0.4 })
    expect(error.code).toBe(code)
    expect(error.message).toMatch(message)
  })

  test('slow ones are waited for while they live', async () => {
    server.respond(async (response) => {
      startStream(response)
      for (let beat = 0; beat < 8; beat++) {
        response.write(': still here\n\n')
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
      response.end(piece('done', 'stop') + DONE)
    })
    await using longtake = await open({ timeoutSeconds: 0.5 })
    expect((await ask(longtake)).text).toBe('done')
  })

  test('events in pieces of bytes, with any line ends and characters', async () => {
    server.respond(async (response) => {
      startStream(response)
      const text = `: hello\r\n\r\ndata: {"choices":[{"delta":{"content":"grün 🎬 "}}]}\r\n\r\nevent: x\ndata:{"choices":[{"delta":{"content":"ok"},"finish_reason":"length"}]}\n\n${USAGE}${DONE}`
      for (const byte of Buffer.from(text)) {
        response.write(Buffer.of(byte))
        await new Promise((resolve) => setImmediate(resolve))
      }
      response.end()
    })
    await using longtake = await open()
    expect(await ask(longtake)).toMatchObject({ text: 'grün 🎬 ok', finishReason: 'length' })
  })

  test('what follows the end is not read', async () => {
    server.respond((response) => {
      startStream(response)
      response.write(piece('yes', 'stop') + DONE + piece(' and no'))
    })
    await using longtake = await open()
    expect((await ask(longtake)).text).toBe('yes')
  })

  test('no usage, odd fields, a reason of its own', async () => {
    const odd = [
      event(null),
      event({ choices: 'x' }),
      event({ choices: [null] }),
      event([]),
      event({ usage: { prompt_tokens: -1, completion_tokens: 'x' } }),
    ]
    server.respond(streaming(...odd, piece('some'), piece('', 'content_filter'), DONE))
    await using longtake = await open()
    const result = await ask(longtake)
    expect(result).toMatchObject({
      text: 'some',
      usage: { promptTokens: 0, completionTokens: 0, visualTokens: 0 },
    })
    expect(result.notes.join(' ')).toMatch(/did not say how many tokens.*content_filter/)
  })

  test('thoughts without an answer', async () => {
    server.respond(
      streaming(event({ choices: [{ delta: { reasoning_content: 'hm' }, finish_reason: 'length' }] }), DONE),
    )
    await using longtake = await open()
    expect(await ask(longtake)).toMatchObject({ text: '', finishReason: 'length' })
    expect((await ask(longtake)).notes.join(' ')).toContain('only thought')
  })
})

describe('cancelling', () => {
  const endless: Respond = (response) => {
    startStream(response)
    response.write(piece('and '))
  }

  test('an answer closes its request, and the next one is answered', async () => {
    server.respond(endless, answering('yes'))
    await using longtake = await open()
    await using video = await longtake.watchFrames(greys(1))
    const stop = new AbortController()
    const answer = video.ask('a', { signal: stop.signal })
    for await (const _ of answer) break
    await expect(answer).rejects.toMatchObject({ code: 'CANCELLED' })
    await server.left
    expect((await video.ask('b')).text).toBe('yes')
  })

  test('closing the model ends its answers', async () => {
    server.respond(endless)
    const longtake = await open()
    const video = await longtake.watchFrames(greys(1))
    const answer = video.ask('a')
    await answer[Symbol.asyncIterator]().next()
    await longtake.close()
    await expect(answer).rejects.toMatchObject({ code: 'ENGINE_CLOSED' })
    await server.left
  })

  test('watching', async () => {
    await using longtake = await open()
    const stop = new AbortController()
    const watching = longtake.watch(DEMO, {
      signal: stop.signal,
      onProgress: ({ stage, done }) => stage === 'decode' && done === 2 && stop.abort(),
    })
    await expect(watching).rejects.toMatchObject({ code: 'CANCELLED' })
  })
})
