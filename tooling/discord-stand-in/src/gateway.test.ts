import { inflateSync } from 'node:zlib'
import { Events, GatewayIntentBits } from 'discord.js'
import { expect, test } from 'vitest'
import type { Discord } from './index.js'
import { connectBot, createBot } from './testing/bots.js'
import { startClub } from './testing/club.js'
import { RawGateway } from './testing/raw.js'

test('a bot of discord.js logs in and knows guilds, channels and itself', async () => {
  const discord = await startClub()
  const bot = await connectBot(discord)
  expect(bot.user.id).toBe(discord.applicationId)
  expect(bot.guilds.cache.map(({ name }) => name)).toEqual(['club'])
  expect(bot.channels.cache.get(discord.channel('talks').id)).toBeDefined()
  expect(discord.counts).toMatchObject({ connections: 1, identified: 1, resumed: 0 })
})

test('a bot that loses its connection resumes and hears what it missed, once and in order', async () => {
  const discord = await startClub()
  const bot = await connectBot(discord)
  const heard: string[] = []
  bot.on(Events.MessageCreate, ({ content }) => heard.push(content))
  discord.user('ada').send('talks', 'before')
  await discord.until(() => heard.length === 1)
  discord.gateway.drop()
  for (const content of ['one', 'two', 'three']) discord.user('ada').send('talks', content)
  await discord.until(() => heard.length === 4)
  expect(heard).toEqual(['before', 'one', 'two', 'three'])
  expect(discord.counts).toMatchObject({ identified: 1, resumed: 1, replayedEvents: 3 })
})

test.each([
  ['opcode 7', (discord: Discord) => discord.gateway.reconnect()],
  ['close code 4000', (discord: Discord) => discord.gateway.close(4000)],
  ['close code 1001', (discord: Discord) => discord.gateway.close(1001)],
  ['a resumable invalid session', (discord: Discord) => discord.gateway.invalidate(true)],
])('%s makes discord.js resume', async (_, trouble) => {
  const discord = await startClub()
  await connectBot(discord)
  trouble(discord)
  await discord.until(() => discord.counts.resumed === 1 && discord.gateway.ready)
  expect(discord.counts.identified).toBe(1)
})

test('an invalid session makes discord.js identify anew, without what it missed', async () => {
  const discord = await startClub()
  const bot = await connectBot(discord)
  const heard: string[] = []
  bot.on(Events.MessageCreate, ({ content }) => heard.push(content))
  discord.gateway.invalidate(false)
  discord.user('ada').send('talks', 'missed')
  await discord.until(() => discord.counts.identified === 2)
  await discord.ready()
  discord.user('ada').send('talks', 'heard')
  await discord.until(() => heard.length > 0)
  expect(heard).toEqual(['heard'])
})

test('a session that was forgotten cannot be resumed', async () => {
  const discord = await startClub()
  await connectBot(discord)
  discord.gateway.forgetSessions()
  discord.gateway.drop()
  await discord.until(() => discord.counts.identified === 2)
  expect(discord.counts.resumed).toBe(0)
})

test('a zombie connection is given up by discord.js for want of an ack', async () => {
  const discord = await startClub({ heartbeatIntervalMs: 150 })
  const bot = await connectBot(discord)
  const heard: string[] = []
  bot.on(Events.MessageCreate, ({ content }) => heard.push(content))
  discord.gateway.zombify()
  discord.user('ada').send('talks', 'said to a zombie')
  await discord.until(() => heard.length === 1)
  expect(discord.counts).toMatchObject({ identified: 1, resumed: 1 })
})

test('a heartbeat is acknowledged, and sent at once when asked for', async () => {
  const discord = await startClub()
  const raw = await new RawGateway(discord).open()
  raw.send(1, null)
  await discord.until(() => raw.frames.some(({ op }) => op === 11))
  raw.identify(discord)
  await discord.ready()
  discord.gateway.requestHeartbeat()
  await discord.until(() => raw.frames.some(({ op }) => op === 1))
  raw.close()
})

test('privileged intents that the portal has not switched on are told plainly', async () => {
  const discord = await startClub({ privilegedIntents: [] })
  const bot = createBot(discord)
  await expect(bot.login(discord.token)).rejects.toThrow(/disallowed intents/i)
})

test('a wrong token is refused', async () => {
  const discord = await startClub()
  const bot = createBot(discord)
  await expect(bot.login('wrong.token.entirely')).rejects.toThrow(/invalid token/i)
})

/** https://docs.discord.com/developers/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes */
test.each<[number, string, (raw: RawGateway, discord: Discord) => unknown]>([
  [4001, 'an unknown opcode', (raw, discord) => raw.identify(discord).send(77, {})],
  [4002, 'a frame that is no JSON', (raw) => raw.sendText('{')],
  [4002, 'a frame beyond 4096 bytes', (raw) => raw.send(2, { token: 'x'.repeat(4096) })],
  [4003, 'a command before identifying', (raw) => raw.send(3, {})],
  [4004, 'a wrong token', (raw, discord) => raw.identify(discord, { token: 'wrong' })],
  [4004, 'a wrong token on resuming', (raw) => raw.send(6, { token: 'wrong', session_id: 'a', seq: 1 })],
  [4005, 'a second identify', (raw, discord) => raw.identify(discord).identify(discord)],
  [4010, 'a shard beyond the count', (raw, discord) => raw.identify(discord, { shard: [2, 2] })],
  [4013, 'intents that do not exist', (raw, discord) => raw.identify(discord, { intents: 1 << 30 })],
  [
    4014,
    'intents that are off',
    (raw, discord) => raw.identify(discord, { intents: GatewayIntentBits.MessageContent }),
  ],
])('close code %i for %s', async (code, _, act) => {
  const discord = await startClub({ privilegedIntents: [] })
  const raw = await new RawGateway(discord).open()
  act(raw, discord)
  expect((await raw.closed).code).toBe(code)
})

test('an old version of the gateway is turned away', async () => {
  const discord = await startClub()
  const raw = await new RawGateway(discord, 'v=6&encoding=json').open()
  expect((await raw.closed).code).toBe(4012)
})

test('more than 120 frames a minute close the connection', async () => {
  const discord = await startClub()
  const raw = await new RawGateway(discord).open()
  for (let beat = 0; beat < 120; beat += 1) raw.send(1, null)
  await discord.until(() => raw.frames.filter(({ op }) => op === 11).length === 120)
  raw.send(1, null)
  expect((await raw.closed).code).toBe(4008)
})

test('identifying twice within five seconds gives an invalid session', async () => {
  const discord = await startClub({ identifyIntervalMs: 5000 })
  const first = await new RawGateway(discord).open()
  first.identify(discord)
  await discord.ready()
  const second = await new RawGateway(discord).open()
  second.identify(discord)
  await discord.until(() => second.frames.some(({ op, d }) => op === 9 && d === false))
  discord.clock.advance(5000)
  second.identify(discord)
  await discord.until(() => second.frames.some(({ t }) => t === 'READY'))
})

test('a lost session is over after its lifetime, and at once when the client closed it with 1000', async () => {
  const discord = await startClub({ sessionLifetimeMs: 60_000 })
  const resumed = async (leave: (raw: RawGateway) => void) => {
    const raw = await new RawGateway(discord).open()
    raw.identify(discord)
    const ready = await discord.until(() => raw.frames.find(({ t }) => t === 'READY'))
    const { session_id } = ready.d as { session_id: string }
    leave(raw)
    await raw.closed
    const again = await new RawGateway(discord).open()
    again.send(6, { token: discord.token, session_id, seq: 1 })
    const answer = await discord.until(() => again.frames.find(({ op, t }) => op === 9 || t === 'RESUMED'))
    return answer.op === 0
  }
  expect(await resumed((raw) => raw.close(4200))).toBe(true)
  expect(await resumed((raw) => raw.close(1000))).toBe(false)
  const late = resumed((raw) => {
    raw.close(4200)
    void raw.closed.then(() => discord.clock.advance(60_001))
  })
  expect(await late).toBe(false)
})

test('frames come as one zlib stream, or deflated one by one, where the client asks for it', async () => {
  const discord = await startClub()
  const stream = await new RawGateway(discord, 'v=10&encoding=json&compress=zlib-stream').open()
  await discord.until(() => stream.binary[0])
  expect(stream.binary[0]?.subarray(-4)).toEqual(Buffer.from([0, 0, 255, 255]))
  const payloads = await new RawGateway(discord).open()
  payloads.identify(discord, { compress: true })
  const first = await discord.until(() => payloads.binary[0])
  expect(JSON.parse(inflateSync(first).toString())).toMatchObject({ op: 0, t: 'READY', s: 1 })
})

test('without the message content intent texts are empty, but for mentions of the bot and direct messages', async () => {
  const discord = await startClub()
  const { Guilds, GuildMessages, DirectMessages } = GatewayIntentBits
  const bot = await connectBot(discord, { intents: [Guilds, GuildMessages, DirectMessages] })
  const heard: [string, number][] = []
  bot.on(Events.MessageCreate, ({ content, attachments }) => heard.push([content, attachments.size]))
  const ada = discord.user('ada')
  ada.send('talks', 'secret', { attachments: [{ name: 'a.mp4', bytes: new Uint8Array(3) }] })
  ada.send('talks', `<@${discord.applicationId}> hello`)
  ada.send('dm', 'private')
  await discord.until(() => heard.length === 3)
  expect(heard).toEqual([
    ['', 0],
    [`<@${discord.applicationId}> hello`, 0],
    ['private', 0],
  ])
})

test('events go only to sessions whose intents ask for them', async () => {
  const discord = await startClub()
  const bot = await connectBot(discord, { intents: [GatewayIntentBits.Guilds] })
  const heard: string[] = []
  bot.on(Events.MessageCreate, () => heard.push('message'))
  bot.on(Events.ChannelCreate, () => heard.push('channel'))
  discord.user('ada').send('talks', 'unheard')
  discord.world.addChannel('club', { name: 'new' })
  await discord.until(() => heard.length > 0)
  expect(heard).toEqual(['channel'])
})

test('messages of channels that the bot may not see are not told', async () => {
  const discord = await startClub()
  const bot = await connectBot(discord)
  const heard: string[] = []
  bot.on(Events.MessageCreate, ({ content }) => heard.push(content))
  discord.world.setOverwrites('talks', [{ for: 'bot', deny: ['ViewChannel'] }])
  discord.user('ada').send('talks', 'behind doors')
  discord.user('ada').send('news', 'in the open')
  await discord.until(() => heard.length > 0)
  expect(heard).toEqual(['in the open'])
})

test('where connecting is refused as well, discord.js gives its session up and identifies anew', async () => {
  const discord = await startClub()
  await connectBot(discord)
  discord.gateway.drop(1)
  await discord.until(() => discord.counts.identified === 2)
  expect(discord.counts.resumed).toBe(0)
})

test('a bot hears that it was taken out of a guild and added again', async () => {
  const discord = await startClub()
  const bot = await connectBot(discord)
  const heard: string[] = []
  bot.on(Events.GuildDelete, ({ name }) => heard.push(`left ${name}`))
  bot.on(Events.GuildCreate, ({ name }) => heard.push(`joined ${name}`))
  discord.world.removeBot('club')
  await discord.until(() => heard.length === 1)
  discord.world.addBot('club')
  await discord.until(() => heard.length === 2)
  expect(heard).toEqual(['left club', 'joined club'])
})

test('members are looked up through the gateway', async () => {
  const discord = await startClub()
  const bot = await connectBot(discord)
  const found = await bot.guilds.cache.first()?.members.fetch({ user: [discord.user('ada').id] })
  expect(found?.map(({ user }) => user.username)).toEqual(['ada'])
})
