import { expect, test } from 'vitest'
import { answered, replied, replyTo } from '../test/answers.js'
import { setUp } from '../test/bot.js'
import { scriptedEngine } from '../test/engine.js'

const VIDEO = 'https://videos.example/talk.mp4'
const TALKS = { channel: 'talks' }

test('what was taken on before a restart is answered after it, in the same messages, once', async () => {
  const engine = scriptedEngine()
  await using stage = await setUp({ engine })
  const { discord } = stage
  const ada = discord.user('ada')
  const answer = await answered(discord, ada.slash('ask', { question: 'Before?', video: VIDEO }, TALKS))
  engine.hold()
  const running = ada.slash('ask', { question: 'Running?', video: VIDEO }, TALKS)
  await discord.until(() => running.reply?.content.includes('Reading'))
  const queued = ada.send('talks', 'Queued?', { replyTo: answer })
  await discord.until(() => replyTo(discord, queued))
  await stage.bot.close()
  const next = scriptedEngine()
  const bot = await stage.start({ engine: next })
  expect(bot.resumed).toBe(2)
  expect((await answered(discord, running)).content).toContain('You asked: Running?')
  expect((await replied(discord, queued)).content).toContain('You asked: Queued?')
  expect(discord.messages('talks').filter((it) => it.replyTo === queued.id)).toHaveLength(1)
  expect(running.messages).toHaveLength(1)
  // The conversation is remembered too.
  const more = ada.send('talks', 'After?', { replyTo: answer })
  await replied(discord, more)
})

test('past the fifteen minutes of a token the answer comes in an ordinary message', async () => {
  const engine = scriptedEngine()
  await using stage = await setUp({ engine })
  const { discord } = stage
  engine.hold()
  const asked = discord.user('ada').slash('ask', { question: 'Slow?', video: VIDEO }, TALKS)
  const message = await discord.until(() => asked.reply?.content.includes('Reading') && asked.reply)
  discord.clock.advance(16 * 60 * 1000)
  engine.release()
  const reply = await replied(discord, message)
  expect(reply.content).toContain('You asked: Slow?')
  expect(discord.messages('talks').filter((it) => it.replyTo === message.id)).toHaveLength(1)
})

test('lost answers of requests double nothing', async () => {
  const engine = scriptedEngine()
  await using stage = await setUp({ engine })
  const { discord } = stage
  const ada = discord.user('ada')
  const trouble = { kind: 'status', status: 502 } as const
  discord.faults.add({ on: /^POST \/interactions/, trouble, afterEffect: true })
  discord.faults.add({ on: /^PATCH \/webhooks/, trouble, afterEffect: true, times: 5 })
  const asked = ada.slash('ask', { question: 'One?', video: VIDEO }, TALKS)
  const answer = await answered(discord, asked)
  discord.faults.add({ on: /^POST \/channels/, trouble, afterEffect: true, times: 5 })
  const more = ada.send('talks', 'Two?', { replyTo: answer })
  await replied(discord, more)
  expect(discord.messages('talks').filter((it) => it.replyTo === more.id)).toHaveLength(1)
  expect(asked.messages).toHaveLength(1)
  expect(engine.works).toHaveLength(2)
})

test('whoever is answered where the bot may not write by itself is told when the time is over', async () => {
  const engine = scriptedEngine()
  let aheadMs = 0
  const clock = () => Date.now() + aheadMs
  const world = {
    users: [{ name: 'eve', installedApp: true }],
    guilds: [{ name: 'elsewhere', bot: false, channels: [{ name: 'there' }] }],
    identifyIntervalMs: 0,
  }
  await using stage = await setUp({ engine, clock }, {}, world)
  const { discord } = stage
  engine.hold()
  const asked = discord.user('eve').slash('ask', { question: 'Slow?', video: VIDEO }, { channel: 'there' })
  await discord.until(() => asked.reply?.content.includes('Reading'))
  aheadMs = 14.6 * 60 * 1000
  engine.release()
  await discord.until(() => asked.reply?.content.includes('longer than Discord allows here'))
})
