import { expect, test } from 'vitest'
import { runCli } from '../test/run-cli.js'
import { ExitCode } from './exit-code.js'

test('a new key is printed with what the server is told of it, and nothing is started', async () => {
  const { code, stdout } = await runCli(['serve', '--new-key', 'ann'])
  expect(code).toBe(ExitCode.answered)
  expect(stdout).toMatch(/^key {4}lt-[\w-]{43}\nentry {2}ann:[0-9a-f]{64}\n$/)
  const other = await runCli(['serve', '--new-key', 'ann'])
  expect(other.stdout).not.toBe(stdout)
  expect((await runCli(['serve', '--new-key', 'a b'])).code).toBe(ExitCode.usage)
})

test('one command serves this machine until it is interrupted, and says that there are no keys', async () => {
  const interrupt = new AbortController()
  const statuses: number[] = []
  const env = { LONGTAKE_LOG: 'silent' }
  const { code, stderr } = await runCli(['serve', '--port', '0'], {
    env,
    signal: interrupt.signal,
    async onWrite(_, text) {
      const url = /answers at (http:\/\/127\.0\.0\.1:\d+\/v1)/.exec(text)?.[1]
      if (url === undefined) return
      statuses.push((await fetch(`${url}/models`)).status)
      interrupt.abort()
    },
  })
  expect(statuses).toEqual([200])
  expect(stderr).toContain('There are no keys')
  expect(code).toBe(ExitCode.answered)
})

test('mistakes are matters of usage, and others than loopback need keys', async () => {
  const everywhere = await runCli(['serve', '--host', '0.0.0.0'])
  expect(everywhere).toMatchObject({ code: ExitCode.usage, stderr: expect.stringContaining('LONGTAKE_KEYS') })
  const env = { LONGTAKE_QUEUE: 'many', LONGTAKE_LOG: 'loud' }
  const { code, stderr } = await runCli(['serve', '--port', '99999'], { env })
  expect(code).toBe(ExitCode.usage)
  for (const name of ['LONGTAKE_PORT', 'LONGTAKE_QUEUE', 'LONGTAKE_LOG']) expect(stderr).toContain(name)
})
