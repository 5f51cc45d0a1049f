import { describe, expect, test, vi } from 'vitest'
import { answering, type Respond, refusing, startOpenAi } from '../../test/openai-server.js'
import { load } from '../index.js'
import { ask, greys, KEY, Stage } from './testing/stage.js'

const stage = Stage.use()

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
    stage.server.respond(way)
    const error = await stage.failure()
    expect(error.code).toBe(code)
    expect(error.message).toMatch(message)
    expect(stage.server.questions).toHaveLength(1)
  })

  test('a model it does not have, with those it has', async () => {
    stage.server.respond(refusing(404))
    await using longtake = await load(stage.idOf('other'), { remote: { key: KEY } })
    await expect(ask(longtake)).rejects.toThrow(/has no model other\. It has: some\/model\.$/)
  })

  test('asked again while it is busy, and answered', async () => {
    stage.server.respond(
      refusing(429, {}, { 'retry-after': '0' }),
      refusing(503, {}, { 'retry-after': new Date(0).toUTCString() }),
      answering('at last'),
    )
    await using longtake = await stage.open()
    expect((await ask(longtake)).text).toBe('at last')
    expect(stage.server.questions).toHaveLength(3)
  })

  test('asked otherwise where the model wants its options otherwise, and from then on so', async () => {
    stage.server.respond(
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
    await using longtake = await stage.open()
    await using video = await longtake.watchFrames(greys(1))
    const { text, notes } = await video.ask('a', { maxTokens: 7 })
    expect(text).toBe('yes')
    expect(notes.join(' ')).toContain('does not let its temperature be chosen')
    await video.ask('b')
    expect(stage.server.questions).toHaveLength(4)
    for (const { body } of stage.server.questions.slice(2)) {
      expect(body).not.toHaveProperty('max_tokens')
      expect(body).not.toHaveProperty('temperature')
    }
    expect(stage.server.questions[2]?.body.max_completion_tokens).toBe(7)
  })

  test('a temperature that was asked for is not left out', async () => {
    stage.server.respond(
      refusing(400, { code: 'unsupported_value', param: 'temperature', message: 'Only 1.' }),
    )
    await using longtake = await stage.open()
    await using video = await longtake.watchFrames(greys(1))
    await expect(video.ask('a', { temperature: 0.3 })).rejects.toThrow(/answered 400. It says: Only 1\./)
    expect(stage.server.questions).toHaveLength(1)
  })

  test('given up while it stays busy', async () => {
    stage.server.respond(refusing(503, { message: 'loading' }, { 'retry-after': '0' }))
    expect((await stage.failure()).message).toMatch(/too busy \(503\).*loading/)
    expect(stage.server.questions).toHaveLength(4)
  })

  test('waiting for a busy server can be cancelled', async () => {
    stage.server.respond(refusing(429, {}, { 'retry-after': '50' }))
    await using longtake = await stage.open()
    await using video = await longtake.watchFrames(greys(1))
    const answer = video.ask('a')
    await vi.waitUntil(() => stage.server.questions.length === 1)
    answer.cancel()
    await expect(answer).rejects.toMatchObject({ code: 'CANCELLED' })
  })

  test('the key alone may not list models', async () => {
    stage.server.respondModels(refusing(403))
    await using longtake = await stage.open()
    expect((await ask(longtake)).text).toBe('a red square')
  })

  test('a key that is refused is told before anything is decoded', async () => {
    stage.server.respondModels(refusing(401))
    await using longtake = await stage.open()
    await expect(longtake.watchFrames(greys(1))).rejects.toThrow(/LONGTAKE_REMOTE_KEY/)
    expect(stage.server.questions).toHaveLength(0)
  })
})

describe('servers that redirect', () => {
  const to =
    (location: string, status = 307): Respond =>
    (response) =>
      void response.writeHead(status, { location }).end()

  test('to another origin: neither pictures nor key go there', async () => {
    await using other = await startOpenAi()
    stage.server.respond(to(`${other.url}/chat/completions`))
    const error = await stage.failure()
    expect(error).toMatchObject({ code: 'ENGINE_UNAVAILABLE' })
    expect(error.message).toContain(`redirects to ${new URL(other.url).origin} (307), which is not followed`)
    expect(other.all).toHaveLength(0)
  })

  test('the list of models to another origin', async () => {
    await using other = await startOpenAi()
    stage.server.respondModels(to(`${other.url}/models`, 302))
    await stage.failure()
    expect(other.all).toHaveLength(0)
  })

  test('within their origin', async () => {
    stage.server.respond(to('/v1/elsewhere', 308), answering('here'))
    await using longtake = await stage.open()
    expect((await ask(longtake)).text).toBe('here')
    expect(stage.server.questions.map(({ path }) => path)).toEqual(['/v1/chat/completions', '/v1/elsewhere'])
    expect(stage.contentOf(1)).toEqual(stage.contentOf(0))
  })

  test.each([
    ['in a circle', to('/v1/chat/completions'), /redirects more than 3 times/],
    ['as if it were a form', to('/v1/other', 303), /redirects to \/v1\/other \(303\)/],
    ['nowhere', to('http://'), /redirects to nowhere/],
  ])('%s', async (_, way, message) => {
    stage.server.respond(way)
    expect((await stage.failure()).message).toMatch(message)
  })
})
