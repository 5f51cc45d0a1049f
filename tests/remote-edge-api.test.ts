import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { call, KEYS, startApi } from '../apps/edge-api/test/api.js'
import { type Longtake, load, type RemoteOptions } from '../packages/runtime/src/index.js'
import { openVideo } from '../packages/runtime/src/video/index.js'
import { answering, startOpenAi } from '../packages/runtime/test/openai-server.js'
import { demoFile } from './support/tiny-model.js'

let server: Awaited<ReturnType<typeof startApi>>
beforeAll(async () => {
  server = await startApi()
})
afterAll(() => server?.close())

const open = (remote: RemoteOptions = {}, model = '@longtake/tiny'): Promise<Longtake> =>
  load(`openai:${server.url}/v1#${model}`, { remote: { key: KEYS.ann, ...remote } })

/** The picture in the middle of a shot, a second each. */
async function shot(at: number) {
  await using video = await openVideo(demoFile('0000.mp4'))
  for await (const { rgb, width, height } of video.frames([video.facts.startSeconds + at + 0.5], 'exact'))
    return { rgb: rgb.slice(), width, height }
  throw new Error('no picture')
}

test('our own API answers about pictures that are sent to it', async () => {
  await using longtake = await open()
  // A purple ring with the number 8, and an orange star with the number 7.
  await using video = await longtake.watchFrames([await shot(4), await shot(6)], { stills: true })
  const result = await video.ask('The purple ring has which number?', { maxTokens: 4 })
  expect(result.text).toMatch(/8/)
  expect(result.usage.promptTokens).toBeGreaterThan(0)
  expect((await video.ask('The orange star has which number?', { maxTokens: 4 })).text).toMatch(/7/)
})

test('its refusals are understood', async () => {
  await using unknown = await open({}, 'no/model')
  await using video = await unknown.watchFrames([await shot(0)])
  await expect(video.ask('What is it?')).rejects.toThrow(/has no model no\/model\. It has: @longtake\/tiny/)
  await using stranger = await open({ key: 'lt-wrong' })
  await expect(stranger.watchFrames([await shot(0)])).rejects.toThrow(/LONGTAKE_REMOTE_KEY/)
})

test('it serves models behind other APIs, with a guide of its own', async () => {
  await using other = await startOpenAi()
  other.respond(answering('a cyan circle'))
  const model = `openai:${other.url}#some/model`
  const api = await startApi({
    LONGTAKE_MODELS: `@longtake/tiny,${model}`,
    LONGTAKE_REMOTE_KEY: 'of-the-server',
    LONGTAKE_REMOTE_GUIDE: '@longtake/tiny',
    LONGTAKE_REMOTE_FRAMES: '3',
  })
  try {
    const url = `data:video/mp4;base64,${(await readFile(demoFile('0000.mp4'))).toString('base64')}`
    const content = [
      { type: 'video_url', video_url: { url } },
      { type: 'text', text: 'What caption is on the cyan circle?' },
    ]
    const body = { model, messages: [{ role: 'user', content }], longtake: { token_budget: 10_000 } }
    const response = await call(`${api.url}/v1/chat/completions`, { body })
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({
      model,
      choices: [{ message: { content: 'a cyan circle' } }],
      usage: { prompt_tokens: 900, completion_tokens: 3 },
    })
    const [asked] = other.questions
    expect(asked?.authorization).toBe('Bearer of-the-server')
    const parts = asked?.body.messages?.[0]?.content ?? []
    expect(parts.filter(({ type }) => type === 'image_url')).toHaveLength(3)
    // The shot that the question is about.
    expect(parts.map(({ text }) => text)).toContain('[0:26.5]')
    const planned = await call(`${api.url}/v1/plan`, {
      body: { model, video: { duration: 60, width: 640, height: 360, fps: 25 } },
    })
    expect(await planned.json()).toMatchObject({ plan: { frames: 60, sent: 3, kvCache: { bytes: 0 } } })
  } finally {
    await api.close()
  }
})
