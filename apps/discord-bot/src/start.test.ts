import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startDiscord } from '@longtake/discord-stand-in'
import { expect, test } from 'vitest'
import { CLUB, environment, setUp } from '../test/bot.js'
import { scriptedEngine } from '../test/engine.js'
import { invite, register, startBot } from './index.js'

test('every mistake of the configuration is told at once, and the token is not', async () => {
  const env = {
    LONGTAKE_DISCORD_TOKEN: 'secret',
    LONGTAKE_QUEUE: 'many',
    LONGTAKE_ENGINE_URL: 'ftp://x',
    LONGTAKE_LOG: 'loud',
  }
  const failure = await startBot(env).catch(String)
  for (const name of Object.keys(env)) expect(failure).toContain(name)
  expect(failure).not.toContain('secret')
  await expect(startBot({})).rejects.toThrow('developer portal')
})

test('a token that Discord does not know, an intent that is off, a Discord that is away: each told plainly', async () => {
  const discord = await startDiscord({ ...CLUB, privilegedIntents: [] })
  const folder = await mkdtemp(join(tmpdir(), 'longtake-bot-'))
  const options = { engine: scriptedEngine() }
  try {
    const env = environment(discord, folder)
    const wrong = { ...env, LONGTAKE_DISCORD_TOKEN: 'a.b.c' }
    await expect(startBot(wrong, options)).rejects.toThrow(/LONGTAKE_DISCORD_TOKEN.*Reset Token/)
    await expect(startBot(env, options)).rejects.toThrow(/Message Content Intent.*developer portal/)
    const away = { ...env, LONGTAKE_DISCORD_API: 'http://127.0.0.1:1/api' }
    await expect(startBot(away, options)).rejects.toMatchObject({ code: 'LINK_UNREACHABLE' })
    const bot = await startBot({ ...env, LONGTAKE_DISCORD_MESSAGE_CONTENT: '0' }, options)
    await bot.close()
  } finally {
    await discord.close()
    await rm(folder, { recursive: true, force: true })
  }
})

test('commands are registered once, also by hand, and invite links ask for what is needed', async () => {
  const engine = scriptedEngine()
  await using stage = await setUp({ engine })
  const { discord, folder } = stage
  const puts = () =>
    discord.requests.filter(({ method, path }) => method === 'PUT' && /commands$/.test(path)).length
  expect(puts()).toBe(1)
  const env = environment(discord, folder)
  expect(await register(env)).toMatchObject({ isChanged: false })
  expect(puts()).toBe(1)
  expect(await register(env, discord.guildId('club'))).toMatchObject({ isChanged: true })
  expect(await register(env, discord.guildId('club'))).toMatchObject({ isChanged: false })
  await expect(register(env, 'club')).rejects.toThrow('id of a server')
  const { server, user } = await invite(env)
  const query = new URL(server).searchParams
  expect(query.get('scope')).toBe('bot applications.commands')
  // View Channel, Send Messages, Attach Files, Read Message History, Send Messages in Threads.
  expect(BigInt(query.get('permissions') ?? 0)).toBe(
    (1n << 10n) | (1n << 11n) | (1n << 15n) | (1n << 16n) | (1n << 38n),
  )
  expect(new URL(user).searchParams.get('integration_type')).toBe('1')
})

test('missing permissions of a server are told at the start; health and metrics answer', async () => {
  const world = {
    ...CLUB,
    guilds: [
      {
        name: 'strict',
        owner: 'mod',
        everyone: ['ViewChannel'] as const,
        botPermissions: ['SendMessages'] as const,
      },
    ],
  }
  await using stage = await setUp({ engine: scriptedEngine() }, {}, world)
  const { bot } = stage
  expect(bot.guilds).toMatchObject([{ name: 'strict', missing: ['Attach Files', 'Read Message History'] }])
  const get = async (path: string) => {
    const response = await fetch(bot.healthUrl + path)
    return { status: response.status, text: await response.text() }
  }
  expect((await get('/healthz')).status).toBe(200)
  expect((await get('/readyz')).status).toBe(200)
  const { text } = await get('/metrics')
  for (const name of ['jobs_queued', 'gateway_ready 1', 'discord_429_total 0'])
    expect(text).toContain(`longtake_bot_${name}`)
  expect((await get('/nothing')).status).toBe(404)
  await bot.close()
  await expect(fetch(`${bot.healthUrl}/healthz`)).rejects.toThrow()
})

test('a token that is reset while the bot runs ends it with the reason', async () => {
  await using stage = await setUp({ engine: scriptedEngine() })
  stage.discord.gateway.close(4004)
  expect(String(await stage.bot.failed)).toContain('LONGTAKE_DISCORD_TOKEN')
})
