import { VideoError } from '@longtake/core'
import type { Discord, SeenMessage } from '@longtake/discord-stand-in'
import { expect, test } from 'vitest'
import { answered, replied, replyTo, toldAlone } from '../test/answers.js'
import { setUp } from '../test/bot.js'
import { scriptedEngine } from '../test/engine.js'

const VIDEO = 'https://videos.example/talk.mp4'
const TALKS = { channel: 'talks' }

function ask(discord: Discord, question: string, name = 'ada', place = TALKS) {
  return discord.user(name).slash('ask', { question, video: VIDEO }, place)
}

test('a reply to an answer, and a message in its thread, ask on about the same video', async () => {
  const engine = scriptedEngine()
  await using stage = await setUp({ engine })
  const { discord } = stage
  const answer = await answered(discord, ask(discord, 'First?'))
  const second = discord.user('bob').send('talks', 'Second?', { replyTo: answer })
  expect((await replied(discord, second)).content).toContain('You asked: Second?')
  const thread = discord.user('ada').startThread(answer, 'more')
  const third = discord.user('ada').send(thread, 'Third?')
  const inThread = await replied(discord, third)
  expect(inThread.channelId).toBe(thread)
  // A reply to a reply goes on as well.
  const fourth = discord.user('ada').send(thread, 'Fourth?', { replyTo: inThread })
  await replied(discord, fourth)
  expect(engine.works.map(({ question, video }) => [question, video])).toEqual(
    ['First?', 'Second?', 'Third?', 'Fourth?'].map((question) => [question, { type: 'link', url: VIDEO }]),
  )
  discord.user('bob').send('talks', 'I just talk')
  expect(discord.botPings).toEqual([])
})

test('a long answer goes on in further messages, cut at sentences; a very long one is a file', async () => {
  const engine = scriptedEngine()
  await using stage = await setUp({ engine })
  const { discord } = stage
  const sentence = 'This is a sentence of some length that says nothing at all, number'
  const long = Array.from({ length: 80 }, (_, index) => `${sentence} ${index}.`).join(' ')
  engine.say(long)
  const first = await answered(discord, ask(discord, 'Long?'))
  const rest = await discord.until(() => {
    const found = discord.messages('talks').filter(({ replyTo: to }) => to === first.id)
    return found.length === 2 && found
  })
  const body = [first, ...rest].flatMap(({ content }) => [...content.matchAll(/number (\d+)\./g)])
  expect(body.map(([, number]) => Number(number))).toEqual(Array.from({ length: 80 }, (_, index) => index))
  for (const { content } of rest) expect(content).toMatch(/\.$/)
  engine.say('word '.repeat(20_000))
  const file = await answered(discord, ask(discord, 'Longer?'))
  const text = file.attachments.find(({ filename }) => filename === 'answer.txt')
  expect(Buffer.from(text?.bytes ?? []).toString().length).toBeGreaterThan(90_000)
  expect(discord.messages('talks').filter(({ replyTo: to }) => to === file.id)).toEqual([])
})

test('two people at once each get their own answer, and the second one sees a place in the queue', async () => {
  const engine = scriptedEngine()
  await using stage = await setUp({ engine })
  const { discord } = stage
  engine.hold()
  const first = ask(discord, 'Of Ada?')
  await discord.until(() => first.reply?.content.includes('Reading pictures 25 %'))
  const second = ask(discord, 'Of Bob?', 'bob')
  await discord.until(() => second.reply?.content.includes('Next in the queue'))
  engine.release()
  expect((await answered(discord, first)).content).toContain('You asked: Of Ada?')
  expect((await answered(discord, second)).content).toContain('You asked: Of Bob?')
})

test('in direct messages it answers too, and goes on by replies', async () => {
  const engine = scriptedEngine()
  await using stage = await setUp({ engine })
  const { discord } = stage
  const answer = await answered(discord, ask(discord, 'Here?', 'ada', { channel: 'dm' }))
  const more = discord.user('ada').send('dm', 'And here?', { replyTo: answer })
  expect((await replied(discord, more)).content).toContain('And here?')
})

test('where the bot may not write the asker is told what is missing, and nothing is asked', async () => {
  const engine = scriptedEngine()
  await using stage = await setUp({ engine })
  const { discord } = stage
  const asked = ask(discord, 'Here?', 'ada', { channel: 'quiet' })
  expect(await toldAlone(discord, asked)).toContain('Send Messages')
  const talks = discord.user('mod').slash('settings channel', { channel: 'quiet' }, TALKS)
  await toldAlone(discord, talks)
  expect(await toldAlone(discord, ask(discord, 'There?'))).toContain('not to answer in this channel')
  expect(engine.works).toEqual([])
})

test('an answer that is deleted while it is written ends the work', async () => {
  const engine = scriptedEngine()
  await using stage = await setUp({ engine })
  const { discord } = stage
  engine.hold()
  const asked = ask(discord, 'Never mind?')
  const message = await discord.until(() => asked.reply?.content.includes('Reading') && asked.reply)
  discord.user('mod').delete(message)
  const next = ask(discord, 'Next?', 'bob')
  await discord.until(() => engine.works.length === 2)
  engine.release()
  await answered(discord, next)
  expect(asked.messages).toEqual([])
})

test('a question that is deleted is not answered, and one that is edited is answered as it reads then', async () => {
  const engine = scriptedEngine()
  await using stage = await setUp({ engine })
  const { discord } = stage
  const ada = discord.user('ada')
  const answer = await answered(discord, ask(discord, 'First?'))
  engine.hold()
  const edited = ada.send('talks', 'Wrong?', { replyTo: answer })
  await discord.until(() => engine.works.length === 2)
  const deleted = ada.send('talks', 'Deleted?', { replyTo: answer })
  await discord.until(() => replyTo(discord, deleted))
  ada.delete(deleted)
  ada.edit(edited, 'Right?')
  await discord.until(() => engine.works.length === 3)
  engine.release()
  const reply = await replied(discord, edited)
  expect(reply.content).toContain('You asked: Right?')
  await discord.until(() => replyTo(discord, deleted) === undefined)
  expect(engine.works.map(({ question }) => question)).toEqual(['First?', 'Wrong?', 'Right?'])
  expect(discord.messages('talks').filter(({ replyTo: to }) => to === edited.id)).toHaveLength(1)
})

test('failures are told in plain words to the asker alone, and leave nothing behind', async () => {
  const engine = scriptedEngine()
  await using stage = await setUp({ engine })
  const { discord } = stage
  engine.fail(new VideoError('VIDEO_TOO_LARGE', 'The video is longer than the 5 seconds allowed.'))
  const long = ask(discord, 'Long?')
  expect(await toldAlone(discord, long)).toContain('too long or too large')
  engine.fail(new VideoError('VIDEO_NOT_A_VIDEO', 'secret: /tmp/file'))
  const text = ask(discord, 'Text?')
  expect(await toldAlone(discord, text)).toContain('no video that I can read')
  engine.fail(new TypeError('secret: undefined is not a function'))
  const bug = ask(discord, 'Bug?')
  expect(await toldAlone(discord, bug)).toContain('Something went wrong')
  await discord.until(() => [long, text, bug].every(({ reply }) => reply === undefined))
  expect(discord.messages().filter(({ content }) => content.includes('secret'))).toEqual([])
})

test('a full queue, and too many questions of one person, are refused before anything is taken on', async () => {
  const engine = scriptedEngine()
  const env = { LONGTAKE_QUEUE: '1', LONGTAKE_USER_WAITING: '2' }
  await using stage = await setUp({ engine }, env)
  const { discord } = stage
  engine.hold()
  const first = ask(discord, '1?')
  await discord.until(() => engine.works.length === 1)
  const second = ask(discord, '2?')
  await second.acknowledged()
  expect(await toldAlone(discord, ask(discord, '3?'))).toContain('2 questions waiting')
  expect(await toldAlone(discord, ask(discord, '4?', 'bob'))).toContain('no place in the queue')
  engine.release()
  await answered(discord, first)
  await answered(discord, second)
  expect(engine.works).toHaveLength(2)
})

test('an attachment whose link has run out is told as such', async () => {
  const engine = scriptedEngine()
  await using stage = await setUp({ engine })
  const { discord } = stage
  const bob = discord.user('bob')
  const posted = bob.send('talks', 'here', { attachments: [{ name: 'a.mp4', bytes: new Uint8Array(9) }] })
  const opened = discord.user('ada').menu('Ask about this video', posted)
  await discord.until(() => opened.modal)
  discord.clock.advance(2 * 24 * 60 * 60 * 1000)
  const asked = discord.user('ada').submitModal(opened, { question: 'What is it?' })
  expect(await toldAlone(discord, asked)).toContain('has run out')
  expect(engine.works).toEqual([])
})

test('whoever installed the bot for themselves is answered in a server that it is not in', async () => {
  const engine = scriptedEngine()
  await using stage = await setUp(
    { engine },
    {},
    {
      users: [{ name: 'eve', installedApp: true }],
      guilds: [{ name: 'elsewhere', bot: false, channels: [{ name: 'there' }] }],
      identifyIntervalMs: 0,
    },
  )
  const { discord } = stage
  const reply: SeenMessage = await answered(discord, ask(discord, 'Here?', 'eve', { channel: 'there' }))
  expect(reply.content).toContain('You asked: Here?')
})

test('a reply to somebody else in the channel of an answer is no question', async () => {
  const engine = scriptedEngine()
  await using stage = await setUp({ engine })
  const { discord } = stage
  const ada = discord.user('ada')
  const answer = await answered(discord, ask(discord, 'First?'))
  const chat = discord.user('bob').send('talks', 'interesting')
  ada.send('talks', 'indeed', { replyTo: chat })
  const last = ada.send('talks', 'Last?', { replyTo: answer })
  await replied(discord, last)
  expect(engine.works.map(({ question }) => question)).toEqual(['First?', 'Last?'])
})

test('what a model says cannot ping, hide links or break out of anything, nor what a person asks', async () => {
  const engine = scriptedEngine()
  await using stage = await setUp({ engine })
  const { discord } = stage
  const hostile = '@everyone <@&1> [bank](https://evil.example) ```x``` https://discord.gg/abc </ask:1>\n# T'
  engine.say(hostile)
  const answer = await answered(discord, ask(discord, `${hostile} ||?||`))
  expect(answer.content).not.toContain('@everyone')
  expect(answer.content).not.toContain('](https://evil')
  expect(answer.content).not.toContain('```')
  expect(answer.embeds).toEqual([])
  expect(discord.botPings).toEqual([])
  for (const { method, body, path } of discord.requests) {
    if (method === 'GET' || !/messages|webhooks/.test(path) || typeof body !== 'object') continue
    expect(body).toMatchObject({ allowed_mentions: { parse: [] } })
  }
})
