import { EngineError } from '@longtake/core'
import { type Discord, StandInError } from '@longtake/discord-stand-in'
import { expect, test } from 'vitest'
import { answered, replied, replyTo, toldAlone } from '../test/answers.js'
import { CLUB, setUp } from '../test/bot.js'
import { scriptedEngine } from '../test/engine.js'

const VIDEO = 'https://videos.example/talk.mp4'
const TALKS = { channel: 'talks' }

function ask(discord: Discord, question: string, name = 'ada') {
  return discord.user(name).slash('ask', { question, video: VIDEO }, TALKS)
}

test('a question whose engine is lost is tried once more, and then told to have failed', async () => {
  const engine = scriptedEngine()
  await using stage = await setUp({ engine })
  const { discord } = stage
  const crash = (): Error => new EngineError('ENGINE_CRASHED', 'secret: killed by signal 9')
  engine.fail(crash())
  await answered(discord, ask(discord, 'Once?'))
  expect(engine.works).toHaveLength(2)
  engine.fail(crash())
  engine.fail(crash())
  expect(await toldAlone(discord, ask(discord, 'Twice?'))).toContain('could not work on this')
  expect(engine.works).toHaveLength(4)
})

test('where roles are listed only they may ask, and those who manage the server', async () => {
  const engine = scriptedEngine()
  const world = {
    ...CLUB,
    guilds: [
      {
        name: 'club',
        owner: 'mod',
        roles: [{ name: 'crew' }],
        members: ['mod', 'ada', { user: 'bob', roles: ['crew'] }],
        channels: [{ name: 'talks' }],
      },
    ],
  }
  await using stage = await setUp({ engine }, {}, world)
  const { discord } = stage
  const listed = discord.user('mod').slash('settings role', { role: 'crew' }, TALKS)
  expect(await toldAlone(discord, listed)).toContain('Roles that may ask: <@&')
  expect(await toldAlone(discord, ask(discord, 'May I?'))).toContain('do not have a role')
  await answered(discord, ask(discord, 'May I?', 'bob'))
  await answered(discord, ask(discord, 'May I?', 'mod'))
  expect(() => discord.user('ada').slash('settings show', {}, TALKS)).toThrow(StandInError)
})

test('without the right to read messages a follow-up has to mention the bot, and whoever does not know is told', async () => {
  const engine = scriptedEngine()
  const env = { LONGTAKE_DISCORD_MESSAGE_CONTENT: '0' }
  await using stage = await setUp({ engine }, env, { ...CLUB, privilegedIntents: [] })
  const { discord } = stage
  const ada = discord.user('ada')
  const answer = await answered(discord, ask(discord, 'First?'))
  const said = ada.send('talks', `<@${discord.applicationId}> Second?`, { replyTo: answer })
  expect((await replied(discord, said)).content).toContain('You asked: Second?')
  const unread = ada.send('talks', 'Third?', { replyTo: answer })
  const told = await discord.until(() => replyTo(discord, unread))
  expect(told.content).toContain('Mention me')
  const without = ada.slash('ask', { question: 'Which?' }, TALKS)
  expect(await toldAlone(discord, without)).toContain('Give a video')
  expect(engine.works).toHaveLength(2)
})

test('what is asked while the connection is broken is answered when it is back', async () => {
  const engine = scriptedEngine()
  await using stage = await setUp({ engine })
  const { discord } = stage
  discord.gateway.drop()
  const asked = ask(discord, 'Still there?')
  await answered(discord, asked)
  discord.gateway.invalidate(true)
  await answered(discord, ask(discord, 'And now?', 'bob'))
  expect(engine.works).toHaveLength(2)
})

test('an answer in an age-restricted channel stays there', async () => {
  const engine = scriptedEngine()
  const world = {
    ...CLUB,
    guilds: [
      { name: 'club', owner: 'mod', channels: [{ name: 'talks' }, { name: 'adults', ageRestricted: true }] },
    ],
  }
  await using stage = await setUp({ engine }, {}, world)
  const { discord } = stage
  discord.user('ada').send('adults', VIDEO)
  const asked = discord.user('ada').slash('ask', { question: 'What?' }, { channel: 'adults' })
  await answered(discord, asked)
  expect(await toldAlone(discord, discord.user('ada').slash('ask', { question: 'What?' }, TALKS))).toContain(
    'no video',
  )
  expect(discord.messages('talks').filter(({ ephemeral }) => !ephemeral)).toEqual([])
})
