import { MessageFlags } from 'discord.js'
import { expect, test } from 'vitest'
import { asked } from './testing/asking.js'
import { COMMANDS, startClub } from './testing/club.js'
import { call } from './testing/raw.js'

test('a deferred answer is loading, then edited, then followed up for one person alone', async () => {
  let go = () => {}
  const told = new Promise<void>((resolve) => {
    go = resolve
  })
  const { discord } = await asked(async (interaction) => {
    await interaction.deferReply()
    await told
    await interaction.editReply('first')
    await interaction.editReply({ content: 'second' })
    await interaction.followUp({ content: 'between us', flags: MessageFlags.Ephemeral })
  })
  const ask = discord.user('ada').slash('ask', {}, { channel: 'talks' })
  await ask.acknowledged()
  expect(ask.reply?.loading).toBe(true)
  go()
  await discord.until(() => ask.followups.length === 1)
  expect(ask.reply).toMatchObject({ content: 'second', loading: false, ephemeral: false, fromBot: true })
  expect(ask.reply?.history.map(({ content }) => content)).toEqual(['', 'first', 'second'])
  expect(ask.followups[0]).toMatchObject({ content: 'between us', ephemeral: true })
  expect(
    discord
      .user('ada')
      .messages('talks')
      .map(({ content }) => content),
  ).toEqual(['second', 'between us'])
  expect(
    discord
      .user('mod')
      .messages('talks')
      .map(({ content }) => content),
  ).toEqual(['second'])
})

test('the first followup after a deferral fills the waiting message', async () => {
  const { discord } = await asked(async (interaction) => {
    await interaction.deferReply({ flags: MessageFlags.Ephemeral })
    await interaction.followUp('here')
  })
  const ask = discord.user('ada').slash('ask', {}, { channel: 'talks' })
  await discord.until(() => ask.reply?.content === 'here')
  expect(ask.reply?.ephemeral).toBe(true)
  expect(ask.followups).toEqual([])
})

test('an interaction is answered once and within three seconds', async () => {
  const { discord, failures } = await asked(async (interaction) => {
    await interaction.reply('once')
    await call(discord, 'POST', `/interactions/${interaction.id}/${interaction.token}/callback`, {
      type: 5,
    }).then(({ body }) => failures.push(body))
  })
  discord.user('ada').slash('ask', {}, { channel: 'talks' })
  await discord.until(() => failures.length === 1)
  expect(failures[0]).toMatchObject({ code: 40060 })
})

test('an answer after three seconds finds no interaction, and the person sees it fail', async () => {
  const { discord, failures } = await asked(async (interaction) => {
    discord.clock.advance(3001)
    await interaction.reply('late')
  })
  const ask = discord.user('ada').slash('ask', {}, { channel: 'talks' })
  await discord.until(() => failures.length === 1)
  expect(failures[0]).toMatchObject({ code: 10062, status: 404 })
  expect(ask.failed).toBe(true)
  expect(ask.acknowledgedAfterMs).toBeUndefined()
})

test('a token ends after fifteen minutes', async () => {
  const { discord, failures } = await asked(async (interaction) => {
    await interaction.reply('started')
    discord.clock.advance(14 * 60 * 1000)
    await interaction.editReply('in time')
    discord.clock.advance(61_000)
    await interaction.editReply('too late')
  })
  const ask = discord.user('ada').slash('ask', {}, { channel: 'talks' })
  await discord.until(() => failures.length === 1)
  expect(failures[0]).toMatchObject({ code: 50027, status: 401 })
  expect(ask.reply?.content).toBe('in time')
})

test('a token works only after the first answer, and a wrong one never', async () => {
  const discord = await startClub()
  await call(discord, 'PUT', `/applications/${discord.applicationId}/commands`, COMMANDS)
  const { record } = discord.user('ada').slash('ask', {}, { channel: 'talks' })
  const path = `/webhooks/${discord.applicationId}/${record.token}`
  expect((await call(discord, 'POST', path, { content: 'early' })).body.code).toBe(10015)
  expect(
    (await call(discord, 'POST', `/interactions/${record.id}/wrong/callback`, { type: 5 })).body.code,
  ).toBe(10062)
  const anonymous = { authorization: '' }
  const callback = `/interactions/${record.id}/${record.token}/callback?with_response=true`
  const answer = await call(discord, 'POST', callback, { type: 5, data: { flags: 64 } }, anonymous)
  expect(answer.body.interaction).toMatchObject({
    response_message_loading: true,
    response_message_ephemeral: true,
  })
  expect(answer.body.resource.message.flags).toBe(MessageFlags.Loading | MessageFlags.Ephemeral)
  expect((await call(discord, 'POST', path, { content: 'now' }, anonymous)).status).toBe(200)
})

test('a deleted answer is gone', async () => {
  const { discord, failures } = await asked(async (interaction) => {
    await interaction.reply('soon gone')
    await interaction.deleteReply()
    await interaction.editReply('nobody')
  })
  const ask = discord.user('ada').slash('ask', {}, { channel: 'talks' })
  await discord.until(() => failures.length === 1)
  expect(failures[0]).toMatchObject({ code: 10008 })
  expect(ask.reply).toBeUndefined()
})

test('where the channel is gone there is nothing to answer in', async () => {
  const { discord, failures } = await asked(async (interaction) => {
    discord.world.deleteChannel('talks')
    await interaction.reply('nowhere')
  })
  discord.user('ada').slash('ask', {}, { channel: 'talks' })
  await discord.until(() => failures.length === 1)
  expect(failures[0]).toMatchObject({ code: 10003 })
})

test('what a moderator deletes can no longer be edited', async () => {
  const { discord, failures } = await asked(async (interaction) => {
    await interaction.reply('a rude answer')
    discord.user('mod').delete((await interaction.fetchReply()).id)
    await interaction.editReply('a ruder answer')
  })
  discord.user('ada').slash('ask', {}, { channel: 'talks' })
  await discord.until(() => failures.length === 1)
  expect(failures[0]).toMatchObject({ code: 10008 })
})

test('an app that only the person installed follows up five times at most', async () => {
  const { discord, failures } = await asked(
    async (interaction) => {
      expect(interaction.inCachedGuild()).toBe(false)
      await interaction.reply('0')
      for (let number = 1; number <= 6; number += 1) await interaction.followUp(String(number))
    },
    {
      users: [{ name: 'ada', installedApp: true }, { name: 'mod' }],
      guilds: [{ name: 'elsewhere', owner: 'mod', bot: false, channels: [{ name: 'far' }] }],
    },
  )
  const ask = discord.user('ada').slash('ask', {}, { channel: 'far' })
  await discord.until(() => failures.length === 1)
  expect(failures[0]).toMatchObject({ code: 40094 })
  expect(ask.messages.map(({ content }) => content)).toEqual(['0', '1', '2', '3', '4', '5'])
})

test('without Use External Apps the answers of a user-installed app are for the person alone', async () => {
  const { discord } = await asked((interaction) => interaction.reply('quietly'), {
    users: [{ name: 'ada', installedApp: true }, { name: 'mod' }],
    guilds: [
      {
        name: 'elsewhere',
        owner: 'mod',
        bot: false,
        channels: [{ name: 'far', overwrites: [{ for: 'everyone', deny: ['UseExternalApps'] }] }],
      },
    ],
  })
  const ask = discord.user('ada').slash('ask', {}, { channel: 'far' })
  expect((await discord.until(() => ask.reply)).ephemeral).toBe(true)
})

test('a command in direct messages has a user and no guild', async () => {
  const seen: unknown[] = []
  const { discord } = await asked(async (interaction) => {
    seen.push(interaction.guildId, interaction.user.username, interaction.context)
    await interaction.reply('hello')
  })
  const ask = discord.user('ada').slash('ask', {}, { channel: 'dm' })
  await ask.acknowledged()
  expect(seen).toEqual([null, 'ada', 1])
  expect(
    discord
      .user('ada')
      .messages('dm')
      .map(({ content }) => content),
  ).toEqual(['hello'])
})

test('while the bot is away an interaction waits for its session, and is heard after resuming', async () => {
  const { discord } = await asked((interaction) => interaction.reply('back'))
  discord.gateway.drop()
  const ask = discord.user('ada').slash('ask', {}, { channel: 'talks' })
  expect(ask.delivered).toBe(true)
  expect((await discord.until(() => ask.reply)).content).toBe('back')
})
