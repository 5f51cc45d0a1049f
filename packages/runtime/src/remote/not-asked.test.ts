import { describe, expect, test } from 'vitest'
import { type LoadOptions, load, type RemoteOptions } from '../index.js'
import { ask, DEMO, greys, KEY, Stage } from './testing/stage.js'

const stage = Stage.use()

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
    const error = await load(stage.idOf(), options).catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code: 'INVALID_OPTION', option })
    expect(String(error)).not.toContain(KEY)
  })

  test('remote options of a model of this machine', async () => {
    await expect(load('@longtake/tiny', { remote: {} })).rejects.toMatchObject({ option: 'remote' })
  })

  test('a trace', async () => {
    await using longtake = await stage.open()
    await using video = await longtake.watchFrames(greys(1))
    await expect(video.ask('a', { trace: true })).rejects.toMatchObject({ option: 'trace' })
    expect(stage.server.questions).toHaveLength(0)
  })

  test('http: through the internet', async () => {
    // A documentation address: nothing is sent there.
    await using longtake = await load('openai:http://203.0.113.7/v1#model', { remote: { key: KEY } })
    await expect(ask(longtake)).rejects.toMatchObject({ code: 'INVALID_OPTION', option: 'id' })
  })

  test('a model that was closed, and its videos', async () => {
    const longtake = await stage.open()
    const video = await longtake.watchFrames(greys(1))
    await longtake.close()
    await expect(video.ask('a')).rejects.toMatchObject({ code: 'ENGINE_CLOSED' })
    await expect(longtake.watchFrames(greys(1))).rejects.toMatchObject({ code: 'ENGINE_CLOSED' })
  })
})

describe('servers that are not there', () => {
  test('nothing listens', async () => {
    const url = stage.server.url
    await stage.server[Symbol.asyncDispose]()
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
    await using longtake = await load(stage.idOf().replace('http:', 'https:'))
    await expect(ask(longtake)).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      message: expect.stringContaining('does not speak TLS'),
    })
  })
})
