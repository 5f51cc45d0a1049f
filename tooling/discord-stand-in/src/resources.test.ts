import { ChannelType, Events, MessageFlags } from 'discord.js'
import { expect, test } from 'vitest'
import { connectBot } from './testing/bots.js'
import { startClub } from './testing/club.js'
import { call } from './testing/raw.js'

test('discord.js reads the app, guilds, channels, roles, members, people and messages', async () => {
  const discord = await startClub({
    guilds: [
      {
        name: 'club',
        owner: 'mod',
        locale: 'de',
        roles: [{ name: 'team' }],
        channels: [{ name: 'talks' }, { name: 'late', ageRestricted: true }],
      },
    ],
  })
  const bot = await connectBot(discord)
  expect((await bot.application.fetch()).owner?.toString()).toMatch(/^<@\d+>$/)
  const guild = await bot.guilds.fetch({ guild: discord.guildId('club'), force: true })
  expect([guild.name, guild.ownerId, guild.preferredLocale]).toEqual(['club', discord.user('mod').id, 'de'])
  const channels = await guild.channels.fetch()
  expect(
    channels.map((channel) => [channel?.name, channel?.isTextBased() && 'nsfw' in channel && channel.nsfw]),
  ).toEqual([
    ['talks', false],
    ['late', true],
  ])
  expect((await guild.roles.fetch()).map(({ name }) => name)).toEqual(['@everyone', 'team', 'Longtake'])
  expect((await guild.members.fetch(discord.user('ada').id)).displayName).toBe('ada')
  expect((await guild.members.fetchMe({ force: true })).permissions.has('SendMessages')).toBe(true)
  expect((await bot.users.fetch(discord.user('ada').id, { force: true })).username).toBe('ada')
  await expect(bot.users.fetch('123456789012345678')).rejects.toMatchObject({ code: 10013 })
  const sent = discord.user('ada').send('talks', 'to be read')
  const talks = await bot.channels.fetch(sent.channelId)
  if (!talks?.isTextBased()) throw new Error('no channel')
  expect((await talks.messages.fetch(sent.id)).content).toBe('to be read')
  expect((await talks.messages.fetch({ limit: 10 })).size).toBe(1)
  await expect(talks.messages.fetch('123456789012345678')).rejects.toMatchObject({ code: 10008 })
})

test('discord.js opens, renames, writes in and archives a thread, and shows that it types', async () => {
  const discord = await startClub()
  const bot = await connectBot(discord)
  const talks = await bot.channels.fetch(discord.channel('talks').id)
  if (talks?.type !== ChannelType.GuildText) throw new Error('no channel')
  await talks.sendTyping()
  const sent = await talks.send('an answer')
  const thread = await sent.startThread({ name: 'More', autoArchiveDuration: 60 })
  await thread.setName('More of it')
  await thread.send('in the thread')
  await thread.setArchived(true)
  expect(discord.channel(thread.id)).toMatchObject({ name: 'More of it', thread: { archived: true } })
  const reply = discord.user('ada').send(thread.id, 'a follow-up')
  expect(
    discord
      .user('mod')
      .messages(thread.id)
      .map(({ id }) => id),
  ).toContain(reply.id)
  expect(discord.channel(thread.id).thread?.archived).toBe(false)
  expect(discord.user('mod').messages('talks')[0]?.threadId).toBe(thread.id)
})

test('an app without the message content intent reads no texts over REST either', async () => {
  const discord = await startClub({ privilegedIntents: [] })
  discord.user('ada').send('talks', 'secret')
  const path = `/channels/${discord.channel('talks').id}/messages`
  expect((await call(discord, 'GET', path)).body[0].content).toBe('')
})

test('embeds of links stay away where they are suppressed', async () => {
  const discord = await startClub()
  const bot = await connectBot(discord)
  const talks = await bot.channels.fetch(discord.channel('talks').id)
  if (!talks?.isSendable()) throw new Error('no channel')
  const sent = await talks.send({ content: 'https://a.example', flags: MessageFlags.SuppressEmbeds })
  discord.unfurl(sent, [{ type: 'link', url: 'https://a.example' }])
  expect(discord.messages('talks')[0]?.embeds).toEqual([])
  await sent.suppressEmbeds(false)
  discord.unfurl(sent, [{ type: 'link', url: 'https://a.example' }])
  expect(discord.messages('talks')[0]?.embeds).toHaveLength(1)
})

test('a bot that is started again within five seconds gets in all the same', async () => {
  const discord = await startClub({ identifyIntervalMs: 5000 })
  await (await connectBot(discord)).destroy()
  const again = await connectBot(discord)
  expect(again.guilds.cache.size).toBe(1)
  const heard = new Promise((resolve) => again.once(Events.MessageCreate, ({ content }) => resolve(content)))
  discord.user('ada').send('talks', 'welcome back')
  expect(await heard).toBe('welcome back')
})
