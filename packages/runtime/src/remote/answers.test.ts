import { describe, expect, test } from 'vitest'
import { answering, DONE, event, piece, type Respond, startStream, USAGE } from '../../test/openai-server.js'
import { ask, DEMO, greys, KEY, Stage } from './testing/stage.js'

const stage = Stage.use()

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
    stage.server.respond(way)
    const error = await stage.failure({ timeoutSeconds: 0.4 })
    expect(error.code).toBe(code)
    expect(error.message).toMatch(message)
  })

  test('slow ones are waited for while they live', async () => {
    stage.server.respond(async (response) => {
      startStream(response)
      for (let beat = 0; beat < 8; beat++) {
        response.write(': still here\n\n')
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
      response.end(piece('done', 'stop') + DONE)
    })
    await using longtake = await stage.open({ timeoutSeconds: 0.5 })
    expect((await ask(longtake)).text).toBe('done')
  })

  test('events in pieces of bytes, with any line ends and characters', async () => {
    stage.server.respond(async (response) => {
      startStream(response)
      const text = `: hello\r\n\r\ndata: {"choices":[{"delta":{"content":"grün 🎬 "}}]}\r\n\r\nevent: x\ndata:{"choices":[{"delta":{"content":"ok"},"finish_reason":"length"}]}\n\n${USAGE}${DONE}`
      for (const byte of Buffer.from(text)) {
        response.write(Buffer.of(byte))
        await new Promise((resolve) => setImmediate(resolve))
      }
      response.end()
    })
    await using longtake = await stage.open()
    expect(await ask(longtake)).toMatchObject({ text: 'grün 🎬 ok', finishReason: 'length' })
  })

  test('what follows the end is not read', async () => {
    stage.server.respond((response) => {
      startStream(response)
      response.write(piece('yes', 'stop') + DONE + piece(' and no'))
    })
    await using longtake = await stage.open()
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
    stage.server.respond(streaming(...odd, piece('some'), piece('', 'content_filter'), DONE))
    await using longtake = await stage.open()
    const result = await ask(longtake)
    expect(result).toMatchObject({
      text: 'some',
      usage: { promptTokens: 0, completionTokens: 0, visualTokens: 0 },
    })
    expect(result.notes.join(' ')).toMatch(/did not say how many tokens.*content_filter/)
  })

  test('thoughts without an answer', async () => {
    stage.server.respond(
      streaming(event({ choices: [{ delta: { reasoning_content: 'hm' }, finish_reason: 'length' }] }), DONE),
    )
    await using longtake = await stage.open()
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
    stage.server.respond(endless, answering('yes'))
    await using longtake = await stage.open()
    await using video = await longtake.watchFrames(greys(1))
    const stop = new AbortController()
    const answer = video.ask('a', { signal: stop.signal })
    for await (const _ of answer) break
    await expect(answer).rejects.toMatchObject({ code: 'CANCELLED' })
    await stage.server.left
    expect((await video.ask('b')).text).toBe('yes')
  })

  test('closing the model ends its answers', async () => {
    stage.server.respond(endless)
    const longtake = await stage.open()
    const video = await longtake.watchFrames(greys(1))
    const answer = video.ask('a')
    await answer[Symbol.asyncIterator]().next()
    await longtake.close()
    await expect(answer).rejects.toMatchObject({ code: 'ENGINE_CLOSED' })
    await stage.server.left
  })

  test('watching', async () => {
    await using longtake = await stage.open()
    const stop = new AbortController()
    const watching = longtake.watch(DEMO, {
      signal: stop.signal,
      onProgress: ({ stage, done }) => stage === 'decode' && done === 2 && stop.abort(),
    })
    await expect(watching).rejects.toMatchObject({ code: 'CANCELLED' })
  })
})
