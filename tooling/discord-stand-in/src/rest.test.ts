import type { Client, MessageCreateOptions } from 'discord.js'
import { expect, test } from 'vitest'
import type { Discord } from './index.js'
import { connectBot } from './testing/bots.js'
import { startClub } from './testing/club.js'
import { call } from './testing/raw.js'

test('requests without the token, and routes that are none, are refused', async () => {
  const discord = await startClub()
  const refused = await call(discord, 'GET', '/users/@me', undefined, { authorization: 'Bot wrong' })
  expect(refused).toMatchObject({ status: 401, body: { message: '401: Unauthorized', code: 0 } })
  expect((await call(discord, 'GET', '/nowhere')).body).toEqual({ message: '404: Not Found', code: 0 })
  expect((await call(discord, 'DELETE', '/users/@me')).status).toBe(405)
  expect(discord.counts.invalidRequests).toBe(1)
})

test('a bucket counts down in its headers, refuses what is too much, and starts anew', async () => {
  const discord = await startClub()
  const path = `/channels/${discord.channel('talks').id}/messages`
  const first = await call(discord, 'POST', path, { content: '1' })
  expect(first.headers.get('x-ratelimit-limit')).toBe('5')
  expect(first.headers.get('x-ratelimit-remaining')).toBe('4')
  expect(Number(first.headers.get('x-ratelimit-reset-after'))).toBeGreaterThan(0)
  for (const content of ['2', '3', '4', '5']) await call(discord, 'POST', path, { content })
  const refused = await call(discord, 'POST', path, { content: '6' })
  expect(refused).toMatchObject({
    status: 429,
    body: { global: false, message: 'You are being rate limited.' },
  })
  expect(refused.body.retry_after).toBeGreaterThan(0)
  expect(refused.headers.get('x-ratelimit-scope')).toBe('user')
  expect(refused.headers.get('x-ratelimit-bucket')).toBe(first.headers.get('x-ratelimit-bucket'))
  const elsewhere = `/channels/${discord.channel('news').id}/messages`
  expect((await call(discord, 'POST', elsewhere, { content: 'other channel' })).status).toBe(200)
  discord.clock.advance(5000)
  expect((await call(discord, 'POST', path, { content: '6' })).status).toBe(200)
  expect(discord.counts).toMatchObject({ selfInflictedRateLimits: 1, injectedRateLimits: 0 })
})

test('more than 50 requests a second are refused globally, but not answers to interactions', async () => {
  const discord = await startClub()
  const ids = Array.from({ length: 150 }, (_, index) => String(10n ** 17n + BigInt(index)))
  const answers = await Promise.all(ids.map((id) => call(discord, 'GET', `/channels/${id}`)))
  const limited = answers.filter(({ status }) => status === 429)
  expect(limited.length).toBeGreaterThan(0)
  expect(limited[0]?.body.global).toBe(true)
  expect(limited[0]?.headers.get('x-ratelimit-global')).toBe('true')
  expect((await call(discord, 'POST', '/interactions/1/x/callback', { type: 5 })).body.code).toBe(10062)
})

test('discord.js keeps within the limits by itself', async () => {
  const discord = await startClub()
  const bot = await connectBot(discord)
  const channel = await bot.channels.fetch(discord.channel('talks').id)
  if (!channel?.isSendable()) throw new Error('no channel')
  await Promise.all(Array.from({ length: 7 }, (_, index) => channel.send(String(index))))
  expect(discord.user('ada').messages('talks')).toHaveLength(7)
  expect(discord.counts.selfInflictedRateLimits).toBe(0)
})

test('discord.js waits out a 429 that was ordered, and it is counted apart', async () => {
  const discord = await startClub()
  const bot = await connectBot(discord)
  discord.faults.add({
    on: /^POST \/channels/,
    trouble: { kind: 'rate-limit', retryAfterMs: 50, scope: 'shared' },
  })
  await sendTo(bot, discord, 'after all')
  expect(
    discord
      .user('ada')
      .messages('talks')
      .map(({ content }) => content),
  ).toEqual(['after all'])
  expect(discord.counts).toMatchObject({ selfInflictedRateLimits: 0, injectedRateLimits: 1 })
})

test('discord.js tries again after a 5xx; one that came after its effect doubles a message without nonce', async () => {
  const discord = await startClub()
  const bot = await connectBot(discord)
  discord.faults.add({ on: /^POST \/channels/, trouble: { kind: 'status', status: 502 }, times: 2 })
  await sendTo(bot, discord, 'third time')
  expect(discord.messages()).toHaveLength(1)
  discord.faults.add({ on: /^POST \/channels/, trouble: { kind: 'status', status: 503 }, afterEffect: true })
  await sendTo(bot, discord, 'twice')
  expect(discord.messages().filter(({ content }) => content === 'twice')).toHaveLength(2)
  discord.faults.add({ on: /^POST \/channels/, trouble: { kind: 'status', status: 503 }, afterEffect: true })
  await sendTo(bot, discord, { content: 'once', nonce: 'n1', enforceNonce: true })
  expect(discord.messages().filter(({ content }) => content === 'once')).toHaveLength(1)
  expect(discord.faults.dealt.status).toBe(4)
})

test('slow and dropped requests', async () => {
  const discord = await startClub()
  const path = `/channels/${discord.channel('talks').id}/messages`
  discord.faults.add({ trouble: { kind: 'slow', delayMs: 80 }, afterEffect: true })
  const beganAtMs = Date.now()
  const slow = call(discord, 'POST', path, { content: 'slow' })
  await discord.until(() => discord.messages().length === 1)
  await slow
  expect(Date.now() - beganAtMs).toBeGreaterThanOrEqual(79)
  discord.faults.add({ trouble: { kind: 'drop' } })
  await expect(call(discord, 'POST', path, { content: 'lost' })).rejects.toThrow()
  discord.faults.add({ trouble: { kind: 'drop' }, afterEffect: true })
  await expect(call(discord, 'POST', path, { content: 'kept' })).rejects.toThrow()
  expect(discord.messages().map(({ content }) => content)).toEqual(['slow', 'kept'])
  expect(discord.counts.injectedFaults).toBe(2)
})

test('a chance below one deals the same faults for the same seed', async () => {
  const dealt = async (seed: number) => {
    const discord = await startClub({ seed })
    discord.faults.add({ trouble: { kind: 'status', status: 500 }, chance: 0.3, times: 100 })
    const statuses: number[] = []
    for (let round = 0; round < 20; round += 1) statuses.push((await call(discord, 'GET', '/gateway')).status)
    return statuses
  }
  const first = await dealt(7)
  expect(await dealt(7)).toEqual(first)
  expect(new Set(first)).toEqual(new Set([200, 500]))
})

test('broken JSON, other types and files beyond 10 MiB are refused', async () => {
  const discord = await startClub()
  const path = `/channels/${discord.channel('talks').id}/messages`
  const raw = (body: string, type: string) =>
    fetch(`${discord.rest.api}/v10${path}`, {
      method: 'POST',
      body,
      headers: { authorization: `Bot ${discord.token}`, 'content-type': type },
    })
  expect(await (await raw('{', 'application/json')).json()).toMatchObject({ code: 50109 })
  expect((await raw('content=hi', 'application/x-www-form-urlencoded')).status).toBe(400)
  expect((await raw('nonsense', 'multipart/form-data; boundary=x')).status).toBe(400)
  const form = new FormData()
  form.set('payload_json', '{}')
  form.set('files[0]', new Blob([new Uint8Array(10 * 1024 * 1024 + 1)]), 'large.mp4')
  expect(await call(discord, 'POST', path, form)).toMatchObject({ status: 413, body: { code: 40005 } })
})

test('closing leaves nothing open', async () => {
  const sockets = () => process.getActiveResourcesInfo().filter((one) => /^TCP/.test(one)).length
  const before = sockets()
  const discord = await startClub()
  const bot = await connectBot(discord)
  await call(discord, 'GET', '/gateway')
  const slow = { kind: 'slow', delayMs: 60_000 } as const
  discord.faults.add({ trouble: slow })
  const waiting = call(discord, 'GET', '/gateway').catch(() => 'ended')
  await discord.until(() => discord.faults.dealt.slow === 1)
  expect(sockets()).toBeGreaterThan(before)
  await bot.destroy()
  await discord.close()
  expect(await waiting).toBe('ended')
  await discord.until(() => sockets() <= before)
})

async function sendTo(bot: Client, discord: Discord, message: string | MessageCreateOptions): Promise<void> {
  const channel = await bot.channels.fetch(discord.channel('talks').id)
  if (channel?.isSendable()) await channel.send(message)
}
