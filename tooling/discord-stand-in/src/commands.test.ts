import { expect, test } from 'vitest'
import { connectBot } from './testing/bots.js'
import { startClub } from './testing/club.js'
import { call, faultsIn } from './testing/raw.js'

const long = (length: number) => 'x'.repeat(length)
const option = (changes: object = {}) => ({ type: 3, name: 'link', description: 'A link', ...changes })
const command = (changes: object = {}) => ({ name: 'ask', description: 'Asks', ...changes })

/** Each refused by Discord, with the field that it blames. */
const REFUSED: readonly (readonly [name: string, body: object, field: string, code: string])[] = [
  ['no name', { description: 'a' }, 'name', 'BASE_TYPE_REQUIRED'],
  ['upper case', command({ name: 'Ask' }), 'name', 'APPLICATION_COMMAND_INVALID_NAME'],
  ['a blank in the name', command({ name: 'ask me' }), 'name', 'APPLICATION_COMMAND_INVALID_NAME'],
  ['a name beyond 32', command({ name: long(33) }), 'name', 'BASE_TYPE_MAX_LENGTH'],
  ['no description', { name: 'ask' }, 'description', 'BASE_TYPE_REQUIRED'],
  ['a description beyond 100', command({ description: long(101) }), 'description', 'BASE_TYPE_MAX_LENGTH'],
  [
    'a described menu',
    { type: 3, name: 'Ask about', description: 'no' },
    'description',
    'APPLICATION_COMMAND_INVALID_DESCRIPTION',
  ],
  [
    'a language that is none',
    command({ name_localizations: { tlh: 'ask' } }),
    'name_localizations',
    'DICT_TYPE_CONVERT',
  ],
  [
    'a translation in upper case',
    command({ name_localizations: { de: 'Frage' } }),
    'name_localizations.de',
    'APPLICATION_COMMAND_INVALID_NAME',
  ],
  [
    '26 options',
    command({ options: Array.from({ length: 26 }, (_, i) => option({ name: `o${i}` })) }),
    'options',
    'BASE_TYPE_MAX_LENGTH',
  ],
  [
    'two options of one name',
    command({ options: [option(), option()] }),
    'options',
    'APPLICATION_COMMAND_OPTIONS_NAME_INVALID',
  ],
  [
    'a required option after others',
    command({ options: [option(), option({ name: 'b', required: true })] }),
    'options.1',
    'APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID',
  ],
  [
    'a subcommand beside values',
    command({ options: [option(), { type: 1, name: 'set', description: 'a' }] }),
    'options',
    'APPLICATION_COMMAND_OPTIONS_TYPE_INVALID',
  ],
  [
    '26 choices',
    command({
      options: [option({ choices: Array.from({ length: 26 }, (_, i) => ({ name: `${i}`, value: `${i}` })) })],
    }),
    'options.0.choices',
    'BASE_TYPE_MAX_LENGTH',
  ],
  [
    'choices with autocomplete',
    command({ options: [option({ autocomplete: true, choices: [{ name: 'a', value: 'a' }] })] }),
    'options.0.autocomplete',
    'APPLICATION_COMMAND_OPTIONS_AUTOCOMPLETE_INVALID',
  ],
  ['a context that is none', command({ contexts: [7] }), 'contexts.0', 'BASE_TYPE_CHOICES'],
  [
    'an installation twice',
    command({ integration_types: [0, 0] }),
    'integration_types',
    'SET_TYPE_CONTAINS_DUPLICATES',
  ],
  [
    'more than 8000 characters',
    command({
      options: Array.from({ length: 25 }, (_, i) =>
        option({
          name: `o${i}`,
          choices: Array.from({ length: 4 }, (__, c) => ({
            name: `${c}`.padEnd(50, 'n'),
            value: `${c}`.padEnd(50, 'v'),
          })),
        }),
      ),
    }),
    '',
    'APPLICATION_COMMAND_TOO_LARGE',
  ],
]

test('commands beyond the limits are refused with the field that is to blame', async () => {
  const discord = await startClub()
  for (const [name, body, field, code] of REFUSED) {
    const answer = await call(discord, 'POST', `/applications/${discord.applicationId}/commands`, body)
    expect([name, answer.status, answer.body.code], name).toEqual([name, 400, 50035])
    expect(faultsIn(answer.body.errors), name).toEqual({ [field]: [code] })
    discord.clock.advance(10_000)
  }
  expect(discord.commands()).toEqual([])
})

test('registering the same commands again keeps their ids and versions', async () => {
  const discord = await startClub()
  const bot = await connectBot(discord)
  const commands = [
    {
      ...command({ options: [option()] }),
      nameLocalizations: { de: 'frage' },
      contexts: [0, 1],
      integrationTypes: [0, 1],
    },
    { type: 3, name: 'Ask about this video' },
  ]
  await bot.application.commands.set(commands)
  const first = discord.commands()
  await bot.application.commands.set(commands)
  expect(discord.commands()).toEqual(first)
  await bot.application.commands.set([{ ...commands[0], description: 'Asks anew' } as never])
  expect(discord.commands()).toHaveLength(1)
  expect(discord.commands()[0]?.id).toBe(first[0]?.id)
  expect(discord.commands()[0]?.version).not.toBe(first[0]?.version)
})

test('a guild has commands of its own, which can be read, changed and deleted', async () => {
  const discord = await startClub()
  const bot = await connectBot(discord)
  const guildId = discord.guildId('club')
  const made = await bot.application.commands.create(command(), guildId)
  await bot.application.commands.edit(made.id, { description: 'changed' }, guildId)
  expect((await bot.application.commands.fetch(made.id, { guildId })).description).toBe('changed')
  expect(discord.commands()).toEqual([])
  await bot.application.commands.delete(made.id, guildId)
  expect(discord.commands('club')).toEqual([])
  await expect(bot.application.commands.fetch(made.id, { guildId })).rejects.toMatchObject({ code: 10063 })
})

test('translations are given back where they are asked for', async () => {
  const discord = await startClub()
  const path = `/applications/${discord.applicationId}/commands`
  await call(discord, 'POST', path, command({ name_localizations: { de: 'frage' } }))
  expect((await call(discord, 'GET', path)).body[0]).not.toHaveProperty('name_localizations')
  const full = await call(discord, 'GET', `${path}?with_localizations=true`)
  expect(full.body[0].name_localizations).toEqual({ de: 'frage' })
})

test('a client offers a command only where it is registered, allowed and installed', async () => {
  const discord = await startClub({
    users: [{ name: 'ada' }, { name: 'eve', installedApp: true }, { name: 'mod' }],
    guilds: [
      { name: 'club', owner: 'mod', channels: [{ name: 'talks' }] },
      { name: 'elsewhere', owner: 'mod', bot: false, channels: [{ name: 'far' }] },
    ],
  })
  const ada = discord.user('ada')
  expect(() => ada.slash('ask', {}, { channel: 'talks' })).toThrow(/not registered/)
  const path = `/applications/${discord.applicationId}/commands`
  await call(discord, 'PUT', path, [
    command({ contexts: [0], integration_types: [0, 1] }),
    command({ name: 'settings', default_member_permissions: '32' }),
  ])
  expect(() => ada.slash('ask', {}, { channel: 'dm' })).toThrow(/kind of channel/)
  expect(() => ada.slash('ask', {}, { channel: 'far' })).toThrow(/not installed/)
  expect(() => ada.slash('settings', {}, { channel: 'talks' })).toThrow(/other permissions/)
  expect(() => ada.slash('ask', { what: 'x' }, { channel: 'talks' })).toThrow(/no option what/)
  expect(discord.user('mod').slash('settings', {}, { channel: 'talks' }).delivered).toBe(false)
  expect(discord.user('eve').slash('ask', {}, { channel: 'far' }).record.owners).toEqual({
    1: discord.user('eve').id,
  })
  expect(discord.user('eve').slash('ask', {}, { channel: 'talks' }).record.owners).toEqual({
    0: discord.guildId('club'),
    1: discord.user('eve').id,
  })
})
