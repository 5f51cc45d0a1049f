import { expect, test } from 'vitest'
import { answered, toldAlone } from '../test/answers.js'
import { setUp } from '../test/bot.js'
import { scriptedEngine } from '../test/engine.js'

const VIDEO = 'https://videos.example/talk.mp4'
const TALKS = { channel: 'talks' }

test('more frames asks again with twice as many, and show frames shows them to one person alone', async () => {
  const engine = scriptedEngine()
  await using stage = await setUp({ engine })
  const { discord } = stage
  const ada = discord.user('ada')
  const answer = await answered(discord, ada.slash('ask', { question: 'Who?', video: VIDEO }, TALKS))
  const more = await answered(discord, ada.press('More frames', answer))
  expect(more.id).not.toBe(answer.id)
  expect(engine.works.map(({ frames }) => frames)).toEqual([null, 16])
  const shown = ada.press('Show frames', answer)
  expect(await toldAlone(discord, shown)).toContain('1:15 · 60 %')
  const [frames] = shown.messages
  expect(frames?.attachments).toMatchObject([
    { filename: 'frame-1.png', description: 'Picture of the video at 1:15.' },
    { filename: 'frame-2.png', description: 'Picture of the video at 0:12.' },
  ])
})

test('others may press nothing; a moderator may delete; the asker may cancel', async () => {
  const engine = scriptedEngine()
  await using stage = await setUp({ engine })
  const { discord } = stage
  const [ada, bob, mod] = [discord.user('ada'), discord.user('bob'), discord.user('mod')]
  const answer = await answered(discord, ada.slash('ask', { question: 'Who?', video: VIDEO }, TALKS))
  for (const label of ['More frames', 'Show frames', 'Delete'])
    expect(await toldAlone(discord, bob.press(label, answer))).toContain('Only whoever asked')
  mod.press('Delete', answer)
  await discord.until(() => discord.messages('talks').find(({ id }) => id === answer.id)?.deleted)
  engine.hold()
  const asked = ada.slash('ask', { question: 'Long?', video: VIDEO }, TALKS)
  const waiting = await discord.until(() => asked.reply?.content.includes('Reading') && asked.reply)
  expect(await toldAlone(discord, bob.press('Cancel', waiting))).toContain('Only whoever asked')
  ada.press('Cancel', waiting)
  await discord.until(() => asked.reply?.content.includes('Cancelled.'))
  engine.release()
  const next = ada.slash('ask', { question: 'Next?', video: VIDEO }, TALKS)
  await answered(discord, next)
})

test('deleting an answer deletes its further messages', async () => {
  const engine = scriptedEngine()
  await using stage = await setUp({ engine })
  const { discord } = stage
  engine.say('A sentence that says next to nothing. '.repeat(90))
  const ada = discord.user('ada')
  const answer = await answered(discord, ada.slash('ask', { question: 'Long?', video: VIDEO }, TALKS))
  const parts = () => discord.messages('talks').filter((it) => it.replyTo === answer.id && !it.deleted)
  await discord.until(() => parts().length > 0)
  ada.press('Delete', answer)
  await discord.until(() => parts().length === 0)
})
