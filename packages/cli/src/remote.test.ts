import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answering, type OpenAiServer, refusing, startOpenAi } from '../../runtime/test/openai-server.js'
import { GUIDED, runCli, VIDEO } from '../test/run-cli.js'

const KEY = 'sk-secret-of-the-test'

let server: OpenAiServer
let id = ''
beforeAll(async () => {
  server = await startOpenAi()
  id = `openai:${server.url}#some/model`
})
afterAll(() => server?.[Symbol.asyncDispose]())

const env = { LONGTAKE_REMOTE_KEY: KEY }

describe('a model behind an API', () => {
  test('answers, with the key of the environment', async () => {
    const { code, stdout, stderr } = await runCli(
      ['ask', VIDEO, 'What is first?', '--model', id, '--send-frames', '3'],
      { env },
    )
    expect([code, stdout]).toEqual([0, 'a red square\n'])
    expect(stderr).toMatch(/decode: 3\/3 frames/)
    expect(stderr).toMatch(/sent 3 of 3 frames · 900\+3 tokens/)
    expect(stderr).not.toContain('looked at')
    expect(server.questions.at(-1)?.authorization).toBe(`Bearer ${KEY}`)
    expect(stdout + stderr).not.toContain(KEY)
  })

  test('sends what a guide finds', async () => {
    const flags = ['--guide', GUIDED, '--send-frames', '2', '--frames', '6', '--json']
    const { code, stdout } = await runCli(['ask', VIDEO, 'What is first?', '--model', id, ...flags])
    const { frames, plan } = JSON.parse(stdout)
    expect([code, plan.sent, frames.length]).toEqual([0, 2, 6])
    expect(frames.filter(({ weight }: { weight: number }) => weight > 0)).toHaveLength(2)
  })

  test('is planned for without being asked', async () => {
    const before = server.all.length
    const { code, stdout } = await runCli([
      'plan',
      VIDEO,
      '--model',
      id,
      '--frames',
      '9',
      '--send-frames',
      '4',
    ])
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^send +4 of them with each question, at most 512 pixels a side, about 1024 tokens$/m,
    )
    expect(stdout).toMatch(/^note .*context, RoPE and KV cache are its own/m)
    expect(stdout).not.toMatch(/^(RoPE|KV cache|prefill|memory) /m)
    const json = await runCli(['plan', VIDEO, '--model', id, '--send-frames', '4', '--json'])
    expect(JSON.parse(json.stdout)).toMatchObject({ plan: { frames: 4, sent: 4, kvCache: { bytes: 0 } } })
    expect(server.all).toHaveLength(before)
  })

  test('tells failures in a sentence, and never the key', async () => {
    server.respond(refusing(401, { message: `bad ${KEY}` }))
    const { code, stderr } = await runCli(['ask', VIDEO, 'What?', '--model', id, '--quiet'], { env })
    server.respond(answering('a red square'))
    expect(code).toBe(4)
    expect(stderr).toMatch(/LONGTAKE_REMOTE_KEY/)
    expect(stderr).not.toContain(KEY)
  })

  test.each([
    ['--weights', ['ask', VIDEO, 'What?', '--weights', 'int8']],
    ['--threads', ['ask', VIDEO, 'What?', '--threads', '2']],
    ['cache', ['ask', VIDEO, 'What?', '--cache-size', '1GiB']],
    ['--rope', ['ask', VIDEO, 'What?', '--rope', 'ntk']],
    ['--guide', ['ask', VIDEO, 'What?', '--guide', 'openai:http://localhost/v1#a']],
    ['--model', ['trace', VIDEO, 'What?', '--out', '/tmp/never.html']],
  ])('%s is refused', async (flag, args) => {
    const { code, stderr } = await runCli([...args, '--model', id])
    expect(code).toBe(2)
    expect(stderr).toContain(`${flag}: expected`)
  })
})

test.each([['ask'], ['plan']])('flags of such models are refused with others: %s', async (command) => {
  const question = command === 'ask' ? ['What?'] : []
  const { code, stderr } = await runCli([
    command,
    VIDEO,
    ...question,
    '--model',
    GUIDED,
    '--send-frames',
    '2',
  ])
  expect(code).toBe(2)
  expect(stderr).toContain('--send-frames: expected a model such as openai:')
})
