import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Discord, startDiscord } from '@longtake/discord-stand-in'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCli } from '../test/run-cli.js'
import { ExitCode } from './exit-code.js'

let discord: Discord
let folder: string
let env: Readonly<Record<string, string>>

beforeAll(async () => {
  discord = await startDiscord({
    users: [{ name: 'ada' }],
    guilds: [{ name: 'club', channels: [{ name: 'talks' }], everyone: ['ViewChannel', 'SendMessages'] }],
    identifyIntervalMs: 0,
  })
  folder = await mkdtemp(join(tmpdir(), 'longtake-cli-bot-'))
  env = {
    LONGTAKE_DISCORD_TOKEN: discord.token,
    LONGTAKE_DISCORD_API: discord.rest.api,
    LONGTAKE_STATE: folder,
    LONGTAKE_HEALTH_PORT: '0',
    LONGTAKE_LOG: 'silent',
    // Processes are started from what was built, tests run the sources.
    LONGTAKE_ISOLATE: '0',
  }
})

afterAll(async () => {
  await discord.close()
  await rm(folder, { recursive: true, force: true })
})

test('commands are registered, and found registered the second time', async () => {
  const first = await runCli(['bot', 'register'], { env })
  expect(first).toMatchObject({ code: ExitCode.answered, stdout: 'Longtake: the commands are registered.\n' })
  expect((await runCli(['bot', 'register'], { env })).stdout).toContain('were registered already')
  expect(discord.commands()).toHaveLength(6)
})

test('the addresses that add the bot are printed', async () => {
  const { stdout } = await runCli(['bot', 'invite'], { env })
  expect(stdout).toContain(`client_id=${discord.applicationId}&integration_type=0`)
  expect(stdout.trim().split('\n')).toHaveLength(2)
})

test('one command answers in Discord until it is interrupted, and tells what is missing', async () => {
  const interrupt = new AbortController()
  const { code, stderr } = await runCli(['bot'], {
    env,
    signal: interrupt.signal,
    async onWrite(_, text) {
      if (text.includes('is in Discord')) interrupt.abort()
    },
  })
  expect(code).toBe(ExitCode.answered)
  expect(stderr).toContain('Longtake is in Discord, in 1 server.')
  expect(stderr).toContain('In club these permissions are missing: Attach Files, Read Message History.')
})

test('mistakes are matters of usage, in words', async () => {
  const none = await runCli(['bot'], { env: {} })
  expect(none).toMatchObject({ code: ExitCode.usage, stderr: expect.stringContaining('developer portal') })
  const wrong = await runCli(['bot', 'invite'], { env: { ...env, LONGTAKE_DISCORD_TOKEN: 'a.b.c' } })
  expect(wrong).toMatchObject({ code: ExitCode.usage, stderr: expect.stringContaining('Reset Token') })
})

test('SIGTERM ends it also while its connection to Discord is made anew', async () => {
  const program = fileURLToPath(new URL('../bin/longtake.js', import.meta.url))
  const child = spawn(process.execPath, [program, 'bot'], { env: { ...process.env, ...env } })
  try {
    const ended = once(child, 'exit')
    await new Promise<void>((resolve) => {
      child.stderr.on('data', (text) => String(text).includes('is in Discord') && resolve())
      child.on('exit', () => resolve())
    })
    discord.gateway.reconnect()
    child.kill('SIGTERM')
    expect(await ended).toEqual([0, null])
  } finally {
    child.kill('SIGKILL')
  }
})
