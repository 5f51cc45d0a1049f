import { expect, test } from 'vitest'
import { answered, toldAlone } from '../test/answers.js'
import { setUp } from '../test/bot.js'
import { scriptedEngine } from '../test/engine.js'

const VIDEO = 'https://videos.example/talk.mp4'
const TALKS = { channel: 'talks' }

test('a moment range goes to the engine, and what is no moment is told to the asker alone', async () => {
  const engine = scriptedEngine()
  await using stage = await setUp({ engine })
  const { discord } = stage
  const ada = discord.user('ada')
  const ask = (fields: object) => ada.slash('ask', { question: 'What?', video: VIDEO, ...fields }, TALKS)
  await answered(discord, ask({ start: '1:30', end: '2m5s' }))
  expect(engine.works).toMatchObject([
    { question: 'What?', video: { type: 'link', url: VIDEO }, range: { startSeconds: 90, endSeconds: 125 } },
  ])
  expect(await toldAlone(discord, ask({ start: 'soon' }))).toContain('`start`')
  expect(await toldAlone(discord, ask({ start: '2:00', end: '1:00' }))).toContain('later than')
  expect(await toldAlone(discord, ask({ video: 'file:///etc/passwd' }))).toContain('https://')
  expect(engine.works).toHaveLength(1)
})

test('an attached file is fetched while its link works, and asked about afterwards', async () => {
  const engine = scriptedEngine()
  await using stage = await setUp({ engine })
  const { discord } = stage
  const bytes = new Uint8Array(3_000_000).fill(7)
  engine.hold()
  const first = discord.user('ada').slash('ask', { question: 'One?', file: { name: 'a.mp4', bytes } }, TALKS)
  await discord.until(() => engine.works.length === 1)
  // Two days later Discord's link is dead.
  discord.clock.advance(14 * 60_000)
  engine.release()
  await answered(discord, first)
  const [work] = engine.works
  const source = work?.video.type === 'file' ? await work.video.open() : undefined
  expect(await source?.size()).toBe(bytes.length)
  expect(await source?.read(2_999_990, 3_000_000)).toEqual(bytes.subarray(2_999_990))
  await source?.close()
})

test('without a link the last video of the channel is taken', async () => {
  const engine = scriptedEngine()
  await using stage = await setUp({ engine })
  const { discord } = stage
  const bob = discord.user('bob')
  bob.send('talks', 'old: https://videos.example/old.mp4')
  bob.send('talks', `Look at (${VIDEO}), it is great`)
  bob.send('talks', 'what do you think? https://example.com/page')
  const asked = discord.user('ada').slash('ask', { question: 'Why?' }, TALKS)
  await answered(discord, asked)
  expect(engine.works).toMatchObject([{ video: { type: 'link', url: VIDEO } }])
})

test('without any video in the channel the asker is told so', async () => {
  await using stage = await setUp({ engine: scriptedEngine() })
  const { discord } = stage
  const asked = discord.user('ada').slash('ask', { question: 'Why?' }, TALKS)
  expect(await toldAlone(discord, asked)).toContain('no video in the last 50 messages')
})

test('/watch prepares a video, and a reply to it is a question', async () => {
  const engine = scriptedEngine()
  await using stage = await setUp({ engine })
  const { discord } = stage
  const ada = discord.user('ada')
  const watched = await answered(discord, ada.slash('watch', { video: VIDEO }, TALKS))
  expect(watched.content).toContain('Watched: 1:30, 8 frames')
  ada.send('talks', 'Who speaks?', { replyTo: watched })
  await discord.until(() => engine.works[1]?.question === 'Who speaks?')
})

test('the message menu asks about what a message holds: a file, a link, an embed', async () => {
  const engine = scriptedEngine()
  await using stage = await setUp({ engine })
  const { discord } = stage
  const bob = discord.user('bob')
  const embedded = bob.send('talks', 'look')
  discord.unfurl(embedded, [
    { type: 'video', url: VIDEO, video: { url: 'https://player.example/talk.webm' } },
  ])
  const messages = [
    bob.send('talks', 'here', { attachments: [{ name: 'a.mp4', bytes: new Uint8Array(9) }] }),
    bob.send('talks', `see ${VIDEO}.`),
    embedded,
  ]
  for (const message of messages) {
    const opened = discord.user('ada').menu('Ask about this video', message)
    await discord.until(() => opened.modal)
    const asked = discord.user('ada').submitModal(opened, { question: 'What is it?' })
    await answered(discord, asked)
  }
  expect(engine.works.map(({ video }) => (video.type === 'link' ? video.url : video.type))).toEqual([
    'file',
    VIDEO,
    'https://player.example/talk.webm',
  ])
  const empty = discord.user('ada').menu('Ask about this video', bob.send('talks', 'nothing here'))
  expect(await toldAlone(discord, empty)).toContain('no video in this message')
})

test('/help and /forget', async () => {
  const engine = scriptedEngine()
  await using stage = await setUp({ engine })
  const { discord } = stage
  const ada = discord.user('ada')
  expect(await toldAlone(discord, ada.slash('help', {}, TALKS))).toContain('/ask')
  const file = { name: 'a.mp4', bytes: new Uint8Array(9) }
  const answer = await answered(discord, ada.slash('ask', { question: 'Mine?', file }, TALKS))
  expect(await toldAlone(discord, ada.slash('forget', {}, TALKS))).toContain('questions 1, files 1')
  expect(await toldAlone(discord, ada.slash('forget', {}, TALKS))).toContain('questions 0, files 0')
  // Nothing is known of the answer any more.
  ada.send('talks', 'And then?', { replyTo: answer })
  expect(await toldAlone(discord, ada.press('Show frames', answer))).toContain('do not know')
  expect(engine.works).toHaveLength(1)
})

test('/settings hold for the server, and only those who manage it may change them', async () => {
  const engine = scriptedEngine()
  await using stage = await setUp({ engine })
  const { discord } = stage
  const [ada, mod] = [discord.user('ada'), discord.user('mod')]
  const set = (name: string, values: object) =>
    toldAlone(discord, mod.slash(`settings ${name}`, { ...values }, TALKS))
  expect(await set('show', {})).toContain('as the model likes')
  expect(await set('frames', { count: 32 })).toContain('Frames: 32')
  expect(await set('model', { name: 'large' })).toContain('Model: large')
  expect(await set('model', { name: 'huge' })).toContain('small, large')
  expect(await set('storyboard', { attach: false })).toContain('Storyboard below answers: no')
  expect(await set('language', { name: 'de' })).toContain('Sprache: de')
  const answer = ada.slash('ask', { question: 'Na?', video: VIDEO }, TALKS)
  const reply = await discord.until(
    () => answer.reply?.components.some(({ label }) => label === 'Löschen') && answer.reply,
  )
  expect(reply.content).toContain('fragte')
  expect(reply.attachments).toEqual([])
  expect(engine.works).toMatchObject([{ frames: 32, model: 'large' }])
  const proposed = mod.autocomplete('settings model', 'name', { name: 'la' }, TALKS)
  await discord.until(() => proposed.suggestions)
  expect(proposed.suggestions).toMatchObject([{ value: 'large' }])
})
