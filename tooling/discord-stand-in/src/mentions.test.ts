import { expect, test } from 'vitest'
import type { Discord, GuildOptions } from './index.js'
import { startClub } from './testing/club.js'
import { call } from './testing/raw.js'

const CLUB: GuildOptions = {
  name: 'club',
  owner: 'mod',
  roles: [{ name: 'team' }, { name: 'fans', mentionable: true }],
  channels: [{ name: 'talks' }],
}

interface Sent {
  readonly content: string
  readonly allowed?: object
}

async function pingsOf(discord: Discord, { content, allowed }: Sent) {
  const body = { content, ...(allowed !== undefined && { allowed_mentions: allowed }) }
  const answer = await call(discord, 'POST', `/channels/${discord.channel('talks').id}/messages`, body)
  const message = discord.messages('talks').find(({ id }) => id === answer.body.id)
  discord.clock.advance(5000)
  const guild = await call(discord, 'GET', `/guilds/${discord.guildId('club')}/roles`)
  const names = new Map(guild.body.map(({ id, name }: { id: string; name: string }) => [id, name]))
  return [
    ...(message?.pings.everyone ? ['everyone'] : []),
    ...(message?.pings.users ?? []).map((id) => (id === discord.user('ada').id ? 'ada' : id)),
    ...(message?.pings.roles ?? []).map((id) => names.get(id)),
  ]
}

test.each<[string, Omit<Sent, 'content'> & { content?: string }, string[], boolean?]>([
  ['everything, without allowed_mentions', {}, ['everyone', 'ada', 'team', 'fans']],
  ['what needs no permission, where the bot lacks it', {}, ['ada', 'fans'], false],
  ['nobody, with parse empty', { allowed: { parse: [] } }, []],
  ['nobody, with an empty object', { allowed: {} }, []],
  ['users alone', { allowed: { parse: ['users'] } }, ['ada']],
  ['roles alone', { allowed: { parse: ['roles'] } }, ['team', 'fans']],
  ['everyone alone', { allowed: { parse: ['everyone'] } }, ['everyone']],
])('a text that names all of them notifies %s', async (_, { allowed }, expected, mayMention = true) => {
  const discord = await startClub({
    guilds: [{ ...CLUB, botPermissions: mayMention ? ['MentionEveryone'] : [] }],
  })
  const roles = (await call(discord, 'GET', `/guilds/${discord.guildId('club')}/roles`)).body
  const role = (name: string) => roles.find((one: { name: string }) => one.name === name).id
  const content = `@everyone <@${discord.user('ada').id}> <@&${role('team')}> <@&${role('fans')}> <@999>`
  const sent = allowed === undefined ? { content } : { content, allowed }
  expect(await pingsOf(discord, sent)).toEqual(expected)
  expect(discord.botPings).toHaveLength(expected.length > 0 ? 1 : 0)
})

test('ids that are listed are notified, and others are not', async () => {
  const discord = await startClub({ guilds: [CLUB] })
  const ada = discord.user('ada').id
  const mod = discord.user('mod').id
  const content = `<@${ada}> <@!${mod}>`
  expect(await pingsOf(discord, { content, allowed: { users: [ada] } })).toEqual(['ada'])
})

test('a reply notifies its author unless it is told not to', async () => {
  const discord = await startClub({ guilds: [CLUB] })
  const path = `/channels/${discord.channel('talks').id}/messages`
  const question = discord.user('ada').send('talks', 'why?')
  const message_reference = { message_id: question.id }
  await call(discord, 'POST', path, { content: 'loud', message_reference })
  await call(discord, 'POST', path, { content: 'quiet', message_reference, allowed_mentions: { parse: [] } })
  await call(discord, 'POST', path, {
    content: 'asked',
    message_reference,
    allowed_mentions: { replied_user: true },
  })
  expect(discord.botPings.map(({ content }) => content)).toEqual(['loud', 'asked'])
})

test('an edit counts with its own allowed_mentions, whatever the message was made with', async () => {
  const discord = await startClub({ guilds: [CLUB] })
  const path = `/channels/${discord.channel('talks').id}/messages`
  const { body } = await call(discord, 'POST', path, { content: 'a', allowed_mentions: { parse: [] } })
  const content = `<@${discord.user('ada').id}>`
  await call(discord, 'PATCH', `${path}/${body.id}`, { content, allowed_mentions: { parse: [] } })
  expect(discord.botPings).toEqual([])
  await call(discord, 'PATCH', `${path}/${body.id}`, { content })
  expect(discord.botPings).toHaveLength(1)
})

test.each(['everyone', '@ everyone', '@\u200beveryone', '<@\u200b1>', '<@&abc>'])(
  '%j notifies nobody',
  async (content) => {
    const discord = await startClub({ guilds: [{ ...CLUB, botPermissions: ['MentionEveryone'] }] })
    expect(await pingsOf(discord, { content })).toEqual([])
  },
)
