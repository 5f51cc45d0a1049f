import { AttachmentBuilder, ChannelType, EmbedBuilder, Events } from 'discord.js'
import { encode } from 'fast-png'
import { expect, test } from 'vitest'
import { connectBot } from './testing/bots.js'
import { startClub } from './testing/club.js'
import { call } from './testing/raw.js'

const SECOND_MS = 1000
const DAY_MS = 24 * 60 * 60 * SECOND_MS

test('files come with alt text, size and a signed link that ends after a day', async () => {
  const discord = await startClub()
  const bot = await connectBot(discord)
  const channel = await bot.channels.fetch(discord.channel('talks').id)
  if (!channel?.isSendable()) throw new Error('no channel')
  const bytes = encode({ width: 3, height: 2, data: new Uint8Array(18), channels: 3 })
  await channel.send({
    content: 'frames',
    files: [new AttachmentBuilder(Buffer.from(bytes), { name: 'board.png', description: 'Six frames' })],
    embeds: [new EmbedBuilder().setTitle('Storyboard').setImage('attachment://board.png')],
  })
  const [message] = discord.user('ada').messages('talks')
  expect(message?.attachments[0]).toMatchObject({ filename: 'board.png', description: 'Six frames' })
  expect(message?.attachments[0]?.bytes).toEqual(new Uint8Array(bytes))
  const raw = message?.raw as { embeds: { image: { url: string } }[]; attachments: unknown[] }
  const link = String(raw.embeds[0]?.image.url)
  expect(raw.attachments).toEqual([])
  expect(link).toMatch(/\?ex=[0-9a-f]+&is=[0-9a-f]+&hm=[0-9a-f]{64}$/)
  expect(new Uint8Array(await (await fetch(link)).arrayBuffer())).toEqual(new Uint8Array(bytes))
  expect((await fetch(link.replace(/hm=./, 'hm=x'))).status).toBe(404)
  discord.clock.advance(DAY_MS + SECOND_MS)
  expect((await fetch(link)).status).toBe(404)
})

test('an edit keeps, drops and adds files as its list says', async () => {
  const discord = await startClub()
  const bot = await connectBot(discord)
  const channel = await bot.channels.fetch(discord.channel('talks').id)
  if (!channel?.isSendable()) throw new Error('no channel')
  const file = (name: string) => new AttachmentBuilder(Buffer.from(name), { name })
  const sent = await channel.send({ files: [file('a.txt'), file('b.txt')] })
  const names = () => discord.messages('talks')[0]?.attachments.map(({ filename }) => filename)
  await sent.edit({ content: 'text alone' })
  expect(names()).toEqual(['a.txt', 'b.txt'])
  const [first] = sent.attachments.values()
  await sent.edit({ attachments: first === undefined ? [] : [first], files: [file('c.txt')] })
  expect(names()).toEqual(['a.txt', 'c.txt'])
  await sent.edit({ attachments: [] })
  expect(names()).toEqual([])
  await expect(sent.edit({ content: '' })).rejects.toMatchObject({ code: 50006 })
})

test('people write, reply, edit and delete, and the bot hears of it', async () => {
  const discord = await startClub()
  const bot = await connectBot(discord)
  const heard: string[] = []
  bot.on(Events.MessageCreate, (message) =>
    heard.push(`new ${message.content} ${message.reference?.messageId ?? ''}`),
  )
  bot.on(Events.MessageUpdate, (_, message) => heard.push(`edited ${message.content}`))
  bot.on(Events.MessageDelete, ({ id }) => heard.push(`deleted ${id}`))
  const ada = discord.user('ada')
  const first = ada.send('talks', 'first')
  const reply = discord.user('mod').send('talks', 'reply', { replyTo: first })
  ada.edit(first, 'changed')
  expect(() => ada.edit(reply, 'not mine')).toThrow(/own messages/)
  expect(() => ada.delete(reply)).toThrow(/may not delete/)
  ada.delete(first)
  await discord.until(() => heard.length === 4)
  expect(heard).toEqual(['new first ', `new reply ${first.id}`, 'edited changed', `deleted ${first.id}`])
})

test('embeds of links arrive later and do not count as an edit', async () => {
  const discord = await startClub()
  const bot = await connectBot(discord)
  const seen: unknown[] = []
  bot.on(Events.MessageUpdate, (_, { embeds, editedAt }) => seen.push(embeds[0]?.url, editedAt))
  const message = discord.user('ada').send('talks', 'https://video.example/a')
  discord.unfurl(message, [{ type: 'video', url: 'https://video.example/a' }])
  await discord.until(() => seen.length > 0)
  expect(seen).toEqual(['https://video.example/a', null])
})

test('a page of messages comes from the newest on, and can be asked before and after one', async () => {
  const discord = await startClub()
  const sent = ['1', '2', '3', '4'].map((content) => discord.user('ada').send('talks', content))
  const path = `/channels/${discord.channel('talks').id}/messages`
  const page = async (query: string) =>
    (await call(discord, 'GET', `${path}?${query}`)).body.map(({ content }: { content: string }) => content)
  expect(await page('limit=3')).toEqual(['4', '3', '2'])
  expect(await page(`before=${sent[2]?.id}`)).toEqual(['2', '1'])
  expect(await page(`after=${sent[1]?.id}&limit=1`)).toEqual(['3'])
  expect((await call(discord, 'GET', `${path}?limit=101`)).body.code).toBe(50035)
})

test('a thread opens on a message, once, and its messages and permissions are its own', async () => {
  const discord = await startClub({
    guilds: [
      {
        name: 'club',
        owner: 'mod',
        channels: [
          { name: 'talks', overwrites: [{ for: 'bot', deny: ['SendMessages'] }] },
          { name: 'news', overwrites: [{ for: 'bot', deny: ['SendMessagesInThreads'] }] },
        ],
      },
    ],
  })
  const bot = await connectBot(discord)
  const ada = discord.user('ada')
  const message = ada.send('talks', 'a talk')
  const threads: string[] = []
  bot.on(Events.ThreadCreate, ({ name }) => threads.push(name))
  const found = (await (await bot.channels.fetch(message.channelId))?.toJSON()) as { id: string }
  const path = `/channels/${found.id}/messages/${message.id}/threads`
  const made = await call(discord, 'POST', path, { name: 'About it', auto_archive_duration: 60 })
  expect(made).toMatchObject({ status: 201, body: { id: message.id, type: ChannelType.PublicThread } })
  expect((await call(discord, 'POST', path, { name: 'Again' })).body.code).toBe(160004)
  expect((await call(discord, 'POST', path, { name: '' })).body.code).toBe(50035)
  const inThread = `/channels/${message.id}/messages`
  expect((await call(discord, 'POST', inThread, { content: 'here' })).status).toBe(200)
  expect((await call(discord, 'POST', `/channels/${found.id}/messages`, { content: 'no' })).body.code).toBe(
    50013,
  )
  const heard = new Promise((resolve) =>
    bot.once(Events.MessageCreate, ({ channel }) => resolve(channel.isThread())),
  )
  ada.send(message.id, 'me too')
  expect(await heard).toBe(true)
  expect(threads).toEqual(['About it'])
  const other = ada.startThread(ada.send('news', 'other'), 'Other')
  expect((await call(discord, 'POST', `/channels/${other}/messages`, { content: 'no' })).body.code).toBe(
    50013,
  )
  discord.world.archiveThread(message.id, { archived: true, locked: true })
  expect((await call(discord, 'POST', inThread, { content: 'locked' })).body.code).toBe(160005)
  expect(() => ada.send(message.id, 'locked')).toThrow(/locked/)
})

/** https://docs.discord.com/developers/topics/permissions */
test.each<[string, Parameters<typeof withOverwrite>[0], object, number]>([
  ['View Channel', 'ViewChannel', { content: 'hi' }, 50001],
  ['Send Messages', 'SendMessages', { content: 'hi' }, 50013],
  ['Embed Links', 'EmbedLinks', { embeds: [{ title: 'hi' }] }, 50013],
  [
    'Read Message History',
    'ReadMessageHistory',
    { content: 'hi', message_reference: { message_id: '1' } },
    160002,
  ],
])('without %s the bot is refused', async (_, permission, body, code) => {
  const discord = await startClub({ guilds: [withOverwrite(permission)] })
  const path = `/channels/${discord.channel('talks').id}/messages`
  expect((await call(discord, 'POST', path, body)).body.code).toBe(code)
})

test('without Attach Files the bot is refused a file, and without Read Message History it reads nothing', async () => {
  const discord = await startClub({ guilds: [withOverwrite('AttachFiles', 'ReadMessageHistory')] })
  const path = `/channels/${discord.channel('talks').id}/messages`
  const form = new FormData()
  form.set('files[0]', new Blob(['a']), 'a.txt')
  expect((await call(discord, 'POST', path, form)).body.code).toBe(50013)
  discord.user('ada').send('talks', 'unread')
  expect((await call(discord, 'GET', path)).body).toEqual([])
  expect((await call(discord, 'POST', path, { content: 'written' })).status).toBe(200)
})

function withOverwrite(
  ...deny: ('ViewChannel' | 'SendMessages' | 'EmbedLinks' | 'AttachFiles' | 'ReadMessageHistory')[]
) {
  return { name: 'club', owner: 'mod', channels: [{ name: 'talks', overwrites: [{ for: 'bot', deny }] }] }
}

test('roles, overwrites, ownership and time-outs decide what people may do', async () => {
  const discord = await startClub({
    users: [{ name: 'ada' }, { name: 'eve' }, { name: 'mod' }],
    guilds: [
      {
        name: 'club',
        owner: 'mod',
        roles: [{ name: 'speaker' }],
        members: ['mod', 'ada', { user: 'eve', roles: ['speaker'] }],
        channels: [
          {
            name: 'stage',
            overwrites: [
              { for: 'everyone', deny: ['SendMessages'] },
              { for: 'speaker', allow: ['SendMessages'] },
            ],
          },
        ],
      },
    ],
  })
  expect(() => discord.user('ada').send('stage', 'x')).toThrow(/may not write/)
  discord.user('eve').send('stage', 'by role')
  discord.user('mod').send('stage', 'by ownership')
  discord.world.timeOut('club', 'eve', 60_000)
  expect(() => discord.user('eve').send('stage', 'x')).toThrow(/may not write/)
  discord.clock.advance(60_001)
  discord.user('eve').send('stage', 'later')
  expect(
    discord
      .user('ada')
      .messages('stage')
      .map(({ content }) => content),
  ).toEqual(['by role', 'by ownership', 'later'])
})

test('the bot deletes its own messages, and those of others with Manage Messages', async () => {
  const discord = await startClub({
    guilds: [
      { name: 'club', owner: 'mod', channels: [{ name: 'talks' }] },
      { name: 'trusted', owner: 'mod', botPermissions: ['ManageMessages'], channels: [{ name: 'open' }] },
    ],
  })
  const remove = async (channel: string) => {
    const message = discord.user('ada').send(channel, 'x')
    return call(discord, 'DELETE', `/channels/${message.channelId}/messages/${message.id}`)
  }
  expect((await remove('talks')).body.code).toBe(50013)
  expect((await remove('open')).status).toBe(204)
  const foreign = discord.user('ada').send('talks', 'mine')
  const edit = await call(discord, 'PATCH', `/channels/${foreign.channelId}/messages/${foreign.id}`, {
    content: 'x',
  })
  expect(edit).toMatchObject({ status: 403, body: { code: 50005 } })
})

test('a direct message reaches who takes it', async () => {
  const discord = await startClub({
    users: [{ name: 'ada' }, { name: 'mod' }, { name: 'shy', takesDirectMessages: false }],
  })
  const bot = await connectBot(discord)
  await (await bot.users.fetch(discord.user('ada').id)).send('psst')
  expect(discord.user('ada').messages('dm')).toMatchObject([{ content: 'psst', fromBot: true }])
  const shy = await bot.users.fetch(discord.user('shy').id)
  await expect(shy.send('psst')).rejects.toMatchObject({ code: 50007 })
})
