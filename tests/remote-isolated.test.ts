import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type OpenAiServer, refusing, startOpenAi } from '../packages/runtime/test/openai-server.js'
import { useIsolated } from './support/isolated.js'
import { isolatedProcesses } from './support/processes.js'
import { demoFile, TINY } from './support/tiny-model.js'

const isolated = useIsolated()

let server: OpenAiServer
beforeEach(async () => {
  server = await startOpenAi()
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await server[Symbol.asyncDispose]()
})
afterAll(async () => {
  expect(await isolatedProcesses()).toEqual([])
})

const id = () => `openai:${server.url}#some/model`

test('a model behind an API is asked from a process of its own, with the key of this one', async () => {
  vi.stubEnv('LONGTAKE_REMOTE_KEY', 'from-outside')
  await using longtake = await isolated.open({ threads: undefined, remote: { sendFrames: 3 } }, id())
  expect(longtake.backend.name).toBe('remote')
  expect(longtake.weights).toBeUndefined()
  expect(longtake.spec.remote).toEqual({ sendFrames: 3 })
  expect(await longtake.plan(demoFile('0000.mp4'))).toMatchObject({ frames: 3, sent: 3 })
  await using video = await longtake.watch(demoFile('0000.mp4'))
  const answer = video.ask('What is it?')
  const pieces: string[] = []
  for await (const piece of answer) pieces.push(piece)
  expect(pieces.join('')).toBe('a red square')
  expect((await answer).usage.promptTokens).toBe(900)
  expect(server.questions[0]?.authorization).toBe('Bearer from-outside')
  expect((await video.storyboard()).length).toBeGreaterThan(100)
  server.respond(refusing(401))
  await expect(video.ask('What is it?')).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' })
})

test('with a guide in that process', async () => {
  const remote = { sendFrames: 2, guide: TINY, key: 'given' }
  await using longtake = await isolated.open({ remote }, id())
  await using video = await longtake.watch(demoFile('0000.mp4'))
  const { frames } = await video.ask('What caption is on the cyan circle?')
  expect(frames.filter(({ weight }) => weight > 0)).toHaveLength(2)
  expect(frames.every(({ relevance }) => relevance !== undefined)).toBe(true)
  expect(server.questions[0]?.authorization).toBe('Bearer given')
})

test.each([
  ['threads', { threads: 2 }],
  ['cache', { threads: undefined, cache: true }],
  ['builds', { threads: undefined, builds: true }],
  ['remote.sendFrames', { threads: undefined, remote: { sendFrames: 0 } }],
])('%s is refused', async (option, options) => {
  await expect(isolated.open(options, id())).rejects.toMatchObject({ code: 'INVALID_OPTION', option })
})

test('remote options of a model of this machine are refused', async () => {
  await expect(isolated.open({ remote: {} })).rejects.toMatchObject({ option: 'remote' })
})
