import { afterAll, beforeAll, expect, test } from 'vitest'
import { KEYS, startApi } from '../apps/edge-api/test/api.js'
import { type Longtake, load, type RemoteOptions } from '../packages/runtime/src/index.js'
import { openVideo } from '../packages/runtime/src/video/index.js'
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
